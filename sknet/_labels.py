"""Labels of any type to the 0 and 1 of the network's outputs, and back.

Labels come in three kinds, scikit-learn's ``type_of_target``: ``"binary"`` and
``"multiclass"``, encoded as class indices, and ``"multilabel-indicator"``, encoded as
an array of bool with a column for each label.
"""

import warnings

import numpy as np
from scipy import sparse
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import check_classification_targets, type_of_target


def learn_labels(y, classes=None):
    """Kind of the labels, and the classes in sorted order.

    Parameters
    ----------
    y : ndarray or sparse matrix of shape (n_samples,) or (n_samples, n_labels)
    classes : array-like of shape (n_classes,), default=None
        All classes there will ever be; those of ``y`` by default.

    Returns
    -------
    kind : {"binary", "multiclass", "multilabel-indicator"}
    classes : ndarray of shape (n_classes,)
        For multilabel y the column numbers.

    Raises
    ------
    ValueError
        For continuous or multi-output targets, and where there is just one class.
    """
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"y of shape {y.shape} holds several multiclass targets, which are not "
            "supported: fit one estimator for each column (MultiOutputClassifier)."
        )
    if kind == "multilabel-indicator":
        _warn_if_one_hot(y)
        n_labels = y.shape[1]
        if classes is not None and len(classes) != n_labels:
            raise ValueError(
                f"classes has {len(classes)} entries for the {n_labels} label columns "
                "of y: pass one for each column, or None."
            )
        return kind, np.arange(n_labels)
    classes = LabelEncoder().fit(y if classes is None else classes).classes_
    if len(classes) < 2:
        raise ValueError(
            f"y holds one class only, {classes.tolist()}: a classifier needs samples "
            "of at least two classes."
        )
    return "binary" if len(classes) == 2 else "multiclass", classes


def encode(y, kind, classes):
    """Class indices, shape (n_samples,), or bools, shape (n_samples, n_labels).

    Raises
    ------
    ValueError
        For labels that are not among ``classes``, or y of another kind.
    """
    multilabel = kind == "multilabel-indicator"
    if multilabel != (y.ndim == 2):
        raise ValueError(
            f"y of shape {y.shape} does not fit this {kind} model: give it targets of "
            "the kind it was first trained on."
        )
    if multilabel:
        return _indicator(y, len(classes))
    index = {label: i for i, label in enumerate(classes.tolist())}
    labels = y.tolist()  # compared as they are: a cast could make labels equal
    unseen = sorted(set(labels) - set(index), key=str)
    if unseen:
        more = f" and {len(unseen) - 5} more" if len(unseen) > 5 else ""
        raise ValueError(
            f"y holds labels {unseen[:5]}{more} that are not among the classes "
            f"{classes.tolist()} of the first call: name all classes there."
        )
    return np.array([index[label] for label in labels])


def _indicator(y, n_labels):
    """Multilabel y as an array of bool."""
    if y.shape[1] != n_labels:
        raise ValueError(
            f"y has {y.shape[1]} label columns, the model was trained on {n_labels}."
        )
    y = y.toarray() if sparse.issparse(y) else np.asarray(y)
    if not np.isin(y, [0, 1]).all():
        raise ValueError(
            f"multilabel y must hold 0 and 1 only, got {np.unique(y).tolist()}."
        )
    return y.astype(bool)


def _warn_if_one_hot(y):
    """Warn of classes that were one-hot encoded: they would be taken for labels."""
    if y.shape[0] > 1 and (np.asarray(y.sum(axis=1)) == 1).all():
        warnings.warn(
            f"y of shape {y.shape} has exactly one 1 in every row: it is trained as "
            f"{y.shape[1]} independent labels; if it is one-hot encoded classes, pass "
            "y.argmax(axis=1) instead.",
            UserWarning,
            stacklevel=2,
        )

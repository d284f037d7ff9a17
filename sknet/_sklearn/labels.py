"""Labels of any type to the 0 and 1 of the network's outputs, and back.

Labels come in three kinds, scikit-learn's ``type_of_target``: ``"binary"`` and
``"multiclass"``, encoded as class indices, and ``"multilabel-indicator"``, encoded as
an array of bool with a column for each label.
"""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sknet._sklearn.validation import Samples

OF_FIRST_CALL = "which the first call sets: name all of them there"


class Labels(NamedTuple):
    """What a classifier has learned of its labels.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator"}
    classes : ndarray of shape (n_classes,)
        In sorted order; for multilabel targets the column numbers.
    sparse : bool
        Whether multilabel targets were sparse, as predictions then are too.
    factors : ndarray of shape (n_classes,) or None
        Factors on the weights of the classes' samples.
    """

    kind: str
    classes: NDArray[Any]
    sparse: bool
    factors: NDArray[np.float64] | None = None

    @property
    def n_outputs(self) -> int:
        """Outputs of a network for these labels: 1 for two classes."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def attributes(self) -> dict[str, Any]:
        """What a fitted estimator keeps of them."""
        return {
            "classes_": self.classes,
            "_kind": self.kind,
            "_sparse_labels": self.sparse,
        }

    def encode(self, samples: Samples, whose: str = OF_FIRST_CALL) -> Samples:
        """Samples with y encoded and the weights of their classes, 0 left out."""
        y = encode(samples.y, self.kind, self.classes, whose)
        samples = samples._replace(y=y).weighted(None)
        if self.factors is None:
            return samples
        return samples.weighted(self.factors[samples.y])

    def strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        """Class of each row of encoded y; None where a row may have several."""
        return y if y.ndim == 1 else None

    def decide(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Class indices, or bools for multilabel, of raw outputs (a row a sample)."""
        if self.kind == "multiclass":
            return raw.argmax(axis=1)
        positive = raw > 0
        return positive if self.kind != "binary" else positive[:, 0].astype(int)

    def decode(self, y: NDArray[Any]) -> NDArray[Any]:
        """Labels of encoded y."""
        if self.kind == "multilabel-indicator":
            return y.astype(int)
        return self.classes[y]


def learn_labels(y: Any, classes: Any = None) -> tuple[str, NDArray[Any]]:
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
            f"y contains only one class, {classes.tolist()}: a classifier needs "
            "samples of at least two classes."
        )
    return "binary" if len(classes) == 2 else "multiclass", classes


def encode(
    y: Any, kind: str, classes: NDArray[Any], whose: str = OF_FIRST_CALL
) -> NDArray[Any]:
    """Class indices, shape (n_samples,), or bools, shape (n_samples, n_labels).

    ``whose`` says in the message on an unseen label where the classes come from, and
    what to do.

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
            f"{classes.tolist()} {whose}."
        )
    return np.array([index[label] for label in labels])


def _indicator(y: Any, n_labels: int) -> NDArray[np.bool_]:
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


def _warn_if_one_hot(y: Any) -> None:
    """Warn of classes that were one-hot encoded: they would be taken for labels."""
    if y.shape[0] > 1 and (np.asarray(y.sum(axis=1)) == 1).all():
        warnings.warn(
            f"y of shape {y.shape} has exactly one 1 in every row: it is trained as "
            f"{y.shape[1]} independent labels; if it is one-hot encoded classes, pass "
            "y.argmax(axis=1) instead.",
            UserWarning,
            stacklevel=2,
        )


def class_factors(
    class_weight: Any, labels: Labels, samples: Samples
) -> NDArray[np.float64] | None:
    """Factor on the weight of each class's samples.

    "balanced" gives every class an equal total weight and leaves the sum of all
    weights as it is::

        factor_c = (sum of all weights) / (n_classes * sum of the weights of class c)

    which counts rows where there are no weights (King and Zeng, *Logistic regression
    in rare events data*, Political Analysis 9, 2001).

    Parameters
    ----------
    class_weight : {"balanced"}, dict or None
        A dict from a label to a factor; labels that it lacks have 1.  One that has all
        classes may have others too, which y happens not to hold.
    labels : Labels
    samples : Samples
        Their y encoded.

    Returns
    -------
    factors : ndarray of shape (n_classes,) or None

    Raises
    ------
    ValueError
        For multilabel targets, labels that are no classes, and factors that are not
        numbers, 0 or more, or leave nothing to train on.
    """
    if class_weight is None:
        return None
    if labels.kind == "multilabel-indicator":
        raise ValueError(
            f"class_weight={class_weight!r} needs one class a sample, y is "
            "multilabel: pass sample_weight instead."
        )
    if class_weight == "balanced":
        totals = np.bincount(
            samples.y, samples.sample_weight, minlength=len(labels.classes)
        )
        there = totals > 0  # a class may have nothing but weights of 0
        factors = np.ones(len(totals))
        factors[there] = totals.sum() / (there.sum() * totals[there])
        return factors
    classes = labels.classes.tolist()
    unknown = [label for label in class_weight if label not in classes]
    if unknown and not all(label in class_weight for label in classes):
        raise ValueError(
            f"class_weight has the labels {unknown}, which are not among the classes "
            f"{classes}, and lacks some of these: use the labels of y."
        )
    for label, factor in class_weight.items():
        if not (isinstance(factor, Real) and 0 <= factor < np.inf):
            raise ValueError(
                f"class_weight has {factor!r} for the label {label!r}: give finite "
                "numbers, 0 or more."
            )
    factors = np.array([float(class_weight.get(label, 1.0)) for label in classes])
    if not factors[samples.y].any():
        raise ValueError(
            f"class_weight={class_weight} gives all samples the weight 0: give a class "
            "that y has a weight above 0."
        )
    return factors

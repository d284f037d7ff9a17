"""Labels of any type to the 0 and 1 of the network's outputs, and back.

Labels come in three kinds, scikit-learn's ``type_of_target``: ``"binary"`` and
``"multiclass"``, encoded as class indices, and ``"multilabel-indicator"``, encoded as
an array of bool with a column for each label.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from inspect import signature
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import make_scorer
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from sknet._sklearn.samples import Samples
from sknet._sklearn.warn import warn

STAY = (
    "they stay what they were when training began, so train a new model on all labels"
)


class Labels(NamedTuple):
    """What a classifier has learned of its labels.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator"}
        A single class is the least that "multiclass" can be.
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
        """Outputs of a network for these labels: 1 for two classes, and for one."""
        return 1 if self.kind == "binary" else len(self.classes)

    @property
    def only_one(self) -> bool:
        """Whether there is one class, so that nothing is uncertain."""
        return self.kind == "multiclass" and len(self.classes) == 1

    @property
    def attributes(self) -> dict[str, Any]:
        """What a fitted estimator keeps of them."""
        return {
            "classes_": self.classes,
            "_kind": self.kind,
            "_sparse_labels": self.sparse,
        }

    def encode(self, samples: Samples, name: str = "y", remedy: str = STAY) -> Samples:
        """Samples with y encoded and the weights of their classes, 0 left out."""
        y = encode(samples.y, self.kind, self.classes, name, remedy)
        samples = samples._replace(y=y).weighted(None)
        if self.factors is None:
            return samples
        return samples.weighted(self.factors[samples.y])

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

    def lacking(self, y: NDArray[Any]) -> list[Any]:
        """Classes that encoded y has no sample of; for multilabel y none."""
        if self.kind == "multilabel-indicator":
            return []
        absent = np.bincount(y, minlength=len(self.classes)) == 0
        return shown(self.classes[absent])

    def check_same(self, classes: NDArray[Any], message: str) -> None:
        """Raise a ValueError unless ``classes`` are these.

        Parameters
        ----------
        classes : ndarray
        message : str
            With places for those given and for these.
        """
        if set(keys_of(classes)) != set(keys_of(self.classes)):
            raise ValueError(message.format(shown(classes), shown(self.classes)))


def learn_labels(y: Any) -> Labels:
    """The labels that y holds.

    Parameters
    ----------
    y : ndarray or sparse matrix of shape (n_samples,) or (n_samples, n_labels)

    Raises
    ------
    ValueError
        For continuous or multi-output targets, and labels of no type that can be
        compared.
    """
    if _has_labels_for_sure(y):
        classes = np.unique(y)
        if 2 * len(classes) <= len(y):  # of more scikit-learn warns
            return _labels_of(classes)
    _check_types(y, "y")
    check_classification_targets(y)
    kind = type_of_target(y)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"y of shape {y.shape} holds several multiclass targets, which are not "
            "supported: fit one estimator for each column (MultiOutputClassifier)."
        )
    if kind == "multilabel-indicator":
        _warn_if_one_hot(y)
        return Labels(kind, np.arange(y.shape[1]), sparse.issparse(y))
    return _labels_of(LabelEncoder().fit(y).classes_)


def _has_labels_for_sure(y: Any) -> bool:
    """Whether y is one column of integers, bools or strings.

    They can be nothing but labels.  scikit-learn looks five times at y to find that
    out, which on small data takes longer than anything else before training.
    """
    return type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biuU"


def first_labels(y: Any, classes: Any) -> Labels:
    """The labels of a first ``partial_fit``: ``classes``, whatever y holds of them.

    Raises
    ------
    ValueError
        As :func:`learn_labels` does; for no classes, unless y is multilabel, and then
        for others than the column numbers.
    """
    labels = learn_labels(y)
    if labels.kind != "multilabel-indicator":
        if classes is None:
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all labels "
                "that any call will bring."
            )
        return _labels_of(named_classes(classes))
    if classes is not None:
        labels.check_same(
            named_classes(classes),
            "classes={} are not the label columns of y, {}, by which a multilabel "
            "model knows its labels: pass these, or None.",
        )
    return labels


def named_classes(classes: Any) -> NDArray[Any]:
    """The argument ``classes`` of ``partial_fit``, in sorted order, each once."""
    if isinstance(classes, Collection) and not hasattr(classes, "__array__"):
        classes = classes if isinstance(classes, str) else list(classes)  # of a set too
    check_given(classes, "classes")
    classes = np.asarray(classes)
    _check_types(classes, "classes")
    if classes.ndim != 1 or not len(classes):
        raise ValueError(
            f"classes has shape {classes.shape}: pass a list of all labels that any "
            "call will bring."
        )
    return LabelEncoder().fit(classes).classes_


def _labels_of(classes: NDArray[Any]) -> Labels:
    return Labels("binary" if len(classes) == 2 else "multiclass", classes, False)


def check_given(y: Any, name: str) -> None:
    """Refuse labels that are missing, or that NumPy would make equal by a cast.

    Parameters
    ----------
    y : array-like or sparse matrix
        As the user gave it.
    name : str
        For messages.

    Raises
    ------
    ValueError
    """
    if y is None or sparse.issparse(y):
        return
    array = np.asarray(y)
    if array.dtype.kind == "U" and isinstance(y, list | tuple):
        array = np.asarray(y, dtype=object)  # not all may have been strings
    if array.dtype.kind not in "OM":
        return
    values = array.ravel() if array.dtype.kind == "M" else array.ravel().tolist()
    missing = next((value for value in values if _is_missing(value)), 0)
    if _is_missing(missing):
        raise ValueError(
            f"Input {name} contains missing labels, {missing!r}: leave them out, or "
            "make them a label of their own, such as 'unknown'."
        )
    types = {type(value) for value in values}
    if len({issubclass(one, str) for one in types}) == 2:
        names = ", ".join(sorted(one.__name__ for one in types))
        raise ValueError(
            f"{name} mixes labels of the types {names}, which cannot be sorted: make "
            "them all strings, or all numbers."
        )


def _is_missing(value: Any) -> bool:
    """Whether a label is None, NaN, NaT or pandas' NA."""
    try:
        return value is None or bool(value != value)
    except (TypeError, ValueError):  # NA is neither; an array is not a label
        return not np.ndim(value)


def _check_types(y: Any, name: str) -> None:
    """Refuse Python objects that are not strings: no metric would take them."""
    if sparse.issparse(y) or y.dtype != object:
        return
    types = {type(value) for value in y.ravel().tolist()}
    others = sorted(one.__name__ for one in types if not issubclass(one, str))
    if others:
        raise ValueError(
            f"Unknown label type: {name} is an array of objects of the type "
            f"{', '.join(others)}; labels are numbers, bools, strings or datetimes of "
            "NumPy: convert them, by astype(int), astype(bool), "
            "astype('datetime64[us]') or astype(str)."
        )


def shown(labels: NDArray[Any]) -> list[Any]:
    """Labels as messages show them: datetimes as dates and times."""
    if labels.dtype.kind in "mM":
        return labels.astype(str).tolist()
    return labels.tolist()


def keys_of(labels: NDArray[Any]) -> list[Any]:
    """Keys of a dict, equal for labels that are equal, datetimes of any unit too.

    Examples
    --------
    >>> days = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")
    >>> keys_of(days) == keys_of(days.astype("datetime64[ns]"))
    True
    """
    if labels.dtype.kind not in "mM":
        return labels.tolist()  # compared as they are: a cast could make labels equal
    kind = labels.dtype.kind
    seconds = labels.astype(f"{kind}8[s]")
    rest = (labels - seconds).astype("m8[fs]")
    pairs = zip(seconds.astype(int).tolist(), rest.astype(int).tolist(), strict=True)
    return [(kind, *pair) for pair in pairs]


def key_of(label: Any) -> Any:
    """The same of a single label, such as a key of ``class_weight``."""
    if hasattr(label, "to_datetime64"):  # of pandas: NumPy would lose nanoseconds
        label = label.to_datetime64()
    if isinstance(label, date | np.datetime64 | np.timedelta64):
        return keys_of(np.array([label], dtype=getattr(label, "dtype", "M8")))[0]
    return label


def encode(
    y: Any,
    kind: str,
    classes: NDArray[Any],
    name: str = "y",
    remedy: str = STAY,
) -> NDArray[Any]:
    """Class indices, shape (n_samples,), or bools, shape (n_samples, n_labels).

    ``name`` and ``remedy`` are for the message on labels that are no classes.

    Raises
    ------
    ValueError
        For labels that are not among ``classes``, or y of another kind.
    """
    multilabel = kind == "multilabel-indicator"
    if multilabel != (y.ndim == 2):
        raise ValueError(
            f"{name} of shape {y.shape} does not fit this {kind} model: give it "
            "targets of the kind it was first trained on."
        )
    if multilabel:
        return _indicator(y, len(classes), name)
    _check_types(y, name)
    if y.dtype == classes.dtype and _has_labels_for_sure(y):
        encoded = np.searchsorted(classes, y).clip(max=len(classes) - 1)
        encoded[classes[encoded] != y] = -1
    else:
        index = {key: i for i, key in enumerate(keys_of(classes))}
        codes = [index.get(key, -1) for key in keys_of(y)]
        encoded = np.array(codes, dtype=np.intp)
    if (encoded < 0).any():
        unseen = shown(np.unique(y[encoded < 0]))
        more = f" and {len(unseen) - 5} more" if len(unseen) > 5 else ""
        raise ValueError(
            f"{name} holds labels {unseen[:5]}{more} that are not among the classes "
            f"{shown(classes)}: {remedy}."
        )
    return encoded


def class_indices(target: Any, labels: Labels, n_samples: int) -> NDArray[np.intp]:
    """Index of the class that is asked about, for each sample.

    Parameters
    ----------
    target : object or array-like of shape (n_samples,)
        A class of all samples, or one for each; of multilabel targets the number of
        the column.
    labels : Labels
    n_samples : int

    Raises
    ------
    ValueError
        For what is no class, or another number of them than of samples.
    """
    given = np.asarray(target)
    if given.ndim == 0:
        given = np.broadcast_to(given, n_samples)
    elif given.shape != (n_samples,):
        raise ValueError(
            f"target has the shape {given.shape}, X has {n_samples} samples: give a "
            "class, or one for each sample."
        )
    remedy = "name one of classes_"
    return encode(given, "multiclass", labels.classes, "target", remedy)


def _indicator(y: Any, n_labels: int, name: str) -> NDArray[np.bool_]:
    """Multilabel y as an array of bool."""
    if y.shape[1] != n_labels:
        raise ValueError(
            f"{name} has {y.shape[1]} label columns, the model was trained on "
            f"{n_labels}."
        )
    y = y.toarray() if sparse.issparse(y) else np.asarray(y)
    if not np.isin(y, [0, 1]).all():
        raise ValueError(
            f"multilabel {name} must hold 0 and 1 only, got {np.unique(y).tolist()}."
        )
    return y.astype(bool)


def _warn_if_one_hot(y: Any) -> None:
    """Warn of classes that were one-hot encoded: they would be taken for labels."""
    if y.shape[0] > 1 and (np.asarray(y.sum(axis=1)) == 1).all():
        warn(
            f"y of shape {y.shape} has exactly one 1 in every row: it is trained as "
            f"{y.shape[1]} independent labels; if it is one-hot encoded classes, pass "
            "y.argmax(axis=1) instead."
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
        numbers, 0 or more.
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
    keys = keys_of(labels.classes)
    given = {key_of(label): factor for label, factor in class_weight.items()}
    unknown = [label for label in class_weight if key_of(label) not in keys]
    if unknown and not all(key in given for key in keys):
        raise ValueError(
            f"class_weight has the labels {unknown}, which are not among the classes "
            f"{shown(labels.classes)}, and lacks some of these: use the labels of y."
        )
    for label, factor in class_weight.items():
        if not (isinstance(factor, Real) and 0 <= factor < np.inf):
            raise ValueError(
                f"class_weight has {factor!r} for the label {label!r}: give finite "
                "numbers, 0 or more."
            )
    return np.array([float(given.get(key, 1.0)) for key in keys])


def told_the_classes(scorer: Any, labels: Labels) -> Any:
    """The scorer, told the classes if its metric wants to know.

    A validation set may lack one, and probabilities have a column for each: a metric of
    probabilities, or of decisions, that takes ``labels`` (:func:`log_loss`,
    :func:`roc_auc_score`) can only know from them what the columns are.  For a metric
    of predictions ``labels`` are those to average over, which is the user's choice.
    """
    metric = getattr(scorer, "_score_func", None)
    if metric is None or labels.kind == "multilabel-indicator":
        return scorer
    response, given = scorer._response_method, scorer._kwargs
    takes_labels = "labels" in signature(metric).parameters and "labels" not in given
    if response == "predict" or not takes_labels:
        return scorer
    return make_scorer(
        metric,
        response_method=response,
        greater_is_better=scorer._sign > 0,
        labels=labels.classes,
        **given,
    )

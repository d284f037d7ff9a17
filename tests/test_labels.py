"""Labels of any type, one or several for a sample, and those that cannot be."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from support import CONTAINERS, NAMES, assert_same_fit, network

pl = pytest.importorskip("polars")

LABELS = {
    "str": lambda y: NAMES[y],
    "bytes-like object": lambda y: NAMES.astype(object)[y],
    "bool": lambda y: y > 0,
    "gaps": lambda y: np.array([-7, 3, 1000])[y],
    "minus one and one": lambda y: np.array([-1, 1, 1])[y],
    "from one": lambda y: y + 1,
    "float": lambda y: y.astype(float),
    "uint8": lambda y: y.astype(np.uint8),
    "list of str": lambda y: NAMES[y].tolist(),
    "pandas str": lambda y: pd.Series(NAMES[y], index=range(7, 7 + len(y))),
    "pandas int": lambda y: pd.Series(y + 1, index=range(7, 7 + len(y))),
    "pandas categorical": lambda y: pd.Series(NAMES[y], dtype="category"),
    "polars str": lambda y: pl.Series("species", NAMES[y]),
    "polars int": lambda y: pl.Series("species", y + 1),
    "polars categorical": lambda y: pl.Series(NAMES[y], dtype=pl.Categorical),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_any_type_train_the_model_of_their_codes(
    iris, labels, container, early_stopping
):
    """Of early stopping, see scikit-learn issues 33760 (words) and 24846 (names)."""
    X, y = iris
    y_labels = LABELS[labels](y)
    classes, codes = np.unique(np.asarray(y_labels), return_inverse=True)
    expected = network(early_stopping=early_stopping).fit(X, codes)
    net = network(early_stopping=early_stopping)
    net.fit(CONTAINERS[container](X), y_labels)

    assert_same_fit(net, expected)
    assert_array_equal(net.classes_, classes)
    predicted = net.predict(CONTAINERS[container](X))
    assert_array_equal(predicted, classes[expected.predict(X)])
    assert type(predicted[0]) is type(classes[0])
    assert net.score(CONTAINERS[container](X), y_labels) > 0.8


@pytest.mark.parametrize("labels", ["str", "bool", "gaps", "pandas categorical"])
def test_labels_of_any_type_in_partial_fit(iris, labels):
    X, y = iris
    y_labels = LABELS[labels](y)
    classes, codes = np.unique(np.asarray(y_labels), return_inverse=True)
    expected, net = network(), network()
    for _ in range(3):
        expected.partial_fit(X, codes, classes=np.arange(len(classes)))
        net.partial_fit(X, y_labels, classes=classes[::-1])  # in any order
    assert_same_fit(net, expected)
    assert_array_equal(net.predict(X), classes[expected.predict(X)])


@pytest.mark.parametrize(
    "labels", [[1, 2, 3], [-1, 1, 1], ["x", "y", "z"], [10, 20, 300]]
)
def test_classes_are_the_labels_and_no_others(iris, labels):
    """Elsewhere the labels 1, 2 and 3 make a class 0."""
    X, y = iris
    net = network().fit(X, np.array(labels)[y])
    assert net.classes_.tolist() == sorted(set(labels))
    assert net.predict_proba(X).shape == (150, len(set(labels)))


def test_labels_in_a_column_are_taken_with_one_warning(iris):
    X, y = iris
    with pytest.warns(match="column-vector y") as record:
        net = network().fit(X, y[:, np.newaxis])
    assert_same_fit(net, network().fit(X, y))
    assert sum("column-vector y" in str(w.message) for w in record) == 1


def test_targets_of_many_classes_take_little_memory():
    """One-hot float64 targets of all rows would take 160 MB."""
    n_samples, n_classes = 20_000, 1000
    X = np.random.RandomState(0).uniform(size=(n_samples, 1))
    y = np.arange(n_samples) % n_classes
    net = network(hidden_layer_sizes=(2,), max_iter=1)
    tracemalloc.start()
    try:
        net.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40e6


# -- several labels for a sample -------------------------------------------------------


@pytest.mark.parametrize(
    "container",
    [
        np.array,
        lambda y: y.astype(bool),
        lambda y: y.astype(float),
        lambda y: y.tolist(),
        pd.DataFrame,
        sparse.csr_matrix,
        sparse.csc_matrix,
        sparse.csr_array,
    ],
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_multilabel_targets_dense_and_sparse(multilabel, container, early_stopping):
    X, y = multilabel
    expected = network(early_stopping=early_stopping).fit(X, y)
    net = network(early_stopping=early_stopping).fit(X, container(y))
    assert_same_fit(net, expected)
    assert_array_equal(net.classes_, np.arange(4))
    predicted = net.predict(X)
    assert sparse.issparse(predicted) == sparse.issparse(container(y))
    predicted = predicted.toarray() if sparse.issparse(predicted) else predicted
    assert_array_equal(predicted, expected.predict_proba(X) > 0.5)


def test_one_hot_labels_are_warned_of(iris):
    """Elsewhere they silently become independent labels (scikit-learn issue 9988)."""
    X, y = iris
    with pytest.warns(UserWarning, match=r"exactly one 1 in every row.*argmax"):
        net = network().fit(X, np.eye(3)[y])
    assert net.out_activation_ == "logistic"  # it is trained as asked for all the same
    with pytest.warns(UserWarning, match="exactly one 1 in every row"):
        network().partial_fit(X, np.eye(3, dtype=bool)[y], classes=[0, 1, 2])


def test_true_multilabel_targets_are_not_warned_of(multilabel):
    network().fit(*multilabel)
    X, y = multilabel
    network(batch_size="auto").partial_fit(X[:1], y[:1], classes=np.arange(4))

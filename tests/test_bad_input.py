"""Bad data are named, and leave a network as it was."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from support import NAMES, network, unconverged


def replaced(array, value, where=(0, 0)):
    array = np.array(array, dtype=float)
    array[where] = value
    return array


# What to do with data like those a model was trained on, and what it must say.
BAD_DATA = {
    "nan in X": (lambda X, y: (replaced(X, np.nan), y), "NaN"),
    "inf in X": (lambda X, y: (replaced(X, np.inf), y), "infinity"),
    "no samples": (lambda X, y: (X[:0], y[:0]), "0 sample"),
    "no features": (lambda X, y: (X[:, :0], y), "0 feature|expecting 4"),
    "one-dimensional X": (lambda X, y: (X[:, 0], y), "2D array"),
    "three-dimensional X": (lambda X, y: (X[np.newaxis], y), "dim 3"),
    "words in X": (lambda X, y: (NAMES[y][:, np.newaxis], y), "could not convert"),
    "too few labels": (lambda X, y: (X, y[1:]), "inconsistent numbers of samples"),
    "no y": (lambda X, y: (X, None), "requires y"),
    "nan in y": (lambda X, y: (X, replaced(y, np.nan, 0)), "NaN"),
    "continuous y": (lambda X, y: (X, y + 0.5), "continuous|not among the classes"),
    "several targets": (
        lambda X, y: (X, np.column_stack([y, y])),
        "several multiclass targets|1d array|does not fit",
    ),
    "weights: negative": (lambda X, y: (X, y, y - 1.0), "[Nn]egative"),
    "weights: all zero": (lambda X, y: (X, y, y * 0), "non-zero"),
    "weights: nan": (lambda X, y: (X, y, replaced(y, np.nan, 0)), "NaN"),
    "weights: inf": (lambda X, y: (X, y, replaced(y, np.inf, 0)), "infinity"),
    "weights: too few": (lambda X, y: (X, y, np.ones(3)), "sample_weight"),
    "weights: a column": (
        lambda X, y: (X, y, np.ones((len(X), 1))),
        "sample_weight",
    ),
}


@unconverged
@pytest.mark.parametrize(("spoil", "message"), BAD_DATA.values(), ids=BAD_DATA)
@pytest.mark.parametrize(
    ("solver", "method"),
    [
        ("adam", "fit"),
        ("adam", "warm fit"),
        ("adam", "partial_fit"),
        ("lbfgs", "fit"),
        ("lbfgs", "warm fit"),
    ],
)
def test_bad_data_change_nothing(iris, solver, method, spoil, message):
    X, y = iris
    net = network(solver=solver, warm_start=method == "warm fit").fit(X, y)
    before = pickle.dumps(net), net.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        getattr(net, method.split()[-1])(*spoil(X, y))
    assert pickle.dumps(net) == before[0]
    assert_array_equal(net.predict_proba(X), before[1])

    new = network(solver=solver)
    with pytest.raises(ValueError, match=message):
        new.fit(*spoil(X, y))
    with pytest.raises(NotFittedError):
        new.predict(X)


@pytest.mark.parametrize("name", ["nan in X", "inf in X", "no features"])
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bad_samples_are_not_predicted(iris, method, name, dtype):
    X, y = iris
    net = network().fit(X, y)
    spoil, message = BAD_DATA[name]
    with pytest.raises(ValueError, match=message):
        getattr(net, method)(spoil(X, y)[0].astype(dtype))


def test_samples_of_another_width_are_refused(iris):
    X, y = iris
    net = network(warm_start=True).fit(X, y)
    for call in (net.predict, net.predict_proba, net.decision_function):
        with pytest.raises(ValueError, match="expecting 4 features"):
            call(X[:, :3])
    for call in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match="expecting 4 features"):
            call(X[:, :3], y)


def test_softmax_needs_several_classes(iris, multilabel):
    net = network(out_activation="softmax").fit(*iris)
    assert net.out_activation_ == "softmax"
    X, y = iris
    with pytest.raises(ValueError, match=r"three or more classes.*binary"):
        clone(net).fit(X, y > 0)
    with pytest.raises(ValueError, match=r"three or more classes.*multilabel"):
        clone(net).fit(*multilabel)


@pytest.mark.parametrize(
    "call",
    [
        lambda net, X: net.predict(X),
        lambda net, X: net.predict_proba(X),
        lambda net, X: net.predict_log_proba(X),
        lambda net, X: net.decision_function(X),
    ],
)
def test_an_unfitted_network_says_so(iris, call):
    with pytest.raises(NotFittedError, match="not fitted"):
        call(network(), iris[0])
    with pytest.raises(AttributeError):
        network().coefs_  # noqa: B018


@pytest.mark.parametrize("method", ["fit", "predict"])
def test_infinities_of_both_signs_are_one_sentence(iris, method):
    X, y = iris
    net = network().fit(X, y)
    X = X.copy()
    X[:2, 0] = np.inf, -np.inf
    arguments = (X, y) if method == "fit" else (X,)
    with np.errstate(all="raise"), pytest.raises(ValueError, match="infinity"):
        getattr(net, method)(*arguments)


def test_weights_to_start_from_that_are_no_list_are_named(iris):
    with pytest.raises(ValueError, match="coefs_ must be a list with an array for"):
        network().fit(*iris, coef_init=3)


def test_integers_beyond_all_floats_are_numbers(iris):
    net = network(tol=10**400, n_iter_no_change=1, max_iter=5).fit(*iris)
    assert net.n_iter_ == 3

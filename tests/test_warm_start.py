"""Warm starts go on where training stopped, and refuse what cannot go on."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from support import STEPPERS, assert_same_fit, network, short


@short
@pytest.mark.parametrize("pickled", [False, True])
@pytest.mark.parametrize("parameters", STEPPERS.values(), ids=STEPPERS)
def test_a_warm_start_goes_on_where_fit_stopped(iris, parameters, pickled):
    """Elsewhere the optimizer begins anew (scikit-learn issue 6091)."""
    X, y = iris
    whole = network(max_iter=10, **parameters).fit(X, y)
    net = network(max_iter=5, warm_start=True, **parameters).fit(X, y)
    if pickled:
        net = pickle.loads(pickle.dumps(net))
    net.fit(X, y)
    assert_same_fit(net, whole)
    assert net.n_iter_ == 5


def test_the_memory_of_the_optimizer_matters_there(iris):
    """So that the test above cannot pass by chance: Adam begun anew differs."""
    X, y = iris
    half = network(batch_size=150, max_iter=5).fit(X, y)
    anew = network(batch_size=150, max_iter=5).fit(
        X, y, coef_init=half.coefs_, intercept_init=half.intercepts_
    )
    whole = network(batch_size=150, max_iter=10).fit(X, y)
    assert not np.allclose(anew.coefs_[0], whole.coefs_[0], atol=1e-4)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_warm_start_counts_calls_and_epochs(iris, solver):
    """Elsewhere it ran one epoch, or 200: scikit-learn issues 12505 and 8713."""
    X, y = iris
    net = network(solver=solver, batch_size=20, max_iter=5, warm_start=True).fit(X, y)
    net.fit(X, y)
    assert (net.n_iter_, len(net.loss_curve_), net.t_) == (5, 10, 1500)
    net.set_params(max_iter=3).fit(X, y)
    assert (net.n_iter_, len(net.loss_curve_), net.t_) == (3, 13, 1950)


def test_fit_without_warm_start_begins_anew(iris):
    X, y = iris
    net = network().fit(X, y)
    assert_same_fit(net.partial_fit(X, y).fit(X, y), network().fit(X, y))
    assert net.t_ == 6 * 150


# -- what cannot go on -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"hidden_layer_sizes": (8,)}, [r"4, 6, 3", r"4, 8, 3"]),
        ({"hidden_layer_sizes": (6, 6)}, [r"4, 6, 3", r"4, 6, 6, 3"]),
        ({"activation": "tanh"}, ["relu", "tanh"]),
        ({"out_activation": "logistic"}, ["softmax", "logistic"]),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_another_architecture_cannot_go_on(iris, method, parameters, names):
    X, y = iris
    net = network(warm_start=True).fit(X, y)
    before = net.predict_proba(X)
    net.set_params(**parameters)
    for name in names:  # the old and the new one are both named
        with pytest.raises(ValueError, match=name):
            getattr(net, method)(X, y)
    assert_array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 3], ["a", "b", "c"]])
def test_other_classes_cannot_go_on(iris, classes):
    X, y = iris
    net = network(warm_start=True).fit(X, y)
    before = net.predict_proba(X)
    y = np.array(classes)[y % len(classes)]
    for named in ("[0, 1, 2]", str(classes)):
        with pytest.raises(ValueError) as error:  # noqa: PT011
            net.fit(X, y)
        assert named in str(error.value)
    assert_array_equal(net.predict_proba(X), before)


def test_another_dtype_cannot_go_on(iris):
    net = network(warm_start=True).fit(*iris)
    with pytest.raises(ValueError, match="dtype was float64 and is now float32"):
        net.set_params(dtype="float32").fit(*iris)
    net.set_params(dtype=np.float64).fit(*iris)

"""Training that diverges stops at once, says so, and leaves finite weights."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from support import network

SIZE_OF_X = "max |X| ="  # how the message names the largest value
DIVERGING = {
    "rate": ({"learning_rate_init": 1e200, "activation": "identity"}, 1.0, r"1e\+200"),
    "rate, deep": (
        {"learning_rate_init": 1e100, "hidden_layer_sizes": (5, 5, 5)},
        1.0,
        r"1e\+100",
    ),
    "X": ({"activation": "identity"}, 1e200, r"e\+200"),
    "X, float32": ({"dtype": "float32"}, 1e200, r"e\+200"),
    "X, adam": ({"solver": "adam"}, 1e200, r"e\+200"),
    "X, early stopping": ({"early_stopping": True}, 1e200, r"e\+200"),
    "X, mini-batches": ({"batch_size": 10}, 1e200, r"e\+200"),
}


@pytest.mark.parametrize(
    ("parameters", "scale", "named"), DIVERGING.values(), ids=DIVERGING
)
def test_divergence_stops_at_once_and_says_what_to_do(iris, parameters, scale, named):
    """Elsewhere it trains on with NaN, and says so at the end or never.

    See scikit-learn issue 17925.
    """
    X, y = iris
    settings = {"solver": "sgd", "batch_size": "auto", "max_iter": 200}
    net = network(**{**settings, **parameters})
    with pytest.raises(ValueError, match=r"diverged in epoch \d+.*learning rate") as e:
        net.fit(X * scale, y)
    assert SIZE_OF_X in str(e.value)
    assert re.search(named, str(e.value))
    assert net.n_iter_ < 20
    assert all(np.isfinite(a).all() for a in net.coefs_ + net.intercepts_)
    assert set(net.predict(X)) <= {0, 1, 2}
    assert np.isfinite(net.predict_proba(X)).all()


def test_lbfgs_names_the_scale_of_x(iris):
    X, y = iris
    net = network(solver="lbfgs")
    with pytest.raises(ValueError, match=rf"{re.escape(SIZE_OF_X)} .*e\+200"):
        net.fit(X * 1e200, y)
    assert np.isfinite(net.predict_proba(X)).all()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_training_goes_on_after_a_divergence(iris, solver, method):
    """One bad batch must not spoil the optimizer's memory nor lose the shuffles."""
    X, y = iris
    net = network(solver=solver, warm_start=True)
    net.partial_fit(X, y, classes=[0, 1, 2])
    net.coefs_[0][0] = 10
    before = net.predict_proba(X)
    spoilt = X.copy()
    spoilt[0, 0] = 1e308  # and 10 times that overflows
    with pytest.raises(ValueError, match="diverged"):
        net.partial_fit(spoilt, y)
    assert_array_equal(net.predict_proba(X), before)
    for _ in range(5):
        getattr(net, method)(X, y)
    assert np.isfinite(net.loss_)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_rate_that_was_too_high_can_be_lowered(iris, solver):
    """The step overflows: neither weights nor the optimizer's memory may keep it."""
    X, y = iris
    net = network(solver=solver).partial_fit(X, y, classes=[0, 1, 2])
    rate, before = net.learning_rate_init, net.predict_proba(X)
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .*rate of 1.79e\+308"):
        net.set_params(learning_rate_init=1.79e308).partial_fit(X * 1e4, y)
    assert_array_equal(net.predict_proba(X), before)
    net.set_params(learning_rate_init=rate).partial_fit(X, y)
    assert np.isfinite(net.predict_proba(X)).all()


def test_a_first_fit_that_diverges_can_go_on(iris):
    X, y = iris
    net = network(solver="sgd", activation="identity", warm_start=True)
    with pytest.raises(ValueError, match="diverged"):
        net.fit(X * 1e200, y)
    start = net.fit(
        X,
        y,
        coef_init=[np.full((4, 6), 0.1), np.full((6, 3), 0.1)],
        intercept_init=[np.zeros(6), np.zeros(3)],
    )
    assert np.isfinite(start.loss_)

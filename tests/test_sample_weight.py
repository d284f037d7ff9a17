"""Sample weights: what a weight of 0, of 2 and of any other size means."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from support import (
    PLAIN_SGD,
    assert_same_fit,
    flat,
    network,
    regressor,
    unconverged,
)


@unconverged
@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "lbfgs"},
        *(
            {"solver": solver, "batch_size": batch_size, "early_stopping": stopping}
            for solver in ("sgd", "adam")
            for batch_size in (10, 150)
            for stopping in (False, True)
        ),
    ],
    ids=str,
)
def test_a_weight_of_zero_removes_the_row(iris, parameters):
    """Elsewhere a batch of such rows divides by zero; see scikit-learn issue 17229."""
    X, y = iris
    X, y = X[::-1], y[::-1]
    weights = np.random.RandomState(0).uniform(0.5, 2.0, 150)
    weights[:30] = 0  # whole batches, were it not shuffled
    weights[::3] = 0
    kept = weights > 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "batch_size=150 is more than")
        net = network(**parameters).fit(X, y, weights)
        expected = network(**parameters)
        expected.fit(X[kept], y[kept], weights[kept])
    assert_same_fit(net, expected)


def test_batches_of_weight_zero_in_order(iris):
    X, y = iris
    order = np.random.RandomState(0).permutation(150)
    weights = np.r_[np.zeros(50), np.ones(100)]
    net = network(batch_size=10, shuffle=False)
    net.fit(X[order], y[order], weights)
    expected = network(batch_size=10, shuffle=False).fit(X[order[50:]], y[order[50:]])
    assert_allclose(flat(net), flat(expected), rtol=1e-12)


@unconverged
@pytest.mark.parametrize("target", ["multiclass", "multilabel"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_an_integer_weight_repeats_the_row(iris, multilabel, solver, target):
    """On a full batch, the penalty included."""
    X, y = iris if target == "multiclass" else multilabel
    weights = np.random.RandomState(0).randint(0, 4, len(X))
    parameters = {"solver": solver, "alpha": 0.3}
    if solver != "lbfgs":
        parameters["batch_size"] = weights.sum()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "batch_size=")
        net = network(**parameters).fit(X, y, weights)
    repeated = network(**parameters)
    repeated.fit(X.repeat(weights, axis=0), y.repeat(weights, axis=0))
    assert_allclose(flat(net), flat(repeated), rtol=1e-7, atol=1e-9)
    assert_allclose(net.loss_curve_, repeated.loss_curve_, rtol=1e-9)


@unconverged
@pytest.mark.parametrize("factor", [1000, 1e-3])
@pytest.mark.parametrize("parameters", [{"batch_size": 10}, {"solver": "lbfgs"}])
def test_the_scale_of_the_weights_does_not_matter(iris, parameters, factor):
    """Without penalty, which is weighed against the sum of the weights."""
    X, y = iris
    weights = np.random.RandomState(0).uniform(0.1, 2.0, 150)
    net = network(alpha=0.0, **parameters).fit(X, y, weights)
    scaled = network(alpha=0.0, **parameters).fit(X, y, factor * weights)
    assert_allclose(flat(net), flat(scaled), rtol=1e-7, atol=1e-10)
    assert_allclose(net.loss_curve_, scaled.loss_curve_, rtol=1e-9)


def test_weights_do_not_depend_on_the_company():
    """Divided by the sum of their batch, weights of 100 and of 1 act the same."""
    X = np.eye(6)
    y = np.array([0, 1, 0, 1, 0, 1])
    weights = np.array([100, 100, 100, 1, 1, 1])
    net = network(
        hidden_layer_sizes=(), **PLAIN_SGD, batch_size=3, shuffle=False, alpha=0.0
    ).set_params(max_iter=1, learning_rate_init=1e-6)
    net.fit(X, y, weights, coef_init=[np.zeros((6, 1))], intercept_init=[[0.0]])
    moved = np.abs(net.coefs_[0][:, 0])
    assert_allclose(moved[:3] / moved[3:], 100, rtol=1e-3)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_weights_of_zero_alone_are_refused(iris, method):
    X, y = iris
    net = network()
    classes = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match="at least one non-zero"):
        getattr(net, method)(X, y, np.zeros(150), **classes)


@pytest.mark.parametrize("target", ["multiclass", "multilabel", "number"])
def test_a_weight_in_the_score_repeats_the_row(iris, multilabel, target):
    X, y = multilabel if target == "multilabel" else iris
    net = (regressor if target == "number" else network)().fit(X, y)
    rng = np.random.RandomState(0)
    y, weights = rng.permutation(y), rng.randint(0, 4, len(X))
    expected = net.score(X.repeat(weights, axis=0), y.repeat(weights, axis=0))
    assert net.score(X, y, weights) == pytest.approx(expected)
    assert net.score(X, y) == net.score(X, y, 2.0) != pytest.approx(expected)


@pytest.mark.parametrize("estimator", [network, regressor])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (-np.ones(150), "Negative values in sample_weight"),
        (np.zeros(150), "at least one non-zero number"),
        (np.ones(3), r"shape \(3,\), expected \(150,\)"),
        ("balanced", "is no array"),
    ],
    ids=["negative", "zero", "few", "a word"],
)
def test_weights_of_the_score_are_checked(iris, estimator, weights, message):
    net = estimator().fit(*iris)
    with pytest.raises(ValueError, match=message):
        net.score(*iris, weights)

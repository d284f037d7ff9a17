"""Reference models: logistic regression, and the article sample by sample."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sknet import ScratchMLPClassifier
from support import network, short


def fit_to_the_end(X, y, **parameters):
    """A model without hidden layers by lbfgs, and at its minimum.

    SciPy's L-BFGS also stops when the cost changes little, whatever ``tol`` is; the
    rest of the way is gone by gradient descent.
    """
    by_lbfgs = network(
        hidden_layer_sizes=(), solver="lbfgs", tol=1e-9, max_iter=1000, **parameters
    ).fit(X, y)
    net = clone(by_lbfgs).set_params(
        solver="sgd",
        learning_rate_init=0.5,
        batch_size=len(X),
        max_iter=1500,
        tol=0,
        n_iter_no_change=np.inf,
    )
    net.fit(X, y, coef_init=by_lbfgs.coefs_, intercept_init=by_lbfgs.intercepts_)
    return by_lbfgs, net


def logistic_regression(X, y, alpha):
    with warnings.catch_warnings():
        # scikit-learn 1.6 passes an option that SciPy 1.16 has deprecated.
        warnings.filterwarnings("ignore", ".*`iprint`", DeprecationWarning)
        return LogisticRegression(C=1 / alpha, tol=1e-10, max_iter=10_000).fit(X, y)


@pytest.mark.parametrize("alpha", [0.3, 5.0])
@pytest.mark.parametrize("target", ["multiclass", "binary"])
def test_without_hidden_layers_it_is_logistic_regression(iris, target, alpha):
    X, y = iris
    if target == "binary":
        y = y == 2
    reference = logistic_regression(X, y, alpha)
    by_lbfgs, net = fit_to_the_end(X, y, alpha=alpha)
    assert_allclose(by_lbfgs.coefs_[0].T, reference.coef_, atol=2e-3)
    assert_allclose(net.coefs_[0].T, reference.coef_, atol=1e-6)
    assert_allclose(net.predict_proba(X), reference.predict_proba(X), atol=1e-7)
    assert_allclose(net.predict_log_proba(X), reference.predict_log_proba(X), atol=1e-6)


def test_one_sigmoid_per_class_is_one_logistic_regression_per_class(iris):
    X, y = iris
    _, net = fit_to_the_end(X, y, alpha=1.0, out_activation="logistic")
    sigmoids = np.empty((len(X), 3))
    for label in range(3):
        one = logistic_regression(X, y == label, alpha=1.0)
        assert_allclose(net.coefs_[0][:, label], one.coef_[0], atol=1e-6)
        sigmoids[:, label] = one.predict_proba(X)[:, 1]
    expected = sigmoids / sigmoids.sum(axis=1, keepdims=True)
    assert_allclose(net.predict_proba(X), expected, atol=1e-6)
    assert_array_equal(net.predict(X), sigmoids.argmax(axis=1))


@short
def test_article_settings_follow_the_article(iris):
    """Its formulas, sample by sample, with the gradient of its own J in all layers."""
    X, y = iris
    targets = np.eye(3)[y]
    m, rate, lambda_ = len(X), 0.5, 2.0
    net = ScratchMLPClassifier(
        (5, 4),
        activation="logistic",
        out_activation="logistic",
        weight_init="uniform",
        solver="sgd",
        momentum=0.0,
        learning_rate_init=rate,
        alpha=lambda_,
        batch_size=m,
        max_iter=3,
        random_state=0,
    )
    # Uniform in [-1, 1] and drawn in this order: coefficients, then biases, by layer.
    rng = np.random.RandomState(0)
    theta = []
    for n_in, n_out in [(4, 5), (5, 4), (4, 3)]:
        coef = rng.uniform(-1, 1, (n_in, n_out))
        theta.append(np.column_stack([rng.uniform(-1, 1, n_out), coef.T]))
    costs = []
    for _ in range(3):
        gradient = [np.zeros_like(W) for W in theta]
        cost = 0.0
        for x, t in zip(X, targets, strict=True):
            activations = [np.r_[1, x]]
            for W in theta:
                activations.append(np.r_[1, expit(W @ activations[-1])])
            h = activations[-1][1:]
            cost -= t @ np.log(h) + (1 - t) @ np.log(1 - h)
            delta = h - t
            for layer in (2, 1, 0):
                gradient[layer] += np.outer(delta, activations[layer])
                g = activations[layer]
                delta = (theta[layer].T @ delta * g * (1 - g))[1:]
        costs.append(
            cost / m + lambda_ / (2 * m) * sum((W[:, 1:] ** 2).sum() for W in theta)
        )
        for W, grad in zip(theta, gradient, strict=True):
            grad[:, 1:] += lambda_ * W[:, 1:]
            W -= rate / m * grad
    net.fit(X, y)
    for coef, intercept, W in zip(net.coefs_, net.intercepts_, theta, strict=True):
        assert_allclose(coef, W[:, 1:].T, rtol=1e-12)
        assert_allclose(intercept, W[:, 0], rtol=1e-12)
    assert_allclose(net.loss_curve_, costs, rtol=1e-12)

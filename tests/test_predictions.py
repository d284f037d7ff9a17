"""Predictions: raw outputs, probabilities, their logarithms, hidden activations."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit

from sknet.activations import ACTIVATIONS
from support import PLAIN_SGD, network


@pytest.mark.parametrize("out_activation", ["auto", "logistic"])
@pytest.mark.parametrize("target", ["multiclass", "binary", "multilabel"])
def test_predictions_agree_with_each_other(iris, multilabel, target, out_activation):
    X, y = multilabel if target == "multilabel" else iris
    if target == "binary":
        y = np.array(["no", "yes"])[(y > 0).astype(int)]
    net = network(out_activation=out_activation).fit(X, y)
    raw, proba = net.decision_function(X), net.predict_proba(X)
    assert_allclose(net.predict_log_proba(X), np.log(proba), rtol=1e-9, atol=1e-15)
    if target == "binary":
        assert raw.shape == (len(X),)
        assert proba.shape == (len(X), 2)
        assert_allclose(proba[:, 1], expit(raw))
        assert_array_equal(net.predict(X), net.classes_[(raw > 0).astype(int)])
    elif target == "multiclass":
        assert raw.shape == proba.shape == (len(X), 3)
        assert_array_equal(net.predict(X), raw.argmax(axis=1))
        h = np.exp(raw) if out_activation == "auto" else expit(raw)
        assert_allclose(proba, h / h.sum(axis=1, keepdims=True))
    else:
        assert raw.shape == proba.shape == (len(X), 4)
        assert_allclose(proba, expit(raw))
        assert_array_equal(net.predict(X), (raw > 0).astype(int))
    if target != "multilabel":
        assert_allclose(proba.sum(axis=1), 1)


def test_raw_outputs_are_those_of_the_coefficients(iris):
    X, y = iris
    net = network(activation="tanh", hidden_layer_sizes=(6, 5)).fit(X, y)
    a = X
    for coef, intercept in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
        a = np.tanh(a @ coef + intercept)
    expected = a @ net.coefs_[-1] + net.intercepts_[-1]
    assert_allclose(net.decision_function(X), expected, rtol=1e-12)


@pytest.mark.parametrize("n_samples", [1, 1999, 2000, 2001, 4100])
def test_predictions_do_not_depend_on_the_company(iris, n_samples):
    """Rows are predicted in blocks: a row's prediction is that of the row alone."""
    X, y = iris
    net = network().fit(X, y)
    many = np.random.RandomState(0).standard_normal((n_samples, 4))
    proba = net.predict_proba(many)
    for i in {0, n_samples // 2, n_samples - 1}:
        assert_allclose(proba[i], net.predict_proba(many[i : i + 1])[0], rtol=1e-12)


def test_predictions_from_several_threads_at_once(iris):
    X, y = iris
    net = network(hidden_layer_sizes=(50, 50)).fit(X, y)
    rng = np.random.RandomState(0)
    batches = [rng.standard_normal((500, 4)) for _ in range(40)]
    expected = [net.predict_proba(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for a, b in zip(pool.map(net.predict_proba, batches), expected, strict=True):
            assert_allclose(a, b, rtol=1e-12)


def test_probabilities_are_not_squashed_twice():
    """A softmax of a softmax never exceeds e / (e + 2) = 0.576 for three classes."""
    X = np.repeat(np.eye(3), 20, axis=0)
    y = np.arange(3).repeat(20)
    for parameters in ({}, {"out_activation": "logistic"}):
        net = network(solver="lbfgs", max_iter=500, alpha=0.0, **parameters)
        proba = net.fit(X, y).predict_proba(X)
        assert (proba.max(axis=1) > 0.99).all()
        assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 100.0, 1e4])
@pytest.mark.parametrize(
    ("target", "out_activation"),
    [
        ("binary", "auto"),
        ("multiclass", "softmax"),
        ("multiclass", "logistic"),
        ("multilabel", "auto"),
    ],
)
def test_probabilities_of_any_confidence(
    iris, multilabel, target, out_activation, size, dtype
):
    """Raw outputs of this size: elsewhere the logarithm of 0 is taken."""
    X, y = multilabel if target == "multilabel" else iris
    y = y > 0 if target == "binary" else y
    X = X.astype(dtype)
    net = network(
        hidden_layer_sizes=(),
        out_activation=out_activation,
        **PLAIN_SGD,
        max_iter=2,
        warm_start=True,
    ).fit(X, y)
    net.coefs_[0][...] *= size / np.abs(net.decision_function(X)).max()
    net.intercepts_[0][...] = 0
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        raw = net.decision_function(X)
        proba, log_proba = net.predict_proba(X), net.predict_log_proba(X)
        net.fit(X, y)
    assert size / 2 < np.abs(raw).max() < 2 * size
    assert raw.dtype == proba.dtype == log_proba.dtype == dtype
    assert (proba > 0).all()
    assert (proba < 1).all()
    assert np.isfinite(log_proba).all()
    assert np.isfinite(net.loss_curve_).all()
    # With the logarithms taken by themselves, in double precision:
    z = raw.astype(float)
    if target == "binary":
        z = np.column_stack([-z, z])
    log_h = -np.logaddexp(0, -z)  # of the logistic function
    if out_activation == "softmax":
        log_h = z
    if target == "multiclass":
        log_h = log_h - np.logaddexp.reduce(log_h, axis=1, keepdims=True)
    rtol, eps = 1e-4 if dtype == np.float32 else 1e-12, np.finfo(dtype).eps
    assert_allclose(log_proba, log_h, rtol=rtol, atol=eps * max(100, size))
    # Exact down to the least normal number of the type.
    normal = log_h > np.log(np.finfo(dtype).tiny)
    assert_allclose(proba[normal], np.exp(log_h[normal]), rtol=100 * rtol, atol=1e-6)
    if target != "multilabel":
        assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


# -- hidden activations ----------------------------------------------------------------


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("activation", ["relu", "gelu", ["tanh", "silu"]])
def test_hidden_activations_are_what_the_next_layer_reads(
    digits, container, activation
):
    X, y = digits
    net = network(hidden_layer_sizes=(6, 5), activation=activation)
    net.fit(container(X), y)
    last = net.hidden_activations(container(X))
    assert last.shape == (len(X), 5)
    assert_allclose(
        last @ net.coefs_[-1] + net.intercepts_[-1], net.decision_function(X), rtol=1e-9
    )
    first = net.hidden_activations(container(X), layer=0)
    a = first @ net.coefs_[1] + net.intercepts_[1]
    name = activation if isinstance(activation, str) else activation[-1]
    ACTIVATIONS[name].forward(a)
    assert_allclose(a, last, rtol=1e-9, atol=1e-12)
    assert_array_equal(first, net.hidden_activations(container(X), layer=-2))


@pytest.mark.parametrize("layer", [2, -3])
def test_a_hidden_layer_that_is_not_there_is_named(digits, layer):
    X, y = digits
    net = network(hidden_layer_sizes=(6, 5)).fit(X, y)
    with pytest.raises(ValueError, match=f"layer={layer} .* 2 hidden layers"):
        net.hidden_activations(X, layer=layer)

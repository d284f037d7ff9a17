"""Losses against scikit-learn and SciPy, and their derivatives against differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import (
    expit,
    log_expit,
    log_softmax,
    softmax,
    xlog1py,
    xlogy,
)
from sklearn.metrics import log_loss

from sknet.losses import LOSSES, ClassTargets

LINK = {"softmax": lambda z: softmax(z, axis=0), "logistic": expit}
LOG_LINK = {"softmax": lambda z: log_softmax(z, axis=0), "logistic": log_expit}

both_losses = pytest.mark.parametrize("name", sorted(LOSSES))
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def targets(name, n_outputs, n_samples, rng):
    """One class a sample for softmax, any of the labels for logistic outputs."""
    if name == "softmax":
        return np.eye(n_outputs)[:, rng.randint(n_outputs, size=n_samples)]
    return rng.randint(2, size=(n_outputs, n_samples)).astype(float)


def sample(name, scale=3.0, n_outputs=4, n_samples=50):
    rng = np.random.RandomState(0)
    z = rng.normal(0, scale, (n_outputs, n_samples))
    return z, targets(name, n_outputs, n_samples, rng)


def far_from_zero(name, dtype):
    """Raw outputs up to ±1e4, each with every target."""
    sizes = np.array([0, 1e-3, 1, 5, 10, 20, 50, 90, 500, 711, 1e4])
    first, second = map(np.ravel, np.meshgrid(np.r_[sizes, -sizes], np.r_[0, sizes]))
    z = np.tile(np.array([first, second]), 2).astype(dtype)
    y = np.repeat([[1, 0], [0, 1]], first.size, axis=1).astype(dtype)
    return (z, y) if name == "softmax" else (z[:1], y[:1])


def test_softmax_residual_is_the_cross_entropy():
    z, y = sample("softmax")
    h = softmax(z, axis=0)
    losses = LOSSES["softmax"].residual(z.copy(), y)
    assert_allclose(losses, -xlogy(y, h).sum(axis=0), rtol=1e-12)
    assert_allclose(losses.mean(), log_loss(y.argmax(axis=0), h.T), rtol=1e-12)


def test_logistic_residual_sums_the_outputs_log_losses():
    z, y = sample("logistic")
    h = expit(z)
    losses = LOSSES["logistic"].residual(z.copy(), y)
    articles = -(xlogy(y, h) + xlog1py(1 - y, -h)).sum(axis=0)
    assert_allclose(losses, articles, rtol=1e-12)
    scikit_learns = [log_loss(*labels_and_h) for labels_and_h in zip(y, h, strict=True)]
    assert_allclose(losses.mean(), sum(scikit_learns), rtol=1e-12)


@both_losses
def test_residual_leaves_the_derivative_in_z(name):
    z, y = sample(name, n_samples=6)
    numerical, h = np.empty_like(z), 1e-5
    for j in range(len(z)):
        step = np.zeros_like(z)
        step[j] = h
        above = LOSSES[name].residual(z + step, y)
        below = LOSSES[name].residual(z - step, y)
        numerical[j] = (above - below) / (2 * h)
    LOSSES[name].residual(z, y)
    assert_allclose(z, numerical, rtol=0, atol=1e-9)


@both_losses
@both_dtypes
def test_losses_are_exact_however_sure_the_network_is(name, dtype):
    z, y = far_from_zero(name, dtype)
    z64 = z.astype(np.float64)
    if name == "softmax":
        expected = -(y * log_softmax(z64, axis=0)).sum(axis=0)
    else:
        expected = -log_expit(np.where(y == 1, z64, -z64)).sum(axis=0)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        losses = LOSSES[name].residual(z, y)
    assert losses.dtype == dtype
    eps = np.finfo(dtype).eps
    assert_allclose(losses, expected, rtol=4 * eps, atol=4 * eps)
    assert_allclose(z, LINK[name](z64) - y, rtol=0, atol=4 * eps)


@both_dtypes
def test_small_logistic_losses_keep_their_digits(dtype):
    """At z = 20 the loss is exp(-20); it must not drown in the rounding of z."""
    z = np.array([[1, 5, 10, 15, 20, 30, 60]], dtype=dtype)
    expected = -log_expit(z[0].astype(np.float64))
    losses = LOSSES["logistic"].residual(z, np.ones_like(z))
    assert_allclose(losses, expected, rtol=8 * np.finfo(dtype).eps)


@both_losses
@both_dtypes
def test_a_loss_is_never_negative_and_vanishes_when_right(name, dtype):
    z, y = far_from_zero(name, dtype)
    wrong_by = np.where(y == 1, -z, z).max(axis=0)  # logistic: that of its one output
    if name == "softmax":
        wrong_by = np.where(y == 1, -np.inf, z).max(axis=0) - (y * z).sum(axis=0)
    losses = LOSSES[name].residual(z, y)
    assert (losses >= 0).all()
    right = wrong_by <= -40
    assert right.sum() > 100
    assert (losses[right] < 1e-15).all()


@both_losses
@both_dtypes
def test_inverse_link_turns_raw_outputs_into_probabilities_in_place(name, dtype):
    for z in [sample(name)[0].astype(dtype), far_from_zero(name, dtype)[0]]:
        expected = LINK[name](z.astype(np.float64))
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            h = LOSSES[name].inverse_link(z)
        assert h is z
        eps = np.finfo(dtype).eps
        assert_allclose(h, expected, rtol=0, atol=4 * eps)
        assert ((h >= 0) & (h <= 1)).all()
        if name == "softmax":
            assert_allclose(h.sum(axis=0), 1, rtol=4 * eps)


@both_losses
@both_dtypes
def test_log_inverse_link_is_exact_where_the_probability_underflows(name, dtype):
    for z in [sample(name)[0].astype(dtype), far_from_zero(name, dtype)[0]]:
        before = z.copy()
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            log_h = LOSSES[name].log_inverse_link(z)
        assert log_h.dtype == dtype
        eps = np.finfo(dtype).eps
        expected = LOG_LINK[name](before.astype(np.float64))
        assert_allclose(log_h, expected, rtol=8 * eps, atol=8 * eps)
        assert_allclose(z, before, rtol=0)  # a log leaves its input as it is


# -- targets ---------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize(
    "rows", [slice(None), slice(1, 3), np.array([3, 0, 3])], ids=str
)
def test_a_class_is_a_one_in_its_row(dtype, rows):
    y = np.array([2, 0, 1, 2])
    Y = ClassTargets(y, 3, dtype)[rows]
    assert Y.dtype == dtype
    assert_array_equal(Y, np.eye(3)[:, y[rows]])


@both_dtypes
@pytest.mark.parametrize(
    "rows", [slice(None), slice(1, 3), np.array([3, 0, 3])], ids=str
)
def test_one_output_stands_for_the_second_of_two_classes(dtype, rows):
    y = np.array([0, 1, 1, 0])
    Y = ClassTargets(y, 1, dtype)[rows]
    assert Y.dtype == dtype
    assert_array_equal(Y, [y[rows]])


@both_dtypes
@pytest.mark.parametrize(
    "rows", [slice(None), slice(1, 3), np.array([3, 0, 3])], ids=str
)
def test_each_label_has_an_output(dtype, rows):
    labels = np.array([[0, 1], [1, 1], [0, 0], [1, 0]], dtype=bool)
    Y = ClassTargets(labels, 2, dtype)[rows]
    assert Y.dtype == dtype
    assert_array_equal(Y, labels[rows].T)
    Y *= 0  # the labels are only read
    assert labels.sum() == 4


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
@pytest.mark.parametrize("n_outputs", [3, 10])
def test_smoothed_classes_are_a_distribution_around_the_same_class(
    smoothing, n_outputs
):
    y = np.arange(n_outputs)
    Y = ClassTargets(y, n_outputs, smoothing=smoothing)[:]
    assert_allclose(Y.sum(axis=0), 1, rtol=1e-15)
    assert_allclose(Y[y != y[:, np.newaxis]], smoothing / n_outputs)
    assert_array_equal(Y.argmax(axis=0), y)


def test_a_smoothed_label_is_as_far_from_0_as_from_1():
    for y, n_outputs in (np.array([0, 1]), 1), (np.array([[False], [True]]), 1):
        Y = ClassTargets(y, n_outputs, smoothing=0.2)[:]
        assert_allclose(Y, [[0.1, 0.9]])

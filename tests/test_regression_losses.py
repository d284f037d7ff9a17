"""Losses of numbers: against references, and by properties that the family shares."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from scipy.special import huber as scipys_huber
from sklearn.metrics import (
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from sknet.regression_losses import (
    DOMAINS,
    LOSSES_OF_NUMBERS,
    NumberTargets,
    check_derivative,
    from_functions,
    huber,
    quantile,
)

LEVELS = [0.05, 0.3, 0.5, 0.9]


def logcosh(h, y):
    return np.log(np.cosh(h - y))


def slope_of_logcosh(h, y):
    return np.tanh(h - y)


FAMILY = {
    **LOSSES_OF_NUMBERS,
    "huber": huber(0.7),
    "huber, wide": huber(5.0),
    "own": from_functions(logcosh, slope_of_logcosh),
    **{f"quantile {q}": quantile([q]) for q in LEVELS},
}
the_family = pytest.mark.parametrize("name", FAMILY)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def sample(name, n_outputs=1, n_samples=200, seed=0):
    """Raw outputs and targets of the loss's domain; 0 too where that is one."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, (n_outputs, n_samples))
    y = rng.normal(0, 2.0, (n_outputs, n_samples))
    if name == "gamma":
        y = np.exp(y)
    if name == "poisson":
        y = rng.poisson(2.0, (n_outputs, n_samples)).astype(float)
    return z, y


def residual(name, z, y):
    """Losses and derivative, without a change of z."""
    delta = z.copy()
    losses = FAMILY[name].residual(delta, y)
    return losses, delta


# -- references ------------------------------------------------------------------------

REFERENCES = {
    "squared_error": lambda y, h: mean_squared_error(y, h) / 2,
    "absolute_error": mean_absolute_error,
    "huber": lambda y, h: scipys_huber(0.7, h - y).mean(),
    "huber, wide": lambda y, h: scipys_huber(5.0, h - y).mean(),
    "poisson": lambda y, h: mean_poisson_deviance(y, h) / 2,
    "gamma": lambda y, h: mean_gamma_deviance(y, h) / 2,
    **{
        f"quantile {q}": lambda y, h, q=q: mean_pinball_loss(y, h, alpha=q)
        for q in LEVELS
    },
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_loss_is_that_of_scikit_learn_or_scipy(name):
    z, y = sample(name)
    losses, _ = residual(name, z, y)
    h = FAMILY[name].inverse_link(z.copy())
    assert_allclose(losses.mean(), REFERENCES[name](y[0], h[0]), rtol=1e-12)


def test_several_quantiles_are_the_sum_of_their_pinball_losses():
    z, y = sample("quantile")
    several = quantile(LEVELS)
    z = np.tile(z, (len(LEVELS), 1)) + np.arange(len(LEVELS))[:, np.newaxis]
    delta = z.copy()
    losses = several.residual(delta, y)
    parts = [residual(f"quantile {q}", z[[i]], y) for i, q in enumerate(LEVELS)]
    assert_allclose(losses, sum(loss for loss, _ in parts))
    assert_array_equal(delta, np.concatenate([slopes for _, slopes in parts]))


# -- properties of the family ----------------------------------------------------------


@the_family
def test_the_derivative_agrees_with_differences(name):
    z, y = sample(name, n_outputs=3)
    _, delta = residual(name, z, y)
    for j in range(len(z)):
        step = np.zeros_like(z)
        step[j] = 1e-6
        above, _ = residual(name, z + step, y)
        below, _ = residual(name, z - step, y)
        slopes = (above - below) / 2e-6
        smooth = np.abs(np.abs(z - y)[j]) > 1e-5  # no kink within the step
        assert smooth.mean() > 0.95
        assert_allclose(delta[j][smooth], slopes[smooth], rtol=1e-6, atol=1e-7)


@the_family
@both_dtypes
def test_losses_keep_the_type_and_write_the_derivative_in_place(name, dtype):
    z, y = (array.astype(dtype) for array in sample(name, n_outputs=2))
    before = y.copy()
    assert FAMILY[name].inverse_link(z.copy()).dtype == dtype
    losses = FAMILY[name].residual(z, y)
    assert losses.dtype == z.dtype == dtype
    assert losses.shape == (z.shape[1],)
    assert_array_equal(y, before)
    assert np.isfinite(losses).all()


@the_family
def test_no_loss_is_negative_and_the_right_prediction_has_none(name):
    z, y = sample(name)
    losses, _ = residual(name, z, y)
    assert (losses >= 0).all()
    right = y[:, y[0] > 0] if name in DOMAINS else y
    raw = np.log(right) if name in DOMAINS else right
    losses, delta = residual(name, raw, right)
    assert_allclose(losses, 0, atol=1e-13)
    if not name.startswith("quantile"):  # its derivative has one at the kink
        assert_allclose(delta, 0, atol=1e-13)


ESTIMATED = {
    "squared_error": np.mean,
    "absolute_error": np.median,
    "poisson": np.mean,
    "gamma": np.mean,
    "huber, wide": lambda y: np.mean(y) if np.ptp(y) < 5 else np.nan,
    **{
        f"quantile {q}": lambda y, q=q: np.quantile(y, q, method="inverted_cdf")
        for q in LEVELS
    },
}


@pytest.mark.parametrize("name", ESTIMATED)
def test_the_best_constant_is_what_the_loss_estimates(name):
    y = sample(name, n_samples=201)[1]
    if name == "huber, wide":
        y /= np.ptp(y)  # within delta it is the squared error

    def mean_loss(z):
        return residual(name, np.full_like(y, z), y)[0].mean()

    best = minimize_scalar(mean_loss, bracket=(-1, 1), tol=1e-12).x
    h = FAMILY[name].inverse_link(np.array([[best]]))[0, 0]
    assert_allclose(h, ESTIMATED[name](y), atol=1e-5)


@the_family
def test_the_loss_falls_towards_its_minimum_from_both_sides(name):
    """Convex in z."""
    y = sample(name)[1]
    grid = np.linspace(-4, 4, 81)
    means = [residual(name, np.full_like(y, g), y)[0].mean() for g in grid]
    assert (np.diff(means, 2) >= -1e-12).all()


@the_family
def test_a_shift_of_both_or_a_factor_on_both_changes_no_error(name):
    z, y = sample(name)
    if name in DOMAINS:  # log link: a factor on y is a shift of z
        shifted, scale = (z + np.log(3), 3 * y), {"gamma": 1, "poisson": 3}[name]
    else:
        shifted, scale = (z + 3, y + 3), 1
    losses, _ = residual(name, z, y)
    assert_allclose(residual(name, *shifted)[0], scale * losses, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("delta", [0.1, 1.0, 3.0])
def test_huber_pulls_no_harder_than_delta(delta):
    z, y = sample("huber")
    slopes = z.copy()
    huber(delta).residual(slopes, y)
    assert_allclose(slopes, np.clip(z - y, -delta, delta))


def test_quantiles_are_put_in_order_and_that_is_no_farther_from_the_truth():
    """Chernozhukov et al.: with crossing ones the sum of pinball losses falls."""
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(4, 500)), rng.normal(size=(1, 500))
    loss = quantile(LEVELS)
    h = loss.inverse_link(z.copy())
    assert (np.diff(h, axis=0) >= 0).all()
    assert_array_equal(h, np.sort(z, axis=0))
    assert (loss.residual(h, y) <= loss.residual(z, y) + 1e-12).all()


# -- a loss of one's own ---------------------------------------------------------------


@pytest.mark.parametrize(
    "pair",
    [
        (logcosh, slope_of_logcosh),
        (lambda h, y: np.abs(h - y), lambda h, y: np.sign(h - y)),
        (
            lambda h, y: np.exp(h) - y * h + y * np.log(y) - y,  # y > 0 only
            lambda h, y: np.exp(h) - y,
        ),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_right_derivative_is_accepted(pair):
    check_derivative(*pair)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ((logcosh, lambda h, y: y - h), "derivative of the loss"),
        ((logcosh, lambda h, y: 1.01 * np.tanh(h - y)), "the slope in h is"),
        ((logcosh, lambda h, y: np.full_like(h, np.nan)), "it gives nan"),
        ((lambda h, y: np.mean((h - y) ** 2), slope_of_logcosh), "shape"),
        ((logcosh, lambda h, y: 1.0), "shape"),
        ((lambda h, y: h * np.nan, slope_of_logcosh), "derivative of the loss"),
    ],
)
def test_a_wrong_pair_is_refused(pair, message):
    with pytest.raises(ValueError, match=message):
        check_derivative(*pair)


# -- targets ---------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize(
    "rows", [slice(None), slice(1, 3), np.array([3, 0, 3])], ids=str
)
def test_targets_are_columns_of_their_type(dtype, rows):
    y = np.arange(8.0).reshape(4, 2)
    Y = NumberTargets(y, dtype)[rows]
    assert Y.dtype == dtype
    assert Y.flags.c_contiguous
    assert_array_equal(Y, y[rows].T)
    Y *= 0  # the targets are only read
    assert y.sum() == 28

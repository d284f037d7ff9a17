"""Activations against SciPy, their derivatives against difference quotients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats
from scipy.special import erf, expit, log_expit

from sknet.activations import ACTIVATIONS, SELU_ALPHA, SELU_SCALE

REFERENCE = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": lambda z: 2 * expit(2 * z) - 1,
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, z / 100),
    "elu": lambda z: np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1),
    "selu": lambda z: (
        SELU_SCALE * np.where(z > 0, z, SELU_ALPHA * (np.exp(np.minimum(z, 0)) - 1))
    ),
    "softplus": lambda z: -log_expit(-z),
    "gelu": lambda z: z / 2 * (1 + erf(z / np.sqrt(2))),
    "silu": lambda z: z * expit(z),
    "mish": lambda z: z * np.tanh(-log_expit(-z)),
}
# Least and largest slope, where they are not 0 and 1.
SLOPES = {
    "selu": (0, SELU_SCALE * SELU_ALPHA),
    "gelu": (-0.13, 1.13),
    "silu": (-0.1, 1.1),
    "mish": (-0.12, 1.09),
}
# exp overflows at about 88 in float32 and at 709 in float64: both sides of it.
SIZES = np.array([0, 1e-30, 1e-3, 0.7, 3, 20, 87, 90, 709, 711, 1e4])

all_activations = pytest.mark.parametrize("name", sorted(ACTIVATIONS))
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@all_activations
@both_dtypes
def test_forward_is_the_function(name, dtype):
    z = np.array([SIZES, -SIZES], dtype=dtype)
    a = z.copy()
    ACTIVATIONS[name].forward(a)
    assert a.dtype == dtype
    eps = np.finfo(dtype).eps
    expected = REFERENCE[name](z.astype(np.float64))
    # s(-20) rounds to a multiple of eps, and silu multiplies that by 20.
    assert_allclose(a, expected, rtol=4 * eps, atol=8 * eps)


@all_activations
@both_dtypes
def test_backward_multiplies_by_the_derivative(name, dtype):
    g, h = REFERENCE[name], 1e-5
    z = np.array([[0.1, 0.5, 1, 2, 4, 8], [-0.1, -0.5, -1, -2, -4, -8]], dtype=dtype)
    z64 = z.astype(np.float64)
    derivative = (g(z64 + h) - g(z64 - h)) / (2 * h)
    delta = np.random.RandomState(0).normal(size=z.shape).astype(dtype)
    expected = delta * derivative

    activation = ACTIVATIONS[name]
    activation.backward(z if activation.needs_input else g(z64).astype(dtype), delta)
    assert delta.dtype == dtype
    assert_allclose(delta, expected, rtol=0, atol=1e-9 + 8 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("name", "slope"),
    [("relu", 0), ("leaky_relu", 0.01), ("selu", SELU_SCALE * SELU_ALPHA)],
)
def test_the_derivative_at_a_kink_is_that_of_the_left(name, slope):
    z, delta = np.zeros((1, 1)), np.ones((1, 1))
    ACTIVATIONS[name].forward(z)
    ACTIVATIONS[name].backward(z, delta)
    assert delta == slope


@pytest.mark.parametrize(
    ("name", "z", "value"),
    [
        ("softplus", 0, np.log(2)),
        ("gelu", 0, 0),
        ("gelu", 1, stats.norm.cdf(1)),
        ("silu", np.log(3), 0.75 * np.log(3)),
        ("mish", 0, 0),
        # tanh(log x) = (x^2 - 1) / (x^2 + 1), and softplus(log 2) = log 3
        ("mish", np.log(2), 0.8 * np.log(2)),
        ("elu", -np.log(4), -0.75),
        ("leaky_relu", -3, -0.03),
    ],
)
def test_known_values(name, z, value):
    a = np.array([float(z)])
    ACTIVATIONS[name].forward(a)
    assert_allclose(a, value, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize(("power", "moment"), [(1, 0), (2, 1)])
def test_selu_keeps_mean_0_and_variance_1(power, moment):
    """What its two constants are for."""

    def integrand(z):
        a = np.array([z])
        ACTIVATIONS["selu"].forward(a)
        return a[0] ** power * stats.norm.pdf(z)

    below, above = integrate.quad(integrand, -12, 0), integrate.quad(integrand, 0, 12)
    assert below[0] + above[0] == pytest.approx(moment, abs=1e-9)


def test_every_activation_has_its_reference():
    assert set(REFERENCE) == set(ACTIVATIONS)


@all_activations
@both_dtypes
def test_no_input_overflows(name, dtype):
    z = np.array([SIZES, -SIZES], dtype=dtype)
    a, delta = z.copy(), np.ones_like(z)
    activation = ACTIVATIONS[name]
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        activation.forward(a)
        assert np.isfinite(a).all()
        activation.backward(z if activation.needs_input else a, delta)
    least, largest = SLOPES.get(name, (0, 1))
    eps = np.finfo(dtype).eps
    assert (delta >= least).all()  # not so if there were a NaN
    assert (delta <= largest * (1 + 2 * eps)).all()
    # And on either side they end as straight lines.
    ends = {"identity": (1, 1), "logistic": (0, 0), "tanh": (0, 0)}
    right, left = ends.get(name, (1, 0))
    if name == "selu":
        right = SELU_SCALE
    if name == "leaky_relu":
        left = 0.01
    assert_allclose(delta[:, -1], [right, left], rtol=2 * eps)


@all_activations
def test_rows_beside_a_view_are_left_alone(name):
    """A layer's row of ones lies in the same array as its activations."""
    A = np.random.RandomState(0).normal(size=(4, 5))
    delta = np.ones((4, 5))
    A[0] = 1
    activation = ACTIVATIONS[name]
    activation.forward(A[1:])
    activation.backward(A[1:], delta[1:])
    assert_array_equal(A[0], 1)
    assert_array_equal(delta[0], 1)

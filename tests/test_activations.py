"""Activations against SciPy, their derivatives against difference quotients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit

from sknet.activations import ACTIVATIONS

REFERENCE = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": lambda z: 2 * expit(2 * z) - 1,
    "relu": lambda z: np.where(z > 0, z, 0),
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
    eps = np.finfo(dtype).eps
    expected = REFERENCE[name](z.astype(np.float64))
    assert_allclose(a, expected, rtol=4 * eps, atol=4 * eps)


@all_activations
@both_dtypes
def test_backward_multiplies_by_the_derivative(name, dtype):
    g, h = REFERENCE[name], 1e-5
    z = np.array([[0.1, 0.5, 1, 2, 4, 8], [-0.1, -0.5, -1, -2, -4, -8]], dtype=dtype)
    z64 = z.astype(np.float64)
    derivative = (g(z64 + h) - g(z64 - h)) / (2 * h)
    delta = np.random.RandomState(0).normal(size=z.shape).astype(dtype)
    expected = delta * derivative

    a = g(z64).astype(dtype)
    ACTIVATIONS[name].backward(a, delta)
    assert_allclose(delta, expected, rtol=0, atol=1e-9 + 8 * np.finfo(dtype).eps)


def test_relu_has_derivative_0_at_its_kink():
    z, delta = np.zeros((1, 1)), np.ones((1, 1))
    ACTIVATIONS["relu"].forward(z)
    ACTIVATIONS["relu"].backward(z, delta)
    assert delta == 0


@all_activations
@both_dtypes
def test_no_input_overflows(name, dtype):
    z = np.array([SIZES, -SIZES], dtype=dtype)
    delta = np.ones_like(z)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        ACTIVATIONS[name].forward(z)
        assert np.isfinite(z).all()
        ACTIVATIONS[name].backward(z, delta)
    assert np.isfinite(delta).all()
    assert ((delta >= 0) & (delta <= 1)).all()  # true of all four derivatives


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

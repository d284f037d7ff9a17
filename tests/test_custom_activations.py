"""Activations of the user's own: right ones are taken, wrong ones are named."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, ndtr

from sknet.activations import ACTIVATIONS
from sknet.custom_activations import (
    activation_of,
    derivative_needs_input,
    from_functions,
)

OUTPUT = {
    "identity": (lambda z: 1 * z, lambda a: 1.0),  # true of the input as well
    "logistic": (expit, lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "exp": (np.exp, lambda a: a),
    # Of slope 5e8 at the end of the grid, where differences are right to 0.1.
    "steep exp": (lambda z: np.exp(2 * z), lambda a: 2 * a),
    "cube root": (np.cbrt, lambda a: 1 / (3 * a**2)),
    "softsign": (lambda z: z / (1 + abs(z)), lambda a: (1 - abs(a)) ** 2),
    "hard tanh": (lambda z: np.clip(z, -1, 1), lambda a: (abs(a) < 1) * 1.0),
    "relu6": (lambda z: np.clip(z, 0, 6), lambda a: (a > 0) & (a < 6)),
}
INPUT = {
    "sine": (np.sin, np.cos),
    "steep sine": (lambda z: np.sin(30 * z), lambda z: 30 * np.cos(30 * z)),
    "exp": (np.exp, np.exp),
    "square": (np.square, lambda z: 2 * z),
    "logistic": (expit, lambda z: expit(z) * expit(-z)),
    "gelu": (
        lambda z: z * ndtr(z),
        lambda z: ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "hard swish": (
        lambda z: z * np.clip(z + 3, 0, 6) / 6,
        lambda z: np.where(abs(z) < 3, (2 * z + 3) / 6, z > 0),
    ),
    # 1 / sqrt(1 - z^2) is no number on most of the grid, but it is not meant there.
    "arcsinh": (np.arcsinh, lambda z: 1 / np.sqrt(1 + z**2)),
}
WRONG = {
    "sign": (np.tanh, lambda a: a**2 - 1),
    "factor": (np.sin, lambda z: 1.001 * np.cos(z)),
    "far out only": (np.tanh, lambda a: np.where(a < 0.9999, 1 - a**2, 1)),
    "one side": (lambda z: np.maximum(z, 0), np.ones_like),
    "never a number": (np.tanh, lambda a: a * np.nan),
    "not of each entry alone": (lambda z: z - z.mean(), np.ones_like),
    "not finite": (lambda z: np.log(z), lambda z: 1 / z),
}


@pytest.mark.parametrize("name", OUTPUT)
def test_derivatives_of_the_output_are_known_as_such(name):
    assert derivative_needs_input(*OUTPUT[name]) is False


@pytest.mark.parametrize("name", INPUT)
def test_derivatives_of_the_input_are_known_as_such(name):
    assert derivative_needs_input(*INPUT[name]) is True


@pytest.mark.parametrize("name", WRONG)
def test_wrong_derivatives_are_refused(name):
    f, derivative = WRONG[name]
    with pytest.raises(ValueError, match="derivative of the activation"):
        derivative_needs_input(f, derivative)


def test_the_largest_disagreement_is_named():
    """Right but for one place: that place, its slope and what was given instead."""

    def nearly_cosine(z):
        return np.where(abs(z) > 5, 7, np.cos(z))

    with pytest.raises(ValueError, match="sin") as error:
        derivative_needs_input(np.sin, nearly_cosine)
    message = str(error.value)
    assert f"the slope is {np.cos(9.7):.6g}" in message
    assert "z=-9.7" in message
    assert "of the input 7" in message


@pytest.mark.parametrize(
    "f",
    [lambda z: None, lambda z: z.sum(), lambda z: z[:-1]],
    ids=["None", "sum", "cut"],
)
def test_a_function_must_keep_the_shape(f):
    with pytest.raises(ValueError, match="shape"):
        derivative_needs_input(f, np.ones_like)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_our_own_activations_pass_as_pairs(name):
    """The same check, on functions that it did not grow up with."""
    ours = ACTIVATIONS[name]

    def f(z):
        a = z.copy()
        ours.forward(a)
        return a

    def derivative(a):
        delta = np.ones_like(a)
        ours.backward(a.copy(), delta)
        return delta

    needs_input = derivative_needs_input(f, derivative)
    assert needs_input == ours.needs_input


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_from_functions_works_in_place_and_keeps_the_type(dtype):
    wide = from_functions(
        lambda z: np.sin(z.astype(np.float64)), np.cos, needs_input=True
    )
    z = np.random.RandomState(0).normal(size=(3, 4)).astype(dtype)
    a, delta = z.copy(), np.full_like(z, 2)
    wide.forward(a)
    wide.backward(z, delta)
    assert a.dtype == delta.dtype == dtype
    eps = np.finfo(dtype).eps
    assert_allclose(a, np.sin(z.astype(float)), rtol=4 * eps)
    assert_allclose(delta, 2 * np.cos(z.astype(float)), rtol=4 * eps)


def test_a_description_stands_for_its_activation():
    assert activation_of("mish") is ACTIVATIONS["mish"]
    z = np.ones(3)
    activation_of((np.sin, np.cos, True)).forward(z)
    assert_array_equal(z, np.sin(1))

"""Initial weights: their distributions, and the draws of `MLPClassifier`."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import integrate, stats
from sklearn.neural_network import MLPClassifier

from sknet import ScratchMLPClassifier
from sknet.activations import ACTIVATIONS
from sknet.custom_activations import activation_of, from_functions
from sknet.initializers import (
    INITIALIZERS,
    drawn_by_glorot,
    inputs_of_layers,
    second_moment,
)
from sknet.network import prepend_ones

FAN_IN, FAN_OUT = 300, 100
GLOROT = ("identity", "logistic", "tanh", "relu")
NEW = sorted(set(ACTIVATIONS) - set(GLOROT))
SINE = from_functions(np.sin, np.cos, needs_input=True)


def of(name):
    """The activation of that name; what is one already, or None, stays as it is."""
    return ACTIVATIONS[name] if isinstance(name, str) else name


def symmetric_uniform(bound):
    return stats.uniform(-bound, 2 * bound)


glorot = symmetric_uniform(np.sqrt(6 / (FAN_IN + FAN_OUT)))
glorot_logistic = symmetric_uniform(np.sqrt(2 / (FAN_IN + FAN_OUT)))
COEFFICIENTS = [
    ("auto", "relu", glorot),
    ("auto", "tanh", glorot),
    ("auto", "identity", glorot),
    ("auto", "logistic", glorot_logistic),
    # Of variance 1 / fan_in where nothing shrinks: X itself, and selu's fixed point.
    ("auto", None, symmetric_uniform(np.sqrt(3 / FAN_IN))),
    ("auto", "selu", symmetric_uniform(np.sqrt(3 / FAN_IN))),
    # E[sin(z)^2] = (1 - E[cos(2 z)]) / 2, and that cosine has mean exp(-2).
    ("auto", SINE, symmetric_uniform(np.sqrt(6 / (1 - np.exp(-2)) / FAN_IN))),
    ("uniform", "logistic", symmetric_uniform(1)),
    ("uniform", "relu", symmetric_uniform(1)),
    ("he", "relu", stats.norm(0, np.sqrt(2 / FAN_IN))),
    ("lecun", "tanh", stats.norm(0, np.sqrt(1 / FAN_IN))),
]


@pytest.mark.parametrize(("name", "activation", "distribution"), COEFFICIENTS)
def test_coefficients_have_their_distribution(name, activation, distribution):
    rng = np.random.RandomState(0)
    coef, intercept = INITIALIZERS[name](rng, FAN_IN, FAN_OUT, of(activation))
    assert coef.shape == (FAN_IN, FAN_OUT)
    assert intercept.shape == (FAN_OUT,)
    assert coef.dtype == intercept.dtype == np.float64
    assert stats.kstest(coef.ravel(), distribution.cdf).pvalue > 0.01
    assert coef.var() == pytest.approx(distribution.var(), rel=0.02)
    low, high = distribution.support()
    assert coef.min() >= low * 1.001  # quadrature is exact to 3e-4 across a kink
    assert coef.max() <= high * 1.001


@pytest.mark.parametrize(
    ("name", "activation", "distribution"),
    [case for case in COEFFICIENTS if case[0] in ("auto", "uniform")],
)
def test_uniform_biases_have_the_distribution_of_the_coefficients(
    name, activation, distribution
):
    rng = np.random.RandomState(0)
    biases = np.concatenate(
        [INITIALIZERS[name](rng, FAN_IN, FAN_OUT, of(activation))[1] for _ in range(50)]
    )
    assert stats.kstest(biases, distribution.cdf).pvalue > 0.01


@pytest.mark.parametrize("name", ["he", "lecun"])
def test_normal_initializers_start_with_biases_of_0(name):
    _, intercept = INITIALIZERS[name](np.random.RandomState(0), 5, 4, of("relu"))
    assert_array_equal(intercept, 0)


def test_every_initializer_is_tested():
    assert {name for name, _, _ in COEFFICIENTS} == set(INITIALIZERS)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_second_moment_is_that_of_normal_inputs(activation):
    def integrand(z):
        a = np.array([z])
        ACTIVATIONS[activation].forward(a)
        return a[0] ** 2 * stats.norm.pdf(z)

    below, above = integrate.quad(integrand, -12, 0), integrate.quad(integrand, 0, 12)
    assert second_moment(of(activation)) == pytest.approx(below[0] + above[0], rel=1e-3)


def test_each_layer_is_matched_to_what_it_reads():
    gelu, relu, logistic, mish = map(of, ("gelu", "relu", "logistic", "mish"))
    assert inputs_of_layers([gelu, relu, SINE]) == [None, gelu, relu, SINE]
    # The first layer of MLPClassifier is drawn like the others.
    assert inputs_of_layers([logistic, mish]) == [logistic, logistic, mish]
    assert inputs_of_layers([None]) == [None, None]  # a linear model of X


def test_the_four_of_mlpclassifier_are_drawn_by_glorot():
    assert {name for name in ACTIVATIONS if drawn_by_glorot(of(name))} == set(GLOROT)
    assert not drawn_by_glorot(None)
    # Functions of the user's own are of unknown scale, whatever they compute.
    assert not drawn_by_glorot(from_functions(np.tanh, lambda a: 1 - a**2, False))


def variances(activation, n_layers=10, n_units=256):
    """Mean square of each layer's z, at the start, on standard normal samples."""
    X = np.random.RandomState(1).normal(size=(300, n_units))
    mlp = ScratchMLPClassifier(
        (n_units,) * n_layers,
        activation,
        solver="sgd",
        learning_rate_init=1e-300,  # a step too small to change any weight
        random_state=0,
    ).partial_fit(X, np.arange(300) % 100, classes=np.arange(100))
    a, squares = X.T, []
    per_layer = activation if isinstance(activation, list) else [activation] * n_layers
    for W, name in zip(mlp._network().weights, [*per_layer, "identity"], strict=True):
        a = W @ prepend_ones(a.T)
        squares.append((a**2).mean())
        activation_of((*name, True) if isinstance(name, tuple) else name).forward(a)
    return np.array(squares)


@pytest.mark.parametrize(
    "activation",
    [*NEW, (np.sin, np.cos), [*NEW, "gelu", (np.sin, np.cos), "softplus"]],
    ids=str,
)
def test_auto_keeps_signals_as_large_in_every_layer(activation):
    """With MLPClassifier's rule, gelu's would shrink by 0.43^10 = 2e-4."""
    squares = variances(activation)
    assert (squares > 0.4).all()
    assert (squares < 2.5).all()


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("hidden", [(), (5, 3)], ids=str)
def test_the_initial_weights_are_mlpclassifiers(activation, hidden):
    X = np.random.RandomState(1).normal(size=(6, 4))
    ours, peer = (
        estimator(
            hidden, activation, solver="sgd", learning_rate_init=1e-300, random_state=7
        ).partial_fit(X, [0, 1, 2, 0, 1, 2], classes=[0, 1, 2])
        for estimator in (ScratchMLPClassifier, MLPClassifier)
    )
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, peer.coefs_ + peer.intercepts_, strict=True
    ):
        assert_array_equal(a, b)


@pytest.mark.parametrize("activation", GLOROT)
def test_auto_draws_what_mlpclassifier_draws(activation):
    X = np.random.RandomState(1).normal(size=(6, 4))
    y = [0, 1, 2, 0, 1, 2]
    mlp = MLPClassifier(
        (5, 3),
        activation,
        solver="sgd",
        learning_rate_init=1e-300,  # a step too small to change any weight
        random_state=7,
    ).partial_fit(X, y, classes=[0, 1, 2])
    rng = np.random.RandomState(7)
    for coef, intercept in zip(mlp.coefs_, mlp.intercepts_, strict=True):
        ours = INITIALIZERS["auto"](rng, *coef.shape, of(activation))
        assert_array_equal(ours[0], coef)
        assert_array_equal(ours[1], intercept)

"""Initial weights: their distributions, and the draws of `MLPClassifier`."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import stats
from sklearn.neural_network import MLPClassifier

from sknet.activations import ACTIVATIONS
from sknet.initializers import INITIALIZERS

FAN_IN, FAN_OUT = 300, 100


def symmetric_uniform(bound):
    return stats.uniform(-bound, 2 * bound)


glorot = symmetric_uniform(np.sqrt(6 / (FAN_IN + FAN_OUT)))
glorot_logistic = symmetric_uniform(np.sqrt(2 / (FAN_IN + FAN_OUT)))
COEFFICIENTS = [
    ("auto", "relu", glorot),
    ("auto", "tanh", glorot),
    ("auto", "identity", glorot),
    ("auto", "logistic", glorot_logistic),
    ("uniform", "logistic", symmetric_uniform(1)),
    ("uniform", "relu", symmetric_uniform(1)),
    ("he", "relu", stats.norm(0, np.sqrt(2 / FAN_IN))),
    ("lecun", "tanh", stats.norm(0, np.sqrt(1 / FAN_IN))),
]


@pytest.mark.parametrize(("name", "activation", "distribution"), COEFFICIENTS)
def test_coefficients_have_their_distribution(name, activation, distribution):
    rng = np.random.RandomState(0)
    coef, intercept = INITIALIZERS[name](rng, FAN_IN, FAN_OUT, activation)
    assert coef.shape == (FAN_IN, FAN_OUT)
    assert intercept.shape == (FAN_OUT,)
    assert coef.dtype == intercept.dtype == np.float64
    assert stats.kstest(coef.ravel(), distribution.cdf).pvalue > 0.01
    assert coef.var() == pytest.approx(distribution.var(), rel=0.02)
    low, high = distribution.support()
    assert coef.min() >= low
    assert coef.max() <= high


@pytest.mark.parametrize(
    ("name", "activation", "distribution"),
    [case for case in COEFFICIENTS if case[0] in ("auto", "uniform")],
)
def test_uniform_biases_have_the_distribution_of_the_coefficients(
    name, activation, distribution
):
    rng = np.random.RandomState(0)
    biases = np.concatenate(
        [INITIALIZERS[name](rng, FAN_IN, FAN_OUT, activation)[1] for _ in range(50)]
    )
    assert stats.kstest(biases, distribution.cdf).pvalue > 0.01


@pytest.mark.parametrize("name", ["he", "lecun"])
def test_normal_initializers_start_with_biases_of_0(name):
    _, intercept = INITIALIZERS[name](np.random.RandomState(0), 5, 4, "relu")
    assert_array_equal(intercept, 0)


def test_every_initializer_is_tested():
    assert {name for name, _, _ in COEFFICIENTS} == set(INITIALIZERS)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
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
        ours = INITIALIZERS["auto"](rng, *coef.shape, activation)
        assert_array_equal(ours[0], coef)
        assert_array_equal(ours[1], intercept)

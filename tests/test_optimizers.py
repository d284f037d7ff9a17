"""Optimizers against their published formulas, scikit-learn's, and known minima."""

import pickle
from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import rosen, rosen_der

from sknet.optimizers import SGD, Adam, AdamW, clip

# Each with a learning rate that suits a bowl whose curvature is 1, and what a step
# leaves of it: Adam's steps do not shrink by themselves when a minimum is near.
OPTIMIZERS = {
    "sgd": (SGD, {}, 0.5, 1.0),
    "momentum": (SGD, {"momentum": 0.9}, 0.1, 1.0),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}, 0.1, 1.0),
    "adam": (Adam, {}, 0.1, 0.995),
    "adam_without_memory_of_the_mean": (Adam, {"beta_1": 0.0}, 0.1, 0.995),
    "adam_without_memory": (Adam, {"beta_1": 0.0, "beta_2": 0.0}, 0.1, 0.995),
    "adamw_without_decay": (AdamW, {"weight_decay": 0.0}, 0.1, 0.995),
}
all_optimizers = pytest.mark.parametrize("name", sorted(OPTIMIZERS))


def made(name):
    cls, settings, *_ = OPTIMIZERS[name]
    return cls(**settings)


def gradients(n_steps, n=6, dtype=float):
    """Of sizes from 1e-6 to 1e6, one entry always 0 and one at first."""
    rng = np.random.RandomState(0)
    grads = rng.normal(size=(n_steps, n)) * 10.0 ** np.linspace(-6, 6, n)
    grads[:, 2] = 0
    grads[:3, 3] = 0
    return grads.astype(dtype)


def descend(optimizer, gradient, theta, learning_rate, n_steps, decay=1.0):
    theta = np.array(theta, dtype=float)
    optimizer.init(theta)
    for _ in range(n_steps):
        optimizer.step(theta, gradient(theta), learning_rate)
        learning_rate *= decay
    return theta


# -- known minima ----------------------------------------------------------------------


@all_optimizers
@pytest.mark.parametrize("narrowness", [1, 100])
def test_the_bottom_of_a_bowl_is_reached(name, narrowness):
    """In a narrow one, a rate that suits the steep sides is slow along the bottom."""
    bottom = np.linspace(-2, 3, 5)
    curvature = np.geomspace(1, narrowness, 5)
    *_, learning_rate, decay = OPTIMIZERS[name]
    if not name.startswith("adam"):  # whose steps are the same on any scale
        learning_rate /= narrowness
    theta = descend(
        made(name),
        lambda theta: curvature * (theta - bottom),
        np.zeros(5),
        learning_rate,
        n_steps=3000,
        decay=decay,
    )
    assert_allclose(theta, bottom, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "learning_rate", "decay"),
    [("momentum", 2e-4, 1), ("nesterov", 3e-4, 1), ("adam", 0.02, 0.9995)],
)
def test_the_minimum_of_rosenbrock_is_reached(name, learning_rate, decay):
    theta = descend(made(name), rosen_der, [-1.2, 1], learning_rate, 12000, decay)
    assert_allclose(theta, [1, 1], atol=1e-2)
    assert rosen(theta) < 1e-4


def test_momentum_is_faster_down_a_narrow_valley():
    curvature = np.array([1.0, 100.0])
    ends = [
        descend(SGD(momentum), lambda theta: curvature * theta, [1, 1], 0.01, 100)
        for momentum in (0.0, 0.8)
    ]
    assert np.abs(ends[1]).max() < 0.01 * np.abs(ends[0]).max()


# -- step by step ----------------------------------------------------------------------


def sgd_by_the_book(theta, grads, learning_rate, momentum, nesterov):
    """Sutskever et al., 2013, with the look ahead folded into theta."""
    theta, v = list(theta), [0.0] * len(theta)
    for grad in grads:
        for i, g in enumerate(grad):
            v[i] = momentum * v[i] - learning_rate * g
            theta[i] += momentum * v[i] - learning_rate * g if nesterov else v[i]
        yield theta


def adam_by_the_book(theta, grads, learning_rate, beta_1, beta_2, epsilon):
    """Kingma and Ba, 2015, algorithm 1 in the order of the end of its section 2."""
    theta, m, v = list(theta), [0.0] * len(theta), [0.0] * len(theta)
    for t, grad in enumerate(grads, start=1):
        alpha_t = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)
        for i, g in enumerate(grad):
            m[i] = beta_1 * m[i] + (1 - beta_1) * g
            v[i] = beta_2 * v[i] + (1 - beta_2) * g**2
            theta[i] -= alpha_t * m[i] / (sqrt(v[i]) + epsilon)
        yield theta


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_its_formula(momentum, nesterov):
    theta, grads = np.linspace(-1, 1, 6), gradients(50)
    book = sgd_by_the_book(theta, grads.tolist(), 0.3, momentum, nesterov)
    sgd = SGD(momentum, nesterov)
    sgd.init(theta)
    for grad, expected in zip(grads, book, strict=True):
        sgd.step(theta, grad.copy(), 0.3)
        assert_allclose(theta, expected, rtol=1e-12)


@pytest.mark.parametrize("beta_1", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("beta_2", [0.0, 0.9, 0.999])
@pytest.mark.parametrize("epsilon", [1e-8, 0.1])
def test_adam_follows_its_formula(beta_1, beta_2, epsilon):
    theta, grads = np.linspace(-1, 1, 6), gradients(150)
    book = adam_by_the_book(theta, grads.tolist(), 0.3, beta_1, beta_2, epsilon)
    adam = Adam(beta_1, beta_2, epsilon)
    adam.init(theta)
    for grad, expected in zip(grads, book, strict=True):
        adam.step(theta, grad.copy(), 0.3)
        assert_allclose(theta, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 0.01, 0.5])
def test_adamw_is_decay_and_then_adam(weight_decay):
    theta, grads = np.linspace(-1, 1, 6), gradients(50)
    expected = theta.copy()
    adam, adamw = (
        Adam(0.8, 0.9),
        AdamW(weight_decay, beta_1=0.8, beta_2=0.9),
    )
    adam.init(expected)
    adamw.init(theta, biases=[0, 1])
    for grad in grads:
        expected[2:] -= 0.3 * weight_decay * expected[2:]
        adam.step(expected, grad.copy(), 0.3)
        adamw.step(theta, grad.copy(), 0.3)
        assert_allclose(theta, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("max_norm", [0.5, 5.0, 50.0])
def test_a_clipped_gradient_keeps_its_direction(dtype, max_norm):
    grad = np.random.RandomState(0).normal(size=30).astype(dtype)
    before = grad.copy()
    norm = clip(grad, max_norm)
    assert norm == pytest.approx(np.linalg.norm(before), rel=1e-6)
    assert grad.dtype == dtype
    assert_allclose(grad, before * min(1, max_norm / norm), rtol=1e-6)
    if max_norm > norm:
        assert_array_equal(grad, before)
    else:
        assert np.linalg.norm(grad) == pytest.approx(max_norm, rel=1e-6)


@all_optimizers
def test_steps_are_those_of_scikit_learn(name):
    theirs = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    theta, grads = np.linspace(-1, 1, 6), gradients(50)
    params = [theta.copy()]
    cls, settings, learning_rate, _ = OPTIMIZERS[name]
    if cls is SGD:
        settings = {"momentum": 0.0, "nesterov": False, **settings}
        reference = theirs.SGDOptimizer(params, learning_rate, **settings)
    else:
        settings = {n: v for n, v in settings.items() if n != "weight_decay"}
        reference = theirs.AdamOptimizer(params, learning_rate, **settings)
    ours = made(name)
    ours.init(theta)
    for grad in grads:
        reference.update_params(params, [grad])
        ours.step(theta, grad.copy(), learning_rate)
        assert_allclose(theta, params[0], rtol=1e-12, atol=1e-12)


# -- memory ----------------------------------------------------------------------------


@all_optimizers
def test_training_goes_on_from_a_saved_state_bit_for_bit(name):
    straight, interrupted = np.linspace(-1, 1, 6), np.linspace(-1, 1, 6)
    grads = gradients(20)
    one = made(name)
    one.init(straight)
    for grad in grads:
        one.step(straight, grad.copy(), 0.1)

    state = None
    for grad in grads:
        another = made(name)
        another.init(interrupted, state)
        another.step(interrupted, grad.copy(), 0.1)
        state = pickle.loads(pickle.dumps(another.state))
    assert_array_equal(interrupted, straight)


@all_optimizers
def test_init_without_a_state_forgets(name):
    optimizer, grads = made(name), gradients(6)
    ends = []
    for _ in range(2):
        theta = np.linspace(-1, 1, 6)
        optimizer.init(theta)
        for grad in grads:
            optimizer.step(theta, grad.copy(), 0.1)
        ends.append(theta)
    assert_array_equal(*ends)


@all_optimizers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_state_is_plain_and_of_thetas_dtype(name, dtype):
    optimizer, theta = made(name), np.linspace(-1, 1, 6).astype(dtype)
    optimizer.init(theta)
    for grad in gradients(3, dtype=dtype):
        optimizer.step(theta, grad, np.float64(0.1))
    assert theta.dtype == dtype
    assert type(optimizer.state) is dict
    for key, value in optimizer.state.items():
        assert type(key) is str
        assert type(value) in (np.ndarray, int, float)
        assert getattr(value, "dtype", dtype) == dtype


@pytest.mark.parametrize(
    ("name", "remembered"),
    [("sgd", set()), ("momentum", {"t", "velocity"}), ("adam", {"t", "m", "v"})],
)
def test_what_is_remembered_is_what_the_equations_name(name, remembered):
    optimizer, grads = made(name), gradients(4)
    theta = np.zeros(6)
    optimizer.init(theta)
    for grad in grads:
        optimizer.step(theta, grad, 0.1)
    assert set(optimizer.state) == remembered
    if name == "adam":
        weights = 0.1 * 0.9 ** np.arange(4)[::-1, np.newaxis]
        assert_allclose(optimizer.state["m"], (weights * grads).sum(axis=0))
        weights = 0.001 * 0.999 ** np.arange(4)[::-1, np.newaxis]
        assert_allclose(optimizer.state["v"], (weights * grads**2).sum(axis=0))


@all_optimizers
def test_a_given_state_is_left_as_it_was(name):
    first, theta = made(name), np.zeros(6)
    first.init(theta)
    first.step(theta, np.ones(6), 0.1)
    before = pickle.dumps(first.state)
    second = made(name)
    second.init(theta, first.state)
    second.step(theta, np.ones(6), 0.1)
    assert pickle.dumps(first.state) == before


@all_optimizers
def test_float32_follows_float64(name):
    grads = gradients(20)[:, 1:5]
    ends = []
    for dtype in (np.float64, np.float32):
        theta, optimizer = np.linspace(-1, 1, 4).astype(dtype), made(name)
        optimizer.init(theta)
        for grad in grads.astype(dtype):
            optimizer.step(theta, grad.copy(), 0.01)
        ends.append(theta)
    assert_allclose(ends[1], ends[0], rtol=1e-5, atol=1e-5)


@all_optimizers
def test_the_learning_rate_may_change_from_step_to_step(name):
    """Only the running step's rate counts for a step from rest."""
    ends = []
    for first_rate in (1.0, 0.0):
        optimizer, theta = made(name), np.ones(2)
        optimizer.init(theta)
        optimizer.step(theta, np.zeros(2), first_rate)
        optimizer.step(theta, np.array([1.0, -2.0]), 0.1)
        ends.append(theta)
    assert_array_equal(*ends)
    assert (ends[0] != 1).all()


@all_optimizers
def test_a_long_vector_moves_as_its_parts_do(name):
    """It may be worked on in blocks; where one ends must not show."""
    n = 150_000
    grads = np.random.RandomState(0).normal(size=(3, n))
    thetas = []
    for cuts in ([0, n], [0, 40_000, 100_000, n]):
        theta = np.linspace(-1, 1, n)
        for part in map(slice, cuts, cuts[1:]):
            optimizer = made(name)
            optimizer.init(theta[part])
            for grad in grads:
                optimizer.step(theta[part], grad[part].copy(), 0.1)
        thetas.append(theta)
    assert_array_equal(*thetas)

"""The compiled step against NumPy's, and when it is taken."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknet import ScratchMLPClassifier, _fused
from sknet.optimizers import SGD, Adam, AdamW

OPTIMIZERS = {
    "adam": lambda: Adam(),
    "adam_without_memory": lambda: Adam(beta_1=0.0, beta_2=0.0),
    "adamw": lambda: AdamW(weight_decay=0.1, beta_1=0.8),
    "momentum": lambda: SGD(momentum=0.9),
    "nesterov": lambda: SGD(momentum=0.9, nesterov=True),
}
N = _fused.LEAST + 7  # more than a block, and no whole number of them
BIASES = np.arange(0, N, 31)


@pytest.fixture
def _numba():
    pytest.importorskip("numba", exc_type=ImportError)


def steps(optimizer, dtype, alpha, n_steps=20):
    """Theta, the optimizer's memory and the penalties after some steps."""
    rng = np.random.RandomState(0)
    theta, penalties = rng.normal(size=N).astype(dtype), []
    optimizer.init(theta, biases=BIASES)
    for _ in range(n_steps):
        grad = rng.normal(size=N) * 10.0 ** rng.uniform(-6, 1, N)
        optimizer.step(theta, grad.astype(dtype), 0.01, alpha)
        penalties.append(optimizer.penalty)
    return theta, optimizer.state, penalties


@pytest.mark.usefixtures("_numba")
@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_both_ways_agree_to_rounding(monkeypatch, name, dtype, alpha):
    monkeypatch.setenv("SKNET_FAST", "0")
    theta, state, penalties = steps(OPTIMIZERS[name](), dtype, alpha)
    monkeypatch.delenv("SKNET_FAST")
    optimizer = OPTIMIZERS[name]()
    fused_theta, fused_state, fused_penalties = steps(optimizer, dtype, alpha)
    assert optimizer._fused is not None
    rtol = {np.float32: 2e-5, np.float64: 1e-12}[dtype]
    assert_allclose(fused_theta, theta, rtol=rtol, atol=rtol)
    assert fused_theta.dtype == dtype
    for key, value in state.items():
        assert_allclose(fused_state[key], value, rtol=rtol, atol=rtol)
    assert_allclose(fused_penalties, penalties, rtol=rtol)


@pytest.mark.usefixtures("_numba")
@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_models_agree_to_rounding(monkeypatch, solver):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(100, 100)), np.arange(100) % 3

    def fitted():
        return ScratchMLPClassifier(
            (90,), solver=solver, alpha=1.0, batch_size=30, max_iter=5, tol=0
        ).set_params(random_state=0, n_iter_no_change=np.inf)

    monkeypatch.setenv("SKNET_FAST", "0")
    plain = fitted().fit(X, y)
    monkeypatch.delenv("SKNET_FAST")
    fast = fitted().fit(X, y)
    for W, expected in zip(fast.coefs_, plain.coefs_, strict=True):
        assert_allclose(W, expected, rtol=1e-9, atol=1e-11)
    assert_allclose(fast.loss_curve_, plain.loss_curve_, rtol=1e-10)


@pytest.mark.usefixtures("_numba")
def test_without_a_penalty_huge_weights_cost_nothing():
    optimizer, theta = Adam(), np.full(N, 1e30, np.float32)
    optimizer.init(theta)
    optimizer.step(theta, np.ones_like(theta), 0.1)
    assert optimizer.penalty == 0


@pytest.mark.usefixtures("_numba")
def test_only_long_vectors_are_compiled_for():
    assert _fused.loop(Adam(), _fused.LEAST) is not None
    assert _fused.loop(Adam(), _fused.LEAST - 1) is None
    assert _fused.loop(SGD(), _fused.LEAST) is None  # one pass in NumPy too


SMALL_FIT = """
import sys
from sklearn.datasets import load_iris
from sknet import ScratchMLPClassifier
ScratchMLPClassifier(max_iter=1, tol=1e9).partial_fit(*load_iris(return_X_y=True),
    classes=[0, 1, 2])
print("numba" in sys.modules)
"""


def test_a_small_network_does_not_wait_for_numba():
    run = subprocess.run(
        [sys.executable, "-c", SMALL_FIT],
        capture_output=True,
        text=True,
        env={name: v for name, v in os.environ.items() if name != "SKNET_FAST"},
        check=True,
    )
    assert run.stdout.split() == ["False"]


def test_without_numba_numpy_does_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)  # its import fails
    _fused._compiled.cache_clear()
    assert _fused.loop(Adam(), N) is None
    _fused._compiled.cache_clear()


# -- what never grows again ------------------------------------------------------------


@pytest.mark.parametrize("make", [Adam, lambda: SGD(momentum=0.9)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_of_gradients_long_gone_is_0_and_not_denormal(make, dtype):
    """Numbers below the smallest normal one make a step many times slower."""
    optimizer, theta = make(), np.ones(10, dtype)
    optimizer.init(theta)
    optimizer.step(theta, np.ones(10, dtype), 0.1)
    decaying = optimizer.state[optimizer.memory[0]]
    ever_denormal = False
    for _ in range(8000):
        optimizer.step(theta, np.zeros(10, dtype), 0.1)
        sizes = np.abs(decaying)
        ever_denormal |= bool(((sizes > 0) & (sizes < np.finfo(dtype).tiny)).any())
    assert not ever_denormal
    assert_array_equal(decaying, 0)

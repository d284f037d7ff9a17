"""Small products get one BLAS thread, and the caller's limit comes back."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import ScratchMLPClassifier
from sknet._blas import blas_threads
from sknet.backprop import Objective
from sknet.network import Network

SMALL = ([64, 30, 10], 200)
LARGE = ([1000, 1000, 10], 200)


def limits():
    """Threads of each BLAS library that can be told how many to use."""
    return [
        lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
    ]


def in_a_thread_that_ends(function, *args, **kwargs):
    """Newer threadpoolctl obeys one thread only, until it ends or lets go."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args, **kwargs).result()


@pytest.fixture(autouse=True)
def two():
    """The process starts with two threads for each library; what ``limits()`` is."""
    if not limits():
        pytest.skip("needs a BLAS library that can be told how many threads to use")
    limiter = in_a_thread_that_ends(threadpool_limits, 2, user_api="blas")
    allowed = limits()
    assert set(allowed) == {2}
    yield allowed
    in_a_thread_that_ends(limiter.restore_original_limits)


def one():
    return [1] * len(limits())


def use():
    with blas_threads(*SMALL):
        pass


def test_a_small_network_runs_on_one_thread(two):
    with blas_threads(*SMALL):
        assert limits() == one()
    assert limits() == two


def test_a_large_network_keeps_the_callers_threads(two):
    with blas_threads(*LARGE):
        assert limits() == two
    assert limits() == two


@pytest.mark.parametrize(
    ("n_units", "few", "many"),
    [([10, 5000, 3000, 2], 1, 10), ([30, 20], 1000, 10**6), ([3000, 5000], 1, 10)],
)
def test_the_largest_product_decides(two, n_units, few, many):
    with blas_threads(n_units, few):
        assert limits() == one()
    with blas_threads(n_units, many):
        assert limits() == two


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_limit_of_the_callers_own_is_kept(two, size):
    with threadpool_limits(1, user_api="blas"):
        with blas_threads(*size):
            assert limits() == one()
        assert limits() == one()
    assert limits() == two


def test_an_error_lifts_the_limit(two):
    with pytest.raises(ZeroDivisionError), blas_threads(*SMALL):
        raise ZeroDivisionError
    assert limits() == two


def test_the_outermost_of_nested_uses_lifts_the_limit(two):
    with blas_threads(*SMALL):
        with blas_threads(*SMALL):
            assert limits() == one()
        assert limits() == one()
        with blas_threads(*LARGE):
            pass
        assert limits() == one()
    assert limits() == two


def test_uses_that_overlap_leave_the_limit_as_it_was(two):
    """The first to come is the first to go, and its thread lives on."""
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def first():
        with blas_threads(*SMALL):
            first_is_in.set()
            assert second_is_in.wait(10)
        first_is_out.set()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(first)
        assert first_is_in.wait(10)
        with blas_threads(*SMALL):
            second_is_in.set()
            assert first_is_out.wait(10)
        future.result()
        assert limits() == two
    assert limits() == two


def test_many_uses_at_once_leave_the_limit_as_it_was(two):
    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(use) for _ in range(100)]:
            future.result()
        assert limits() == two
    assert limits() == two


def limits_when_set_to_1():
    with threadpool_limits(1, user_api="blas"):
        return limits()


def test_after_a_use_another_thread_can_set_limits():
    with ThreadPoolExecutor(1) as pool:
        use()
        assert pool.submit(limits_when_set_to_1).result() == one()
        pool.submit(use).result()
        assert limits_when_set_to_1() == one()


def data(n_samples, n_features):
    X = np.random.RandomState(0).normal(size=(n_samples, n_features))
    return X, np.arange(n_samples) % 3


@pytest.mark.parametrize("solver", ["sgd", "lbfgs"])
def test_training_runs_on_one_thread(two, monkeypatch, solver):
    seen = []
    right = Objective.value_and_grad

    def watched(self, *batch):
        seen.append(limits())
        return right(self, *batch)

    monkeypatch.setattr(Objective, "value_and_grad", watched)
    X, y = data(200, 60)
    mlp = ScratchMLPClassifier((30,), solver=solver, alpha=100, random_state=0)
    if solver == "sgd":
        mlp.partial_fit(X, y, classes=[0, 1, 2])
    else:
        mlp.fit(X, y)
    assert seen
    assert all(threads == one() for threads in seen)
    mlp.predict(X)
    assert limits() == two


@pytest.mark.parametrize("n_features", [3, 60])
def test_the_number_of_threads_moves_no_bit(n_features):
    X, y = data(200, n_features)
    results = []
    for n in (1, 2):
        with threadpool_limits(n, user_api="blas"):
            mlp = ScratchMLPClassifier((40,), random_state=0)
            for _ in range(3):
                mlp.partial_fit(X, y, classes=[0, 1, 2])
            results.append(mlp.predict_proba(X))
    assert_array_equal(*results)


# -- many predictions ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_blocks_shared_out_to_threads_give_the_same_bits(monkeypatch, method):
    monkeypatch.setattr("sknet._sklearn.fitted.ROWS_PER_BLOCK", 10)
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(205, 6)), rng.randint(3, size=205)
    net = ScratchMLPClassifier((5,), max_iter=2, tol=0, n_iter_no_change=np.inf)
    predict = getattr(net.fit(X, y), method)
    workers = set()
    network_predict = Network.predict

    def watched(*args):
        workers.add(threading.get_ident())
        return network_predict(*args)

    monkeypatch.setattr(Network, "predict", watched)
    with threadpool_limits(1):
        alone = predict(X)
    assert workers == {threading.get_ident()}
    with threadpool_limits(2):
        shared = predict(X)
    assert len(workers) > 1 or os.cpu_count() == 1
    assert_array_equal(shared, alone)

"""Small products get one BLAS thread, and the caller's limit comes back."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans
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
    right = Objective.loss_and_grad

    def watched(self, *batch):
        seen.append(limits())
        return right(self, *batch)

    monkeypatch.setattr(Objective, "loss_and_grad", watched)
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
            results.append(np.concatenate([np.ravel(W) for W in mlp.coefs_]))
    assert_array_equal(*results)


def seen_in_fit(X, y, during=lambda: None, **parameters):
    """The limits in every step of a fit, in each of which ``during`` is called."""
    seen = []

    def augment(X, rng):
        during()
        seen.append(limits())
        return X

    unending = {"tol": 0, "n_iter_no_change": np.inf}
    parameters = {"max_iter": 3, "random_state": 0, **unending, **parameters}
    net = ScratchMLPClassifier((30,), augment=augment, **parameters)
    return net.fit(X, y), seen


def test_the_limit_is_lifted_after_ctrl_c(two):
    def press():
        signal.raise_signal(signal.SIGINT)

    with pytest.warns(UserWarning, match="Ctrl-C"):
        _, seen = seen_in_fit(*data(200, 60), press)
    assert seen == [one()]
    assert limits() == two


# -- beside other threads --------------------------------------------------------------


def test_a_limit_set_by_a_neighbour_in_a_fit_and_lifted_after_it_leaves_none(two):
    """Whoever looked in the midst of the fit would restore the fit's own limit."""
    go, entered, fitted = threading.Event(), threading.Event(), threading.Event()

    def neighbour():
        assert go.wait(10)
        with threadpool_limits(1, user_api="blas"):
            entered.set()
            assert fitted.wait(10)

    def let_it_enter():
        go.set()
        assert entered.wait(10)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(neighbour)
        seen_in_fit(*data(200, 60), let_it_enter)
        fitted.set()
        future.result()
    assert limits() == two


def test_fits_and_predictions_beside_a_kmeans_thread_leave_the_limits(two):
    X, y = data(300, 20)
    kmeans = KMeans(3, n_init=1, max_iter=5, random_state=0)
    net = ScratchMLPClassifier((20,), max_iter=4, tol=0, n_iter_no_change=np.inf)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            future = pool.submit(kmeans.fit, X)
            net.fit(X, y).predict(X)
            future.result()
            assert limits() == two


def waiting_thread(module):
    """A thread that a function of that module runs, and what ends it."""
    end = threading.Event()
    namespace = {"__name__": module, "end": end}
    exec("def run():\n    end.wait(20)", namespace)
    thread = threading.Thread(target=namespace["run"])
    thread.start()
    return thread, end


@pytest.mark.parametrize(
    ("module", "limited"),
    [
        ("ipykernel.iostream", True),
        ("IPython.core.history", True),
        ("rich.live", True),
        ("sklearn.callback._transport", True),
        ("ipykernel.subshell", False),  # runs cells
        ("concurrent.futures.thread", False),
        ("my_module", False),
    ],
)
def test_threads_that_only_serve_a_notebook_are_no_neighbours(two, module, limited):
    thread, end = waiting_thread(module)
    try:
        _, seen = seen_in_fit(*data(200, 60))
    finally:
        end.set()
        thread.join()
    assert seen == [one() if limited else two] * 3
    assert limits() == two


def test_a_fit_outside_the_main_thread_sets_no_limit(two):
    with ThreadPoolExecutor(1) as pool:
        _, seen = pool.submit(seen_in_fit, *data(200, 60)).result()
    assert seen == [two] * 3


# -- in other processes ----------------------------------------------------------------

FORK = """
import os
import numpy as np
from sknet import ScratchMLPClassifier

X = np.random.RandomState(0).normal(size=(200, 60))
y = np.arange(200) % 3
pids = []

def fork_once(X, rng):
    if not pids:
        pids.append(os.fork())
        if not pids[0]:
            forked = ScratchMLPClassifier((30,), max_iter=3, random_state=0).fit(X, y)
            os._exit(0 if np.isfinite(forked.loss_) else 1)
    return X

net = ScratchMLPClassifier((30,), max_iter=3, random_state=0, augment=fork_once)
net.fit(X, y)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_forked_in_the_midst_of_a_fit_trains():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], timeout=60, check=True)


def test_workers_train_to_the_same_bits_and_keep_their_limits():
    X, y = data(200, 60)
    here, _ = seen_in_fit(X, y)

    def work():
        before = limits()
        net, seen = seen_in_fit(X, y)
        return net.coefs_, seen, before == limits()

    for coefs, seen, kept in Parallel(n_jobs=2)(delayed(work)() for _ in range(2)):
        assert kept
        assert seen == [[1] * len(seen[0])] * 3
        for ours, theirs in zip(here.coefs_, coefs, strict=True):
            assert_array_equal(ours, theirs)


# -- many predictions ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_predictions_at_the_same_time_have_the_same_bits(two, method):
    X, y = data(5000, 60)
    net = ScratchMLPClassifier((40,), max_iter=2, tol=0, n_iter_no_change=np.inf)
    predict = getattr(net.fit(X, y), method)
    alone = [predict(X) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        together = [pool.submit(predict, X) for _ in range(32)]
        together = [future.result() for future in together]
    for result in [*alone, *together]:
        assert_array_equal(result, alone[0])
    assert limits() == two


def test_a_prediction_uses_blas_as_the_caller_has_it(two, monkeypatch):
    X, y = data(5000, 60)
    net = ScratchMLPClassifier((40,), max_iter=2, tol=0, n_iter_no_change=np.inf)
    net.fit(X, y)
    seen, network_predict = [], Network.predict

    def watched(*args):
        seen.append((limits(), threading.get_ident()))
        return network_predict(*args)

    monkeypatch.setattr(Network, "predict", watched)
    net.predict_proba(X)
    assert len(seen) > 1
    assert seen == [(two, threading.get_ident())] * len(seen)

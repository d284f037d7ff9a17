"""Small products get one BLAS thread, and the caller's limit comes back."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info, threadpool_limits

from sknet import ScratchMLPClassifier
from sknet._blas import blas_threads
from sknet.backprop import Objective
from sknet.network import Network

SMALL = ([64, 30, 10], 200)
LARGE = ([1000, 1000, 10], 200)
UNENDING = {"tol": 0, "n_iter_no_change": np.inf}


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

    parameters = {"max_iter": 3, "random_state": 0, **UNENDING, **parameters}
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


FORKS = """
import os
import threading
import numpy as np
from sknet import ScratchMLPClassifier

X = np.random.RandomState(0).normal(size=(200, 60))
y = np.arange(200) % 3
ended = threading.Event()

def fit():
    ScratchMLPClassifier((30,), max_iter=3, random_state=0).fit(X, y)

def fit_again_and_again():
    while not ended.is_set():
        fit()

threads = [threading.Thread(target=fit_again_and_again) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    pid = os.fork()
    if not pid:
        fit()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
ended.set()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_children_forked_while_other_threads_train_do_train():
    """None waits for a lock that a thread held which it does not have."""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS], timeout=60, check=True
    )


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


START = """
import multiprocessing
import sys
import warnings
import numpy as np
from sknet import ScratchMLPClassifier

def fit(seed):
    X = np.random.RandomState(0).normal(size=(200, 60))
    net = ScratchMLPClassifier((30,), max_iter=3, random_state=seed, dropout=0.2)
    with warnings.catch_warnings(action="ignore"):
        net.fit(X, np.arange(200) % 3)
    return net.predict_proba(X).tobytes()

if __name__ == "__main__":
    here = [fit(seed) for seed in range(4)]
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        assert pool.map(fit, range(4)) == here
    assert [fit(seed) for seed in range(4)] == here
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_started_in_any_way_train_to_the_same_bits(method, tmp_path):
    """After training here, too, of which a forked process inherits the threads."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("needs a system that forks")
    script = tmp_path / "script.py"
    script.write_text(START)
    subprocess.run([sys.executable, script, method], timeout=60, check=True)


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")  # and forks
def test_a_search_with_several_jobs_is_the_search_with_one(two, backend):
    X, y = data(120, 20)
    net = ScratchMLPClassifier((10,), max_iter=4, random_state=0, **UNENDING)
    grid = {"alpha": [0.1, 1], "dropout": [0, 0.3], "early_stopping": [True]}
    search = GridSearchCV(net, grid, cv=2, error_score="raise").fit(X, y)
    with parallel_config(backend):
        jobs = GridSearchCV(net, grid, cv=2, error_score="raise", n_jobs=2).fit(X, y)
    for name in ("mean_test_score", "std_test_score", "rank_test_score"):
        assert_array_equal(search.cv_results_[name], jobs.cv_results_[name])
    assert_array_equal(search.predict_proba(X), jobs.predict_proba(X))
    assert limits() == two


# -- many fits -------------------------------------------------------------------------

KINDS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive", "dtype": "float32"},
    "early stopping": {"early_stopping": True, "dropout": 0.2},
    "augment": {"augment": lambda X, rng: X + rng.normal(size=X.shape)},
    "lbfgs": {"solver": "lbfgs", "max_iter": 5},
}


@pytest.fixture
def impatient():
    """Threads take turns a hundred times as often as usual, within a step too."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(before / 100)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("impatient")
@pytest.mark.filterwarnings("ignore:lbfgs stopped after")
def test_clones_that_are_fitted_at_the_same_time_have_the_same_bits(two, kind):
    X, y = data(300, 20)
    settings = {"max_iter": 8, **(UNENDING if kind != "lbfgs" else {}), **KINDS[kind]}
    net = ScratchMLPClassifier((10,), **settings)

    def fitted(seed):
        return clone(net).set_params(random_state=seed).fit(X, y)

    alone = [fitted(seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(fitted, range(8), timeout=60))
    for one, other in zip(alone, together, strict=True):
        assert_array_equal(one._theta, other._theta)
        assert one.loss_curve_ == other.loss_curve_
        assert one.validation_scores_ == other.validation_scores_
    assert limits() == two


@pytest.mark.usefixtures("impatient")
def test_fits_that_fail_beside_others_leave_the_limits(two):
    """Whatever a fit in another thread comes to."""
    X, y = data(300, 20)

    def augment(X, rng):
        if rng.random() < 0.1:
            raise ZeroDivisionError
        return X

    def ended(seed):
        kinds = [
            {},
            {"augment": augment},
            {"solver": "sgd", "learning_rate_init": 1e300},
        ]
        net = ScratchMLPClassifier((10,), random_state=seed, max_iter=8, **UNENDING)
        try:
            net.set_params(**kinds[seed % 3]).fit(X, y)
        except (ZeroDivisionError, ValueError) as error:
            return type(error)

    with ThreadPoolExecutor(8) as pool:
        together = [pool.submit(ended, seed) for seed in range(48)]
        ends = {ended(1), *(future.result(60) for future in together)}
        assert limits() == two
    assert ends == {None, ZeroDivisionError, ValueError}
    assert limits() == two


def test_training_begins_no_threads(two):
    """Eight fits at once take eight threads, and those that BLAS had already."""
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("needs a system that lists threads")
    X, y = data(300, 60)
    X @ X.T  # makes BLAS begin its own
    before, seen = len(os.listdir("/proc/self/task")), []

    def augment(X, rng):
        seen.append(len(os.listdir("/proc/self/task")))
        return X

    net = ScratchMLPClassifier((10,), max_iter=8, augment=augment, **UNENDING)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: clone(net).fit(X, y).predict(X), range(16)))
    assert max(seen) <= before + 8


# -- many predictions ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
@pytest.mark.usefixtures("impatient")
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

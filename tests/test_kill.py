"""Kills in the midst of training cost an epoch at most, and not a bit of the result.

``SKNET_KILLS=8`` makes eight kills for each of the settings instead of one.
"""

import multiprocessing
import os
import random
import signal
import time

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal, assert_equal
from sklearn.datasets import load_digits

from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from sknet.augment import RandomShift
from support import ENDLESS

pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")

from sklearn.callback import FitCallback

from sknet.callbacks import Checkpoint

if "forkserver" not in multiprocessing.get_all_start_methods():
    pytest.skip("needs processes that start at once", allow_module_level=True)

N_KILLS = int(os.environ.get("SKNET_KILLS", "1"))
SHORT = {"max_iter": 60, **ENDLESS}
SGD = {"solver": "sgd", "learning_rate_init": 0.05}
SETTINGS = {
    "adam": {},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 25, "tol": 1e-3},
    "X_val": {"scoring": "neg_log_loss"},
    "adaptive": {
        **SGD,
        "learning_rate": "adaptive",
        "tol": 0.05,
        "n_iter_no_change": 2,
    },
    "reduce_on_plateau": {
        "learning_rate": "reduce_on_plateau",
        "tol": 0.05,
        "n_iter_no_change": 8,
        "max_iter": 80,
    },
    "cosine": {**SGD, "learning_rate": "cosine", "warmup": 0.2},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1, "dtype": "float32"},
    "augment": {"augment": RandomShift((8, 8))},
    "adamw": {"solver": "adamw", "max_grad_norm": 0.5, "batch_size": 64},
    "warm start": {"learning_rate": "one_cycle", "random_state": 3},
    "regressor": {"target_scaling": "standard", "loss": "huber", "dropout": [0.1]},
}


def network(name):
    cls = ScratchMLPRegressor if name == "regressor" else ScratchMLPClassifier
    settings = {"random_state": 0, **SHORT, **SETTINGS[name]}
    return cls(hidden_layer_sizes=(12,), warm_start=True, **settings)


def data(name):
    X, y = load_digits(return_X_y=True)
    X = X[:400] / 16
    given = {"X_val": X[300:], "y_val": y[300:400]} if name == "X_val" else {}
    return X[:300], y[:300], given


@pytest.fixture(autouse=True)
def _no_waiting_for_a_disk(monkeypatch):
    """Which is for a loss of power; with it most kills would hit nothing else."""
    monkeypatch.setattr(os, "fsync", at_once)


def at_once(descriptor):
    pass


def train(name, begin, checkpoint, result, begun=None):
    """Train, or train on; what a process that may be killed does."""
    X, y, given = data(name)
    path = checkpoint if checkpoint.exists() else begin
    net = joblib.load(path).set_params(warm_start=True)
    if begun is not None:
        begun.set()
    net.set_callbacks(Checkpoint(checkpoint)).fit(X, y, **given)
    joblib.dump(net.set_callbacks(), result)


def beginning(name, path):
    """The file that training begins with: of a new network, or one trained already."""
    net = network(name)
    if name == "warm start":
        net.set_params(max_iter=3).fit(*data(name)[:2]).set_params(max_iter=60)
    joblib.dump(net, path)


def state(net):
    """All that a network holds but the seconds that its epochs took."""
    held = vars(net).copy()
    held["history_"] = {k: v for k, v in held["history_"].items() if k != "seconds"}
    held["augment"] = repr(held["augment"])
    return held


def in_a_process_of_its_own(function, *args):
    os.fsync = at_once
    function(*args)


@pytest.fixture(scope="module")
def start():
    """A function that starts a process within milliseconds."""
    context = multiprocessing.get_context("forkserver")
    # What this module imports; Python 3.11 does not find modules beside it yet.
    preloaded = ["pandas", "polars", "pytest", "sklearn.datasets", "sknet.callbacks"]
    context.set_forkserver_preload(preloaded)

    def started(function, *args):
        begun = context.Event()
        process = context.Process(
            target=in_a_process_of_its_own, args=(function, *args, begun)
        )
        process.start()
        assert begun.wait(60)
        return process

    return started


def assert_whole(checkpoint, name):
    """A checkpoint can be loaded and predicts; of a new one little is left."""
    if checkpoint.exists():
        net, X = joblib.load(checkpoint), data(name)[0]
        assert 1 <= net.n_iter_ == len(net.loss_curve_[-net.n_iter_ :])
        assert np.isfinite(net.predict(X)).all()
    left = {path.name for path in checkpoint.parent.glob(f".{checkpoint.name}*")}
    assert len({name for name in left if not name.endswith("-lock")}) <= 1


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_kills_at_random_moments_move_no_bit(name, start, tmp_path):
    begin, alone = tmp_path / "begin", tmp_path / "alone"
    checkpoint, result = tmp_path / "checkpoint", tmp_path / "result"
    beginning(name, begin)
    begun_at = time.perf_counter()
    train(name, begin, alone, tmp_path / "uninterrupted")
    seconds = time.perf_counter() - begun_at
    rng, n_kills = random.Random(name), 0
    while n_kills < N_KILLS or not result.exists():
        if result.exists():  # all too soon
            checkpoint.unlink()
            result.unlink()
        process = start(train, name, begin, checkpoint, result)
        if n_kills < N_KILLS:
            time.sleep(0.7 * seconds * rng.random())
            process.kill()
        process.join(60)
        assert process.exitcode in (0, -signal.SIGKILL)
        n_kills += process.exitcode != 0
        assert_whole(checkpoint, name)
    for a, b in [(checkpoint, alone), (result, tmp_path / "uninterrupted")]:
        assert_equal(state(joblib.load(a)), state(joblib.load(b)))
    names = {"begin", "alone", "uninterrupted", "checkpoint", "result"}
    assert set(os.listdir(tmp_path)) == names


# -- at each moment of a writing -------------------------------------------------------


def killed_at(moment, name, begin, checkpoint, result, begun):
    """Train until the fourth writing, and there no further than to that moment."""
    calls = {"epochs": 0}

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    def dump(value, file):
        calls["epochs"] += 1
        if calls["epochs"] < 4:
            return whole(value, file)
        if moment == "half written":
            file.write(b"half")
            file.flush()
            die()
        whole(value, file)
        if moment == "not on disk yet":
            os.fsync = die
        elif moment == "not in place yet":
            os.replace = die
        else:
            replace = os.replace
            os.replace = lambda *args: (replace(*args), die())
        return None

    whole, joblib.dump = joblib.dump, dump
    train(name, begin, checkpoint, result, begun)


@pytest.mark.parametrize(
    ("moment", "n_epochs"),
    [
        ("half written", 3),
        ("not on disk yet", 3),
        ("not in place yet", 3),
        ("in place", 4),
    ],
)
def test_a_kill_while_the_file_is_written(moment, n_epochs, start, tmp_path):
    begin, checkpoint = tmp_path / "begin", tmp_path / "checkpoint"
    beginning("adam", begin)
    process = start(killed_at, moment, "adam", begin, checkpoint, tmp_path / "result")
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert_whole(checkpoint, "adam")
    assert joblib.load(checkpoint).n_iter_ == n_epochs
    train("adam", begin, checkpoint, tmp_path / "result")
    assert set(os.listdir(tmp_path)) == {"begin", "checkpoint", "result"}
    expected = network("adam").fit(*data("adam")[:2])
    assert_array_equal(joblib.load(checkpoint)._theta, expected._theta)


# -- two processes on one path ---------------------------------------------------------


class Waits(FitCallback):
    """Says that the second epoch has ended, and goes on when told to."""

    def __init__(self, begun, end):
        self.begun, self.end = begun, end

    def setup(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if estimator.n_iter_ == 2:
            self.begun.set()
            assert self.end.wait(60)

    def teardown(self, estimator, context):
        pass


def train_until(end, path, begun):
    X, y, _ = data("adam")
    net = network("adam").set_params(max_iter=3)
    net.set_callbacks(Checkpoint(path), Waits(begun, end)).fit(X, y)


def test_two_processes_on_one_path(start, tmp_path):
    """The second is refused before it trains, until the first has ended or died."""
    path, (X, y, _) = tmp_path / "net", data("adam")
    context = multiprocessing.get_context("forkserver")
    for ends in ("killed", "told"):
        end = context.Event()
        process = start(train_until, end, path)
        before = path.read_bytes()
        net = network("adam").set_callbacks(Checkpoint(path))
        with pytest.raises(BlockingIOError, match=r"Another fit .*: give each fit"):
            net.fit(X, y)
        assert not hasattr(net, "coefs_")
        assert path.read_bytes() == before
        assert joblib.load(path).n_iter_ == 2
        process.kill() if ends == "killed" else end.set()
        process.join(60)
        assert process.exitcode == (-signal.SIGKILL if ends == "killed" else 0)
        assert joblib.load(path).n_iter_ == (2 if ends == "killed" else 3)
        net.fit(X, y)
        assert joblib.load(path).n_iter_ == 60
    assert not list(tmp_path.glob(".net*"))

"""Callbacks of scikit-learn: tasks, snapshots, stopping, checkpoints, time limits."""

import os
import pickle
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import support
from sknet import ScratchMLPClassifier
from support import (
    NO_EFFECT,
    PATIENT,
    assert_same_fit,
    assert_trains_on_alike,
    flat,
    short,
    unconverged,
)

callback = pytest.importorskip(
    "sklearn.callback", reason="callbacks came with scikit-learn 1.9"
)

from sknet import callbacks as ours  # noqa: E402
from sknet import check_gradients  # noqa: E402
from sknet.callbacks import Checkpoint, TimeLimit  # noqa: E402

network = partial(support.network, max_iter=8)
# The order of the samples is forgotten after a plain fit, not in the midst of one.
REMEMBERS = {"warm_start": True}
SOLVERS = {
    "adam": {"solver": "adam"},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
}


@pytest.fixture
def noisy(noise):
    """The training samples alone."""
    X, _, y, _ = noise
    return X, y


class Recorder(callback.FitCallback):
    """Keeps what its hooks are given; asks to stop at the end of epoch ``stop_at``."""

    def __init__(self, stop_at=None, fail_at=None, error=RuntimeError):
        self.stop_at, self.fail_at, self.error = stop_at, fail_at, error
        self.calls = []

    def setup(self, estimator, context):
        self.calls.append(SimpleNamespace(hook="setup"))

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
        self.calls.append(
            SimpleNamespace(hook="begin", context=context, X=X, y=y, metadata=metadata)
        )

    def on_fit_task_end(
        self, estimator, context, *, X, y, metadata, fitted_estimator=None
    ):
        call = SimpleNamespace(
            hook="end",
            context=context,
            X=X,
            y=y,
            metadata=metadata,
            snapshot=fitted_estimator,
        )
        self.calls.append(call)
        if context.task_name == "epoch":
            if context.task_id + 1 == self.fail_at:
                raise self.error("from a hook")
            return context.task_id + 1 == self.stop_at

    def teardown(self, estimator, context):
        self.calls.append(SimpleNamespace(hook="teardown"))

    def named(self, hook):
        return [call for call in self.calls if call.hook == hook]

    def epochs(self):
        """The ends of the epochs' tasks."""
        ends = self.named("end")
        return [end for end in ends if end.context.task_name == "epoch"]


def callbacks_of(net):
    """scikit-learn has no public way to read what ``set_callbacks`` set."""
    return net._skl_callbacks


def assert_same_state(net, expected, X, y):
    """Same weights, fitted attributes and memory of training, bit for bit."""
    assert_same_fit(net, expected)
    fitted = {name for name in vars(expected) if name[0] != "_" and name[-1] == "_"}
    for name in fitted - {"history_"}:
        np.testing.assert_equal(getattr(net, name), getattr(expected, name), name)
    for kind in set(expected.history_) - {"seconds"}:
        np.testing.assert_equal(net.history_[kind], expected.history_[kind], kind)
    if net.solver != "lbfgs":
        assert_trains_on_alike(net, expected, X, y)


# -- the contract of scikit-learn ------------------------------------------------


@unconverged
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_a_task_for_fit_and_one_for_each_epoch_in_order(parameters, iris):
    recorder = Recorder()
    net = network(**parameters).set_callbacks(recorder).fit(*iris)
    assert net.n_iter_ == 8
    hooks = [call.hook for call in recorder.calls]
    assert hooks == ["setup", "begin", *["begin", "end"] * 8, "end", "teardown"]
    fit, *epochs = (call.context for call in recorder.named("begin"))
    assert fit.parent is None
    assert fit.max_subtasks == 8
    assert fit.estimator_name == "ScratchMLPClassifier"
    assert [epoch.task_id for epoch in epochs] == list(range(8))
    assert all(epoch.parent is fit and epoch.max_subtasks == 0 for epoch in epochs)
    ended = [call.context for call in recorder.named("end")]
    assert all(end is begun for end, begun in zip(ended, [*epochs, fit], strict=True))


def test_lbfgs_that_converges_by_itself_has_as_many_tasks_as_iterations(iris):
    recorder = Recorder()
    net = network(solver="lbfgs", max_iter=500, alpha=1.0).set_callbacks(recorder)
    net.fit(*iris)
    assert 10 < net.n_iter_ < 500
    assert len(recorder.named("begin")) == len(recorder.named("end")) == 1 + net.n_iter_


def test_lbfgs_that_starts_at_the_minimum_has_no_iteration(iris):
    recorder = Recorder()
    net = network(solver="lbfgs", tol=1e6).set_callbacks(recorder).fit(*iris)
    assert net.n_iter_ == 0
    assert len(recorder.named("begin")) == len(recorder.named("end")) == 1


@unconverged
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_hooks_get_what_the_user_passed(solver, iris):
    recorder = Recorder()
    X = pd.DataFrame(iris[0], columns=list("abcd"))
    y = pd.Series(iris[1]).map({0: "setosa", 1: "versicolor", 2: "virginica"})
    weight = np.linspace(0, 1, len(y))  # a row of weight 0, which training drops
    net = network(**SOLVERS[solver]).set_callbacks(recorder)
    net.fit(X, y, sample_weight=weight)
    calls = recorder.named("begin") + recorder.named("end")
    assert len(calls) == 2 * (1 + 8)
    for call in calls:
        assert call.X is X
        assert call.y is y
        assert list(call.metadata) == ["sample_weight"]
        assert call.metadata["sample_weight"] is weight


def test_metadata_is_empty_without_weights(iris):
    recorder = Recorder()
    network().set_callbacks(recorder).fit(*iris)
    assert all(call.metadata == {} for call in recorder.named("end"))


# -- snapshots -------------------------------------------------------------------


@unconverged
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_snapshots_are_what_fewer_epochs_would_have_made(parameters, noisy):
    X, y = noisy
    recorder = Recorder()
    net = network(**parameters).set_callbacks(recorder).fit(X, y)
    if net.early_stopping:  # the last weights are not always the best
        scores = net.validation_scores_
        assert any(scores[i] < max(scores[:i]) for i in range(1, 8))
    for i, end in enumerate(recorder.epochs()):
        longer = {**parameters, "max_iter": i + 1, **REMEMBERS}
        expected = network(**longer).fit(X, y)
        assert_same_state(end.snapshot, expected, *noisy)
        np.testing.assert_array_equal(
            end.snapshot.predict_proba(X), expected.predict_proba(X)
        )
    assert_same_state(recorder.named("end")[-1].snapshot, net, *noisy)


def test_later_training_leaves_snapshots_alone(iris):
    recorder = Recorder()
    net = network().set_callbacks(recorder).fit(*iris)
    snapshots = [end.snapshot for end in recorder.named("end")]
    before = pickle.dumps([flat(net) for net in snapshots])
    net.partial_fit(*iris)
    net.coefs_[0][:] = 0
    assert pickle.dumps([flat(net) for net in snapshots]) == before


def test_nothing_is_copied_unless_a_hook_asks_for_it(iris):
    made = []

    class Counted(ScratchMLPClassifier):
        """Counts its instances, however they are made."""

        def __new__(cls, *args, **kwargs):
            made.append(1)
            return super().__new__(cls)

    class Blind(callback.FitCallback):
        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            pass

    parameters = network().get_params()
    Counted(**parameters).set_callbacks(Blind()).fit(*iris)
    assert len(made) == 1
    Counted(**parameters).set_callbacks(Recorder()).fit(*iris)
    assert len(made) > 8  # one after each epoch


@unconverged
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_callbacks_change_no_bit_of_the_model(parameters, noisy):
    monitored = network(**parameters).set_callbacks(Recorder()).fit(*noisy)
    assert_same_state(monitored, network(**parameters).fit(*noisy), *noisy)


def test_partial_fit_calls_no_callback(iris):
    recorder = Recorder()
    network().set_callbacks(recorder).partial_fit(*iris, classes=[0, 1, 2])
    assert recorder.calls == []


# -- stopping --------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_true_return_stops_training_without_a_warning(solver, iris):
    recorder = Recorder(stop_at=3)
    parameters = {**SOLVERS[solver], "tol": 1e-5}
    if solver != "lbfgs":
        parameters["n_iter_no_change"] = 50
    stopped = network(**parameters).set_callbacks(recorder).fit(*iris)
    assert stopped.n_iter_ == len(stopped.loss_curve_) == 3
    assert len(recorder.named("end")) == 1 + 3
    assert recorder.calls[-1].hook == "teardown"
    with pytest.warns(ConvergenceWarning):
        expected = network(**{**parameters, "max_iter": 3}).fit(*iris)
    assert_same_state(stopped, expected, *iris)


def test_a_stop_in_the_last_epoch_is_not_a_failure_to_converge(iris):
    net = network(max_iter=3).set_callbacks(Recorder(stop_at=3)).fit(*iris)
    assert net.n_iter_ == 3


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_verbose_says_that_a_callback_stopped_training(solver, iris, capsys):
    net = network(solver=solver, verbose=2).set_callbacks(Recorder(stop_at=2))
    net.fit(*iris)
    assert "A callback asked to stop." in capsys.readouterr().out


@pytest.mark.parametrize("how", ["true return", "error in a hook", "Ctrl-C in a hook"])
def test_the_best_weights_are_restored_however_a_callback_ends_training(how, noisy):
    parameters = {"early_stopping": True, "max_iter": 30}
    scores = network(**parameters).fit(*noisy).validation_scores_
    stop_at = 1 + next(i for i in range(2, 30) if scores[i] < max(scores[:i]))
    if how == "true return":
        recorder = Recorder(stop_at)
        net = network(**parameters).set_callbacks(recorder).fit(*noisy)
    elif how == "error in a hook":
        recorder = Recorder(fail_at=stop_at)
        net = network(**parameters).set_callbacks(recorder)
        with pytest.raises(RuntimeError, match="from a hook"):
            net.fit(*noisy)
    else:
        recorder = Recorder(fail_at=stop_at, error=KeyboardInterrupt)
        net = network(**parameters).set_callbacks(recorder)
        with pytest.warns(UserWarning, match="Ctrl-C stopped training"):
            net.fit(*noisy)
    best = int(np.argmax(net.validation_scores_))
    assert net.n_iter_ == stop_at
    assert best < stop_at - 1
    np.testing.assert_array_equal(flat(net), flat(recorder.epochs()[best].snapshot))
    assert recorder.calls[-1].hook == "teardown"


# -- when things go wrong --------------------------------------------------------


def test_teardown_after_divergence(iris):
    recorder = Recorder()
    net = ScratchMLPClassifier((6,), solver="sgd", learning_rate_init=1e200)
    with pytest.raises(ValueError, match="diverged"):
        net.set_callbacks(recorder).fit(*iris)
    assert recorder.calls[-1].hook == "teardown"
    assert not [name for name in vars(net) if "context" in name or "ctx" in name]


def test_teardown_after_bad_data_and_a_fitted_estimator_is_as_before(iris):
    X, y = iris
    recorder = Recorder()
    net = network().fit(X, y)
    before = pickle.dumps(net)
    net.set_callbacks(recorder)
    with pytest.raises(ValueError, match="NaN"):
        net.fit(np.full_like(X, np.nan), y)
    assert [call.hook for call in recorder.calls] == ["setup", "begin", "teardown"]
    assert pickle.dumps(net.set_callbacks()) == before


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_epoch_that_ctrl_c_cuts_short_ends_without_a_snapshot(
    solver, iris, monkeypatch
):
    from sknet.backprop import Objective

    whole, calls = Objective.loss_and_grad, []

    def pressed(self, *args):
        calls.append(1)
        if len(calls) == 25:
            raise KeyboardInterrupt
        return whole(self, *args)

    monkeypatch.setattr(Objective, "loss_and_grad", pressed)
    recorder = Recorder()
    net = network(**{**SOLVERS[solver], "max_iter": 100}).set_callbacks(recorder)
    with pytest.warns(UserWarning, match="Ctrl-C"):
        net.fit(*iris)
    hooks = [call.hook for call in recorder.calls]
    n_tasks = 1 + net.n_iter_ + 1
    assert hooks.count("begin") == hooks.count("end") == n_tasks
    cut_short, fit = recorder.named("end")[-2:]
    assert cut_short.snapshot is None
    assert fit.snapshot is not None
    assert hooks[-1] == "teardown"


# -- scikit-learn's callbacks, pipelines and searches ----------------------------


@unconverged
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_scoring_monitor_logs_the_score_of_each_epoch(parameters, noisy):
    X, y = noisy
    monitor = callback.ScoringMonitor(scoring="accuracy")
    network(**parameters).set_callbacks(monitor).fit(X, y)
    rows = monitor.get_logs().data
    epochs = [row for row in rows if row["task_name"] == "epoch"]
    assert [row["accuracy"] for row in epochs] == [
        network(**{**parameters, "max_iter": i + 1}).fit(X, y).score(X, y)
        for i in range(8)
    ]
    assert len(rows) == 1 + 8


def test_scoring_monitor_weights_its_scores(noisy):
    X, y = noisy
    weight = np.arange(1.0, 1 + len(y))
    monitor = callback.ScoringMonitor(scoring="accuracy")
    net = network().set_callbacks(monitor).fit(X, y, sample_weight=weight)
    assert monitor.get_logs().data[0]["accuracy"] == net.score(X, y, weight)


def test_scoring_monitor_in_a_pipeline(noisy):
    X, y = noisy
    monitor = callback.ScoringMonitor(scoring="accuracy")
    net = network().set_callbacks(monitor)
    score = make_pipeline(StandardScaler(), net).fit(X, y).score(X, y)
    rows = monitor.get_logs().data
    epochs = [row for row in rows if row["task_name"] == "epoch"]
    assert [row["task_id"] for row in epochs] == list(range(8))
    assert epochs[-1]["accuracy"] == score


def test_a_network_in_a_pipeline_has_callbacks_of_its_own(noisy):
    recorder = Recorder(stop_at=2)
    model = make_pipeline(StandardScaler(), network().set_callbacks(recorder)).fit(
        *noisy
    )
    assert model[-1].n_iter_ == 2
    fit = recorder.named("begin")[0].context
    assert fit.parent.estimator_name == "Pipeline"
    assert len(recorder.named("end")) == 1 + 2


def test_scoring_monitor_in_a_search_by_two_processes(noisy):
    X, y = noisy
    monitor = callback.ScoringMonitor(scoring="accuracy")
    net = network().set_callbacks(monitor)
    search = GridSearchCV(net, {"max_iter": [2, 3]}, cv=2, n_jobs=2).fit(X, y)
    epochs = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    n_refit = search.best_params_["max_iter"]
    assert len(epochs) == 2 * 2 + 2 * 3 + n_refit
    assert all(0 <= row["accuracy"] <= 1 for row in epochs)


def test_a_searched_network_stops_by_its_own_callback(noisy):
    net = network().set_callbacks(Recorder(stop_at=2))
    search = GridSearchCV(net, {"alpha": [0, 1]}, cv=2, n_jobs=2).fit(*noisy)
    assert search.best_estimator_.n_iter_ == 2


@unconverged
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_progress_bar(solver, noisy, capsys):
    pytest.importorskip("rich")
    net = network(**SOLVERS[solver]).set_callbacks(callback.ProgressBar()).fit(*noisy)
    assert net.n_iter_ == 8
    out = capsys.readouterr().out
    assert "ScratchMLPClassifier - fit" in out
    assert "100%" in out


def test_progress_bar_in_a_pipeline_in_a_search_by_two_processes(noisy, capsys):
    pytest.importorskip("rich")
    bar = callback.ProgressBar(max_propagation_depth=None)
    model = make_pipeline(StandardScaler(), network())
    grid = {"scratchmlpclassifier__max_iter": [2, 3]}
    GridSearchCV(model, grid, cv=2, n_jobs=2).set_callbacks(bar).fit(*noisy)
    out = capsys.readouterr().out
    assert "GridSearchCV - fit" in out
    assert "ScratchMLPClassifier - fit" in out


# -- Checkpoint ------------------------------------------------------------------


def blurred(X, rng):
    """X with noise: an augmentation that can be pickled."""
    return X + 0.1 * rng.normal(size=X.shape)


RESUMABLE = {
    "adam": {"max_iter": 12},
    "momentum": {"solver": "sgd", "max_iter": 12},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 0.05,
        "n_iter_no_change": 2,
        "max_iter": 12,
    },
    "reduce_on_plateau": {
        "learning_rate": "reduce_on_plateau",
        "tol": 0.05,
        "n_iter_no_change": 8,
        "max_iter": 12,
    },
    "cosine": {"learning_rate": "cosine", "warmup": 0.4, "max_iter": 12},
    "one_cycle": {"learning_rate": "one_cycle", "max_iter": 12},
    "early stopping": {"early_stopping": True, "max_iter": 12},
    "patience": {"early_stopping": True, "n_iter_no_change": 6, "max_iter": 100},
    "whole batch": {"batch_size": 120, "max_iter": 12},
    "in order": {"shuffle": False, "max_iter": 12},
    "float32": {"dtype": "float32", "max_iter": 12},
    "adamw": {"solver": "adamw", "max_iter": 12},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1, "max_iter": 12},
    "augment": {"augment": blurred, "max_iter": 12},
    "loss monitored": {
        "early_stopping": True,
        "scoring": "loss",
        "n_iter_no_change": 6,
        "max_iter": 100,
    },
}


def resumed(path, *callbacks):
    return joblib.load(path).set_params(warm_start=True).set_callbacks(*callbacks)


@short
@pytest.mark.parametrize("parameters", RESUMABLE.values(), ids=RESUMABLE)
def test_training_resumed_twice_is_training_uninterrupted(parameters, noisy, tmp_path):
    uninterrupted = network(**parameters, **REMEMBERS).fit(*noisy)
    assert uninterrupted.n_iter_ > 9
    path = tmp_path / "net.joblib"
    checkpoint = Checkpoint(path, every=2)
    net = network(**parameters).set_callbacks(checkpoint, Recorder(fail_at=7))
    with pytest.raises(RuntimeError, match="from a hook"):
        net.fit(*noisy)
    assert joblib.load(path).n_iter_ == 6
    with pytest.raises(RuntimeError, match="from a hook"):
        resumed(path, checkpoint, Recorder(fail_at=3)).fit(*noisy)
    assert joblib.load(path).n_iter_ == 8
    assert_same_state(resumed(path, checkpoint).fit(*noisy), uninterrupted, *noisy)


@short
@pytest.mark.parametrize("parameters", RESUMABLE.values(), ids=RESUMABLE)
def test_a_checkpoint_of_the_last_epoch_leaves_nothing_to_do(
    parameters, noisy, tmp_path
):
    path = tmp_path / "net.joblib"
    net = network(**parameters, **REMEMBERS)
    net.set_callbacks(Checkpoint(path)).fit(*noisy)
    recorder = Recorder()
    assert_same_state(resumed(path, recorder).fit(*noisy), net, *noisy)
    assert recorder.epochs() == []


KILLED = """
import os, signal, sys
import joblib
import numpy as np
from sklearn.callback import FitCallback
from sknet import ScratchMLPClassifier
from sknet.callbacks import Checkpoint

class Kill(FitCallback):
    def on_fit_task_end(self, estimator, context):
        if context.task_id == 8:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

net, X, y, path = joblib.load(sys.argv[1])
net.set_callbacks(Checkpoint(path, every=3), Kill()).fit(X, y)
"""


def test_training_resumed_after_a_kill_is_training_uninterrupted(noisy, tmp_path):
    path = tmp_path / "net.joblib"
    net = network(**RESUMABLE["early stopping"])
    joblib.dump((net, *noisy, path), tmp_path / "job")
    run = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "job"])
    assert run.returncode != 0
    assert joblib.load(path).n_iter_ == 9
    assert_same_state(resumed(path).fit(*noisy), net.fit(*noisy), *noisy)


def test_a_checkpoint_predicts_by_the_best_weights_so_far(noisy, tmp_path):
    path = tmp_path / "net.joblib"
    net = network(**RESUMABLE["early stopping"])
    net.set_callbacks(Checkpoint(path, every=11)).fit(*noisy)
    shorter = net.set_callbacks().set_params(max_iter=11).fit(*noisy)
    assert int(np.argmax(shorter.validation_scores_)) < 10
    np.testing.assert_array_equal(
        joblib.load(path).predict_proba(noisy[0]), shorter.predict_proba(noisy[0])
    )


def test_more_epochs_can_be_asked_of_a_checkpoint(iris, tmp_path):
    path = tmp_path / "net.joblib"
    network().set_callbacks(Checkpoint(path)).fit(*iris)
    longer = joblib.load(path).set_params(warm_start=True, max_iter=12).fit(*iris)
    expected = network(max_iter=12, **REMEMBERS).fit(*iris)
    assert_same_state(longer, expected, *iris)


@short
def test_a_resumed_fit_warns_as_the_uninterrupted_one_does(iris, tmp_path):
    path = tmp_path / "net.joblib"
    net = network(**PATIENT).set_callbacks(Checkpoint(path))
    with pytest.warns(ConvergenceWarning, match="reached max_iter=8"):
        net.fit(*iris)
    with pytest.warns(ConvergenceWarning, match="reached max_iter=8"):
        resumed(path).fit(*iris)
    net.set_params(max_iter=500, tol=0.1, n_iter_no_change=2).fit(*iris)
    assert net.n_iter_ < 500
    resumed(path).fit(*iris)  # patience ended it: nothing to warn of


@unconverged
@pytest.mark.filterwarnings(f"ignore:{NO_EFFECT}")
def test_another_solver_ends_the_interrupted_fit(iris, tmp_path):
    path = tmp_path / "net.joblib"
    network().set_callbacks(Checkpoint(path)).fit(*iris)
    net = joblib.load(path).set_params(warm_start=True)
    net.set_params(solver="lbfgs").fit(*iris)
    net.set_params(solver="adam").fit(*iris)
    assert len(net.loss_curve_) == 8 + 8 + 8


def test_training_after_a_resumed_fit_is_a_warm_start_like_any_other(iris, tmp_path):
    path = tmp_path / "net.joblib"
    net = network(warm_start=True)
    net.set_callbacks(Checkpoint(path, every=5)).fit(*iris)
    other = resumed(path).fit(*iris)
    assert_same_state(other.fit(*iris), net.fit(*iris), *iris)
    assert other.n_iter_ == 8
    assert len(other.loss_curve_) == 16


@unconverged
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_checkpoint_fitted_without_warm_start_starts_afresh(solver, iris, tmp_path):
    path = tmp_path / "net.joblib"
    network().set_callbacks(Checkpoint(path, every=5)).fit(*iris)
    afresh = joblib.load(path)
    afresh.set_params(**network(**SOLVERS[solver]).get_params())
    assert_same_state(afresh.fit(*iris), network(**SOLVERS[solver]).fit(*iris), *iris)


def test_a_checkpoint_holds_no_callbacks_and_no_data(iris, tmp_path):
    path = tmp_path / "net.joblib"
    X = np.repeat(iris[0], 100, axis=0)
    unpicklable = Recorder()
    unpicklable.calls.append(SimpleNamespace(hook="none", it=lambda: 0))
    net = network(max_iter=1, shuffle=False)
    net.set_callbacks(Checkpoint(path), unpicklable).fit(X, np.repeat(iris[1], 100))
    assert path.stat().st_size < X.nbytes / 10
    assert not [name for name in vars(joblib.load(path)) if "callback" in name]
    # The snapshot that other callbacks share with it is whole.
    assert callbacks_of(unpicklable.epochs()[0].snapshot)


def test_checkpoint_in_a_pipeline_is_set_on_the_network(noisy, tmp_path):
    X, y = noisy
    path = tmp_path / "net.joblib"
    net = network(**REMEMBERS).set_callbacks(Checkpoint(path, every=3))
    model = make_pipeline(StandardScaler(), net).fit(X, y)
    again = resumed(path).fit(model[0].transform(X), y)
    assert_same_state(again, model[-1], *noisy)


@pytest.mark.parametrize("fails", ["joblib.dump", "os.fsync", "os.replace"])
def test_a_failed_write_leaves_the_last_checkpoint(fails, iris, tmp_path, monkeypatch):
    path = tmp_path / "net.joblib"
    network().set_callbacks(Checkpoint(path)).fit(*iris)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(fails, full)
    with pytest.raises(OSError, match="No space left"):
        network().set_callbacks(Checkpoint(path)).fit(*iris)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.joblib"]


def test_checkpoint_refuses_what_it_cannot_save(iris, tmp_path):
    checkpoint = Checkpoint(tmp_path / "net.joblib")
    model = make_pipeline(network()).set_callbacks(checkpoint)
    with pytest.raises(TypeError, match="on the network itself, not on Pipeline"):
        model.fit(*iris)
    with pytest.raises(ValueError, match="solver='lbfgs'"):
        network(solver="lbfgs").set_callbacks(checkpoint).fit(*iris)
    nowhere = Checkpoint(tmp_path / "nowhere" / "net.joblib")
    with pytest.raises(FileNotFoundError, match=r"nowhere.* does not exist"):
        network().set_callbacks(nowhere).fit(*iris)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Checkpoint("net.joblib", every=0),
        lambda: Checkpoint(3),
        lambda: TimeLimit(-1),
        lambda: TimeLimit("1 h"),
    ],
)
def test_bad_settings_are_refused(make):
    with pytest.raises(ValueError, match=r"parameter of (Checkpoint|TimeLimit)"):
        make()


# -- TimeLimit -------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes one second further each time it is looked at."""
    seconds = iter(range(1000))
    monkeypatch.setattr(ours, "monotonic", lambda: next(seconds))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_time_limit_stops_at_the_end_of_the_epoch(solver, iris, clock):
    net = network(solver=solver, max_iter=50).set_callbacks(TimeLimit(3.5))
    assert net.fit(*iris).n_iter_ == 4
    assert net.fit(*iris).n_iter_ == 4  # each fit has the time to itself


def test_time_limit_in_a_pipeline_and_shared_by_clones(iris, clock):
    limit = TimeLimit(2.5)
    before = pickle.dumps(limit)
    net = network(max_iter=50).set_callbacks(limit)
    for _ in range(2):
        model = make_pipeline(StandardScaler(), clone(net)).fit(*iris)
        assert model[-1].n_iter_ == 3
    assert pickle.dumps(limit) == before  # nothing of a fit stays behind


def test_no_time_is_one_epoch(iris):
    assert network().set_callbacks(TimeLimit(0)).fit(*iris).n_iter_ == 1


# -- clone and pickle ------------------------------------------------------------


@pytest.mark.parametrize("fitted", [False, True])
def test_networks_with_callbacks_are_cloned_and_pickled(fitted, iris, tmp_path):
    path = tmp_path / "net.joblib"
    callbacks = [Checkpoint(path, every=2), TimeLimit(1e6)]
    assert all(isinstance(each, callback.FitCallback) for each in callbacks)
    net = network().set_callbacks(*callbacks)
    if fitted:
        net.fit(*iris)
    assert callbacks_of(clone(net)) == callbacks
    copy = pickle.loads(pickle.dumps(net)).fit(*iris)
    assert [type(each) for each in callbacks_of(copy)] == [Checkpoint, TimeLimit]
    assert_same_state(copy, network().fit(*iris), *iris)


def test_weights_that_a_hook_sees_stay_while_training_goes_on(iris):
    """Others may predict with them meanwhile; a step changes its own in place."""
    seen = []

    class Looks(callback.FitCallback):
        def setup(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            if hasattr(estimator, "coefs_"):
                W = estimator.coefs_[0]
                seen.append((W, W.copy()))

        def teardown(self, estimator, context):
            pass

    network().set_callbacks(Looks()).fit(*iris)
    assert len(seen) > 3
    for W, as_seen in seen:
        np.testing.assert_array_equal(W, as_seen)


def test_gradients_of_a_checkpoint_are_checked_where_it_predicts(iris, tmp_path):
    """Its best weights, in float64; those that training goes on from are others."""
    X, y = iris
    y_val = network(dtype="float32", max_iter=2).fit(X, y).predict(X)
    net = network(dtype="float32", learning_rate_init=0.02)
    net.set_callbacks(Checkpoint(tmp_path / "net.joblib"))
    net.fit(X, y, X_val=X, y_val=y_val)
    net = joblib.load(tmp_path / "net.joblib")
    assert net.best_iteration_ < net.n_iter_
    assert check_gradients(net, X, y).max_relative_error < 1e-7

"""What a fit prints, and the warning of a training that has not converged."""

import subprocess
import sys
import threading
import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

import support
from sknet import ScratchMLPClassifier
from support import ENDLESS, PATIENT, assert_same_weights, unconverged

network = partial(support.network, max_iter=4, **PATIENT)
SOLVERS = {
    "adam": ENDLESS,
    "sgd": {"solver": "sgd", **ENDLESS},
    "early stopping": {"early_stopping": True, **ENDLESS},
    "lbfgs": {"solver": "lbfgs"},
}


def hide(monkeypatch, *packages):
    """Make packages impossible to import."""
    for name in [*sys.modules, *packages]:
        if name.split(".")[0] in packages:
            monkeypatch.setitem(sys.modules, name, None)


# -- what is printed ---------------------------------------------------------------


@unconverged
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("verbose", [False, 0])
def test_silent_unless_asked(iris, parameters, verbose, capfd):
    X, y = iris
    network(verbose=verbose, **parameters).fit(X, y, X_val=X, y_val=y)
    network(**parameters).fit(X, y)
    assert capfd.readouterr() == ("", "")


@unconverged
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("verbose", [True, 1])
def test_a_bar_of_rich(iris, parameters, verbose, capsys):
    pytest.importorskip("rich")
    X, y = iris
    net = network(verbose=verbose, **parameters).fit(X, y, X_val=X, y_val=y)
    out, err = capsys.readouterr()
    assert err == ""
    (line,) = out.split("\n")[:-1]
    assert line.startswith("epoch 4/4 ")  # nothing cut off in 80 columns
    score = net.validation_scores_[-1]
    loss = net.loss_curve_[-1]
    assert line.endswith(f"loss = {loss:.4f}, validation score = {score:.4g}")


@unconverged
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_a_bar_of_tqdm_without_rich(iris, parameters, capsys, monkeypatch):
    pytest.importorskip("tqdm")
    hide(monkeypatch, "rich")
    net = network(verbose=1, **parameters).fit(*iris)
    out, err = capsys.readouterr()
    assert out == ""
    assert "4/4" in err
    assert f"loss = {net.loss_curve_[-1]:.4f}" in err
    assert err.endswith("\n")


@unconverged
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_one_line_without_either(iris, parameters, capsys, monkeypatch):
    hide(monkeypatch, "rich", "tqdm")
    net = network(verbose=1, **parameters).fit(*iris)
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    assert out.startswith("4 epochs in ")
    assert f"loss = {net.loss_curve_[-1]:.4f}" in out


def test_the_one_line_counts_the_epochs_that_there_were(iris, capsys, monkeypatch):
    hide(monkeypatch, "rich", "tqdm")
    net = network(verbose=1, max_iter=500, tol=0.1, n_iter_no_change=2).fit(*iris)
    assert net.n_iter_ < 500
    assert capsys.readouterr().out.startswith(f"{net.n_iter_} epochs in ")


@pytest.mark.parametrize("without", [(), ("rich",), ("rich", "tqdm")], ids=str)
def test_no_iteration_is_no_error(iris, capsys, monkeypatch, without):
    hide(monkeypatch, *without)
    net = network(solver="lbfgs", tol=1e6, verbose=1).fit(*iris)
    assert net.n_iter_ == 0
    assert "loss" not in capsys.readouterr().out


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_lines_begin_as_those_of_mlpclassifier(iris, solver, capsys):
    X, y = iris
    settings = {"solver": solver, "max_iter": 12, "random_state": 0, "verbose": True}
    with pytest.warns(ConvergenceWarning):
        MLPClassifier((5,), **settings).fit(X, y)
    theirs = capsys.readouterr().out.splitlines()
    with pytest.warns(ConvergenceWarning):
        ScratchMLPClassifier((5,), **{**settings, "verbose": 2}).fit(X, y)
    ours = capsys.readouterr().out.splitlines()
    assert len(ours) == len(theirs) == 12
    for line, expected in zip(ours, theirs, strict=True):
        assert line.startswith(expected + ", ")
        assert expected.startswith("Iteration ")


@unconverged
@pytest.mark.parametrize("verbose", [2, 10])
@pytest.mark.parametrize("parameters", SOLVERS.values(), ids=SOLVERS)
def test_a_line_says_what_the_history_says(iris, parameters, verbose, capsys):
    X, y = iris
    net = network(verbose=verbose, **parameters).fit(X, y, X_val=X, y_val=y)
    out, err = capsys.readouterr()
    assert err == ""
    history = net.history_
    expected = []
    for i, cost in enumerate(net.loss_curve_):
        line = (
            f"Iteration {i + 1}, loss = {cost:.8f}, "
            f"validation loss = {history['val_loss'][i]:.4g}, "
            f"validation score = {history['val_score'][i]:.4g}, "
        )
        if net.solver != "lbfgs":
            line += f"learning rate = {history['learning_rate'][i]:.4g}, "
        expected.append(line + f"gradient norm = {history['grad_norm'][i]:.4g}")
    assert out.splitlines() == expected


def test_lines_tell_why_training_ended(iris, capsys):
    net = network(verbose=2, max_iter=500, tol=0.1, n_iter_no_change=2).fit(*iris)
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == net.n_iter_ < 500
    assert last == "No improvement by tol=0.1. Stopping."


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_warm_start_counts_each_fit_for_itself(iris, verbose, capsys):
    net = network(verbose=verbose, warm_start=True, **ENDLESS)
    net.fit(*iris)
    capsys.readouterr()
    net.fit(*iris)
    out = capsys.readouterr().out
    if verbose == 2:
        assert [line.split(",")[0] for line in out.splitlines()] == [
            f"Iteration {n}" for n in range(1, 5)
        ]
    elif "epochs in" not in out:
        assert "4/4" in out


@pytest.mark.parametrize("verbose", [1, 2])
def test_partial_fit_is_silent(iris, verbose, capfd):
    network(verbose=verbose).partial_fit(*iris, classes=[0, 1, 2])
    assert capfd.readouterr() == ("", "")


# -- never from a worker --------------------------------------------------------------


@pytest.mark.parametrize("verbose", [1, 2])
def test_other_threads_are_silent(iris, verbose, capfd):
    net = network(verbose=verbose, **ENDLESS)
    thread = threading.Thread(target=net.fit, args=iris)
    thread.start()
    thread.join()
    assert net.n_iter_ == 4
    assert capfd.readouterr() == ("", "")


SEARCH = """
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from joblib import parallel_backend
from sknet import ScratchMLPClassifier

if __name__ == "__main__":
    net = ScratchMLPClassifier((5,), max_iter=4, tol=0, n_iter_no_change=np.inf)
    search = GridSearchCV(net, {"verbose": [1, 2]}, cv=2, n_jobs=2, refit=False)
    for backend in "loky", "multiprocessing", "threading":
        with parallel_backend(backend):
            search.fit(*load_iris(return_X_y=True))
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()  # fits succeed
"""


def test_workers_of_a_search_are_silent(tmp_path):
    script = tmp_path / "search.py"
    script.write_text(SEARCH)
    run = subprocess.run(
        [sys.executable, "-W", "ignore", script], capture_output=True, text=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


# -- the bar is closed ---------------------------------------------------------------


@pytest.fixture(params=["rich", "tqdm", "line"])
def n_closed(request, monkeypatch, capsys):
    """Counts how often the bar of each kind in turn has been closed."""
    if request.param == "line":  # printed when it is closed
        hide(monkeypatch, "rich", "tqdm")
        return lambda: capsys.readouterr().out.count(" epochs in ")
    bar = pytest.importorskip(request.param)
    if request.param == "rich":
        kind, method = pytest.importorskip("rich.progress").Progress, "stop"
    else:
        hide(monkeypatch, "rich")
        kind, method = bar.tqdm, "close"
        monkeypatch.delattr(kind, "__del__")  # which would close it too, in its time
    close, closed = getattr(kind, method), set()

    def closing(self, *args):
        closed.add(id(self))
        close(self, *args)

    monkeypatch.setattr(kind, method, closing)
    return lambda: len(closed)


ENDS = {
    "max_iter": None,
    "error": RuntimeError("from a scorer"),
    "Ctrl-C": KeyboardInterrupt(),
}


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.filterwarnings("ignore:(lbfgs|Ctrl-C) stopped")
def test_the_bar_is_closed_however_training_ends(iris, end, solver, n_closed):
    X, y = iris
    calls = []

    def scorer(net, X, y):
        calls.append(1)
        if len(calls) == 3 and ENDS[end] is not None:
            raise ENDS[end]
        return 0.5

    parameters = ENDLESS if solver == "adam" else {}
    net = network(solver=solver, scoring=scorer, verbose=1, **parameters)
    if end == "error":
        with pytest.raises(RuntimeError, match="from a scorer"):
            net.fit(X, y, X_val=X, y_val=y)
    else:
        net.fit(X, y, X_val=X, y_val=y)
    assert n_closed() == 1


def test_the_bar_is_closed_after_divergence(iris, n_closed):
    def explodes(fraction):
        return 1.0 if fraction < 0.5 else 1e308

    net = network(solver="sgd", learning_rate=explodes, verbose=1)
    with pytest.raises(ValueError, match="diverged"):
        net.fit(*iris)
    assert n_closed() == 1


def test_weights_are_kept_even_if_the_bar_fails_to_close(iris, monkeypatch):
    progress = pytest.importorskip("rich.progress")
    X, y = iris
    stop = progress.Progress.stop

    def failing(self):
        stop(self)
        raise ZeroDivisionError

    monkeypatch.setattr(progress.Progress, "stop", failing)
    scores = iter([0.5, 0.7, 0.6, 0.6])
    net = network(scoring=lambda net, X, y: next(scores), verbose=1, **ENDLESS)
    with pytest.raises(ZeroDivisionError):
        net.fit(X, y, X_val=X, y_val=y)
    expected = network(max_iter=2, **ENDLESS).fit(X, y)
    assert_same_weights(net, expected)


def test_a_display_of_rich_that_is_there_already_is_no_error(iris, capsys, monkeypatch):
    progress = pytest.importorskip("rich.progress")
    with progress.Progress():
        network(verbose=1, **ENDLESS).fit(*iris)
    from rich.errors import LiveError

    def start(self):
        raise LiveError("Only one live display may be active at once")

    monkeypatch.setattr(progress.Progress, "start", start)  # rich before 14.1
    assert network(verbose=1, **ENDLESS).fit(*iris).n_iter_ == 4


def test_a_bar_beside_that_of_scikit_learn(iris, capsys):
    pytest.importorskip("rich")
    callback = pytest.importorskip("sklearn.callback")
    net = network(verbose=1, **ENDLESS).set_callbacks(callback.ProgressBar())
    net.fit(*iris)
    out = capsys.readouterr().out
    assert "4/4" in out
    assert "ScratchMLPClassifier - fit" in out


# -- ConvergenceWarning --------------------------------------------------------------


def the_warning(net, X, y, **more):
    """Text of the only warning of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(X, y, **more)
    assert [w.category for w in caught] == [ConvergenceWarning]
    return str(caught[0].message)


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_a_loss_that_still_falls_asks_for_more_epochs(iris, solver):
    net = network(solver=solver, max_iter=10)
    message = the_warning(net, *iris)
    gain = net.loss_curve_[-2] - net.loss_curve_[-1]
    assert gain > 0
    assert "max_iter=10" in message
    assert f"the loss is {net.loss_:.6g}, lower by {gain:.3g} in the last ep" in message
    assert message.endswith(
        "raise max_iter, or learning_rate_init to get there faster."
    )


def test_a_loss_that_no_longer_falls_asks_for_a_lower_rate(iris):
    net = network(solver="sgd", learning_rate_init=3.0, max_iter=30, tol=1e-4)
    net.set_params(n_iter_no_change=1000)
    message = the_warning(net, *iris)
    n_ago = 29 - int(np.argmin(net.loss_curve_))
    assert n_ago > 1
    assert f"is {net.loss_:.6g}, no better in the last {n_ago} epochs; " in message
    assert message.endswith("lower learning_rate_init, or let learning_rate fall.")


def test_one_epoch_has_no_improvement_to_speak_of(iris):
    message = the_warning(network(max_iter=1), *iris)
    assert "raise max_iter" in message
    assert "after the only epoch" in message


@pytest.mark.parametrize("own", [False, True])
def test_early_stopping_speaks_of_the_score(iris, own):
    X, y = iris
    validation = {"X_val": X, "y_val": y} if own else {}
    net = network(early_stopping=True, scoring="loss", max_iter=10)
    message = the_warning(net, X, y, **validation)
    before, last = net.validation_scores_[-2:]
    assert last > before
    assert (
        f"the validation score is {last:.6g}, higher by {last - before:.3g}" in message
    )
    assert "raise max_iter" in message
    net = network(early_stopping=True, scoring=lambda *args: 0.5, max_iter=5)
    message = the_warning(net, X, y, **validation)
    assert "the validation score is 0.5, no better in the last 4 epochs; low" in message


def test_a_validation_set_that_is_only_looked_at_leaves_the_warning_as_it_is(iris):
    X, y = iris
    expected = the_warning(network(max_iter=5), X, y)
    assert the_warning(network(max_iter=5), X, y, X_val=X, y_val=y) == expected


def test_a_warm_start_speaks_of_its_own_epochs(iris):
    net = network(warm_start=True, max_iter=5)
    for _ in range(2):
        message = the_warning(net, *iris)
    assert f"{net.loss_:.6g}, lower by" in message


def test_lbfgs_names_the_limit_that_it_met(iris):
    net = network(solver="lbfgs", max_iter=6)
    message = the_warning(net, *iris)
    gain = net.loss_curve_[-2] - net.loss_curve_[-1]
    assert f"the loss is {net.loss_:.6g}, lower by {gain:.3g} in the last it" in message
    assert message.startswith("lbfgs stopped after 6 iterations")
    assert message.endswith("raise max_iter=6.")
    message = the_warning(network(solver="lbfgs", max_iter=500, max_fun=7), *iris)
    assert message.endswith("raise max_fun=7.")


def test_lbfgs_that_never_got_through_an_iteration(iris):
    message = the_warning(network(solver="lbfgs", max_fun=1), *iris)
    assert message.endswith("raise max_fun=1.")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_exactly_so_many_epochs_warn_of_nothing(iris, early_stopping):
    X, y = iris
    net = network(early_stopping=early_stopping, **ENDLESS)
    net.fit(X, y)  # warnings are errors
    net.fit(X, y, X_val=X, y_val=y)
    assert net.n_iter_ == 4


@pytest.mark.parametrize("parameter", ["tol", "n_iter_no_change"])
def test_half_of_exactly_still_warns(iris, parameter):
    the_warning(network(**{parameter: ENDLESS[parameter]}), *iris)


def test_training_that_converged_warns_of_nothing(iris):
    X, y = iris
    impatient = {"max_iter": 500, "tol": 0.1, "n_iter_no_change": 2}
    assert network(**impatient).fit(X, y).n_iter_ < 500
    net = network(early_stopping=True, **impatient).fit(X, y, X_val=X, y_val=y)
    assert net.n_iter_ < 500
    assert network(solver="lbfgs", alpha=1, max_iter=5000).fit(X, y).n_iter_ < 5000

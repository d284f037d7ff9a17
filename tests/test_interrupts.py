"""Ctrl-C at any moment: all of an epoch or nothing, whoever raises it."""

import gc
import pickle
import random
import signal
import sys
import warnings
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_info

import sknet
from sknet import ScratchMLPClassifier
from sknet._sklearn.run import Run
from sknet.backprop import Objective  # where the evaluations of lbfgs go
from support import assert_same_weights, unconverged
from support import network as small_network

ENDLESS = {"tol": 0, "n_iter_no_change": np.inf}
SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "lbfgs": {"solver": "lbfgs"},
}
OURS = str(Path(sknet.__file__).parent)


def network(**parameters):
    settings = {"max_iter": 4, "random_state": 0, "warm_start": True, **parameters}
    if settings.get("solver") != "lbfgs":
        settings = {"batch_size": 50, **ENDLESS, **settings}
    return ScratchMLPClassifier((3,), **settings)


class AtLine:
    """Acts at the n-th line of ours that runs within one call of a function.

    Parameters
    ----------
    code : code object
        Of the function.
    call : int
        Which of its calls, counted from 1.
    line : int
        Counted from 1.
    act : callable
        What happens there.
    """

    def __init__(self, code, call, line, act):
        self.code, self.call, self.line, self.act = code, call, line, act
        self.calls = self.lines = 0
        self.frame = None

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.enter)
        return self

    def __exit__(self, *exception):
        sys.settrace(self.before)

    def enter(self, frame, event, arg):
        if frame.f_code is self.code:
            self.calls += 1
            if self.calls == self.call:
                self.frame = frame
        if self.frame is not None and frame.f_code.co_filename.startswith(OURS):
            return self.at
        return None

    def at(self, frame, event, arg):
        if event == "return" and frame is self.frame:
            self.frame = None
        elif event == "line" and self.frame is not None:
            self.lines += 1
            if self.lines == self.line:
                self.frame = None
                self.act()
        return self.at

    @property
    def happened(self):
        return self.lines >= self.line


def limits():
    return [library["num_threads"] for library in threadpool_info()]


def assert_whole(net, one_fit_less, X, y, *, of_a_step=False):
    """Lists of one length; weights that belong to an epoch; training goes on."""
    n = len(net.loss_curve_)
    assert {len(curve) for curve in net.history_.values()} <= {n}
    assert_array_equal(net.history_["loss"], one_fit_less["loss"][:n])
    if net.validation_scores_:
        assert net.validation_scores_ == one_fit_less["scores"][:n]
        best = int(np.argmax(net.validation_scores_))
        assert net.best_iteration_ == best + 1
        assert net.best_validation_score_ == max(net.validation_scores_)
        assert_array_equal(net.predict_proba(X), one_fit_less["proba"][best])
    elif n and not of_a_step:
        assert_array_equal(net.predict_proba(X), one_fit_less["proba"][n - 1])
    if n:
        assert net.loss_ == net.loss_curve_[-1]
    assert net.n_iter_ == n
    with warnings.catch_warnings(action="ignore"):
        net.fit(X, y)
    assert {len(curve) for curve in [net.loss_curve_, *net.history_.values()]} == {
        n + net.n_iter_
    }
    assert np.isfinite(net.predict_proba(X)).all()


@pytest.fixture(scope="module", params=SETTINGS)
def uninterrupted(request, iris):
    """Parameters, and losses, scores and predictions after each epoch."""
    X, y = iris
    parameters, proba = SETTINGS[request.param], []
    for n_epochs in range(1, 5):
        with warnings.catch_warnings(action="ignore"):
            net = network(**parameters, max_iter=n_epochs).fit(X, y)
        shown = network(**parameters, max_iter=n_epochs)
        if net.validation_scores_ is not None:
            # The weights after each epoch, of which only the best can be seen.
            weights = last_weights(shown, X, y)
            net.coefs_, net.intercepts_ = weights
        proba.append(net.predict_proba(X))
    known = {"loss": net.history_["loss"], "scores": net.validation_scores_}
    return parameters, {**known, "proba": proba}


def last_weights(net, X, y):
    """Weights after the last epoch, which a scorer that always rises keeps."""
    scores = iter(range(100))
    net.set_params(scoring=lambda *args: next(scores)).fit(X, y)
    return net.coefs_, net.intercepts_


def interrupt():
    raise KeyboardInterrupt


def press():
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("epoch", [1, 3])
def test_keyboard_interrupt_at_any_line_of_what_follows_an_epoch(
    uninterrupted, epoch, iris
):
    parameters, known = uninterrupted
    before, handler = limits(), signal.getsignal(signal.SIGINT)
    for line in range(
        1 + epoch // 2, 1000, 2
    ):  # odd ones in one epoch, even in another
        net = network(**parameters)
        with (
            AtLine(Run.end_epoch.__code__, epoch, line, interrupt) as at,
            warnings.catch_warnings(action="ignore"),
        ):
            net.fit(*iris)
        # No signal comes where the handler is put back, as this trace does.
        signal.signal(signal.SIGINT, handler)
        if not at.happened:
            break
        assert len(net.loss_curve_) in (epoch - 1, epoch)
        assert_whole(net, known, *iris)
        assert limits() == before
    assert line > 40


def programs_own(signum, frame):
    """A handler of SIGINT like those that some test runners have."""
    raise KeyboardInterrupt("of the program")


HANDLERS = [signal.default_int_handler, programs_own]


@pytest.fixture(params=HANDLERS)
def handler(request):
    """The handler of SIGINT."""
    before = signal.signal(signal.SIGINT, request.param)
    yield request.param
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def few_objects():
    """Those to come, so that looking for garbage takes no time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def points():
    """Lines to press at: dense at first, some 80 among a hundred thousand."""
    line = 1
    while True:
        yield line
        line += 1 + line // 8


def pressed_at(line, method, *args):
    """Press Ctrl-C at that line of a call; whether it came to it and returned."""
    code = getattr(method, "__wrapped__", method.__func__).__code__
    before, handler = limits(), signal.getsignal(signal.SIGINT)
    with (
        AtLine(code, 1, line, press) as at,
        warnings.catch_warnings(action="ignore"),
    ):
        try:
            method(*args)
            returned = True
        except KeyboardInterrupt:
            returned = False
    gc.collect()
    assert limits() == before
    assert signal.getsignal(signal.SIGINT) is handler
    return at.happened, returned


@pytest.mark.usefixtures("handler", "few_objects")
def test_ctrl_c_at_any_line_of_fit_leaves_nothing_behind(uninterrupted, iris):
    """What is pressed too early or too late to end training ends ``fit``."""
    parameters, known = uninterrupted
    n_ended, errors = 0, np.geterr()
    for line in points():
        net = network(**parameters)
        happened, returned = pressed_at(line, net.fit, *iris)
        assert np.geterr() == errors
        if not happened:
            break
        n_ended += returned
        if hasattr(net, "coefs_"):
            assert_whole(net, known, *iris, of_a_step=True)
    assert line > 1000
    assert n_ended > 3


def pressed_after(seconds, net, X, y):
    """Press Ctrl-C so long after fit has begun; whether it returned.

    It may come within NumPy, SciPy or scikit-learn, where no trace looks.
    """
    armed = True

    def ring(signum, frame):
        if armed:
            press()

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with warnings.catch_warnings(action="ignore"):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            net.fit(X, y)
            armed = False
        return True
    except KeyboardInterrupt:
        return False
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def press_at_random_moments(parameters, known, X, y):
    """13 of them for each handler."""
    rng, errors, before = random.Random(0), np.geterr(), limits()
    warned = warnings.filters.copy()
    for _ in range(2):  # the first takes longer
        begun = perf_counter()
        with warnings.catch_warnings(action="ignore"):
            network(**parameters).fit(X, y)
        seconds = perf_counter() - begun
    for handler in HANDLERS * 13:
        signal.signal(signal.SIGINT, handler)
        net = network(**parameters)
        pressed_after(max(1e-6, seconds * rng.random()), net, X, y)
        assert np.geterr() == errors
        assert limits() == before
        assert signal.getsignal(signal.SIGINT) is handler
        assert warnings.filters == warned
        if hasattr(net, "coefs_"):
            assert_whole(net, known, X, y, of_a_step=True)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs alarms of POSIX")
def test_ctrl_c_at_random_moments_of_fit_leaves_nothing_behind(uninterrupted, iris):
    """A hundred in all, in processes of their own.

    One may come while scikit-learn has its configuration changed, or the garbage
    collector is in a hook of another package: neither may reach the tests that follow.
    """
    process = get_context("spawn").Process(
        target=press_at_random_moments, args=(*uninterrupted, *iris)
    )
    process.start()
    process.join(120)
    process.kill()  # should it hang
    assert process.exitcode == 0


@pytest.mark.usefixtures("handler", "few_objects")
def test_ctrl_c_at_any_line_of_predict_proba_leaves_nothing_behind(iris):
    net = network().fit(*iris)
    X = np.tile(iris[0], (9, 1))
    expected = net.predict_proba(X)
    for line in points():
        # A trace can interrupt even between a ``with`` block and its exit.
        with np.errstate():
            happened, _ = pressed_at(line, net.predict_proba, X)
        assert_array_equal(net.predict_proba(X), expected)
        if not happened:
            break
    assert line > 20


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_ctrl_c_keeps_the_weights_of_the_last_whole_step(iris, solver, pressing_ctrl_c):
    """On a full batch, where a step is an epoch, it comes in the fourth.

    Elsewhere a step is left half done (scikit-learn issue 7596).
    """
    X, y = iris
    parameters = {"solver": solver, "batch_size": 150}
    net = small_network(**parameters, random_state=pressing_ctrl_c(at=4))
    with pytest.warns(UserWarning, match=r"Ctrl-C .*epoch 4.*last complete step"):
        net.fit(X, y)
    expected = small_network(**parameters, max_iter=4).fit(X, y)
    assert_same_weights(net, expected)
    assert net.n_iter_ == len(net.loss_curve_) == 3
    assert_array_equal(net.predict(X), expected.predict(X))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_leaves_a_model_that_trains_on(iris, early_stopping, pressing_ctrl_c):
    X, y = iris
    net = small_network(
        random_state=pressing_ctrl_c(at=12),  # holding rows out takes the first 5
        early_stopping=early_stopping,
        warm_start=True,
        max_iter=40,
    )
    with pytest.warns(UserWarning, match="Ctrl-C"):
        net.fit(X, y)
    net = pickle.loads(pickle.dumps(net.set_params(random_state=0)))
    assert net.fit(X, y).score(X, y) > 0.8
    assert len(net.loss_curve_) > net.n_iter_
    if early_stopping:
        assert net.best_validation_score_ == max(net.validation_scores_)


@unconverged
@pytest.mark.usefixtures("pressing_ctrl_c")
def test_ctrl_c_in_lbfgs_keeps_the_last_whole_iteration(iris, monkeypatch):
    X, y = iris
    whole = Objective.value_and_grad
    calls = []

    def value_and_grad(*args):
        calls.append(1)
        if len(calls) == 12:
            signal.raise_signal(signal.SIGINT)
        return whole(*args)

    monkeypatch.setattr(Objective, "value_and_grad", value_and_grad)
    net = small_network(solver="lbfgs", max_iter=100)
    with pytest.warns(UserWarning, match="Ctrl-C"):
        net.fit(X, y)
    monkeypatch.undo()
    assert 0 < net.n_iter_ < 12
    expected = small_network(solver="lbfgs", max_iter=net.n_iter_).fit(X, y)
    assert_allclose(net.predict_proba(X), expected.predict_proba(X))


def test_a_second_press_in_an_epoch_does_not_wait(iris, handler):
    """A step may be half done then: the last whole epoch is what stays."""

    def augment(X, rng):
        augment.calls += 1
        if augment.calls == 8:
            press()
            press()
        return X

    X, y = iris
    augment.calls = 0
    expected = network(augment=augment, max_iter=2).fit(X, y)
    augment.calls = 0
    net = network(augment=augment)
    with pytest.warns(UserWarning, match="those of the last complete epoch"):
        net.fit(X, y)
    assert net.n_iter_ == len(net.loss_curve_) == 2
    assert_array_equal(net.predict_proba(X), expected.predict_proba(X))


def test_a_scorer_that_is_interrupted_leaves_the_epoch_out(iris):
    X, y = iris
    scores = iter([0.1, 0.2])

    def scorer(*args):
        for score in scores:
            return score
        raise KeyboardInterrupt

    net = network(scoring=scorer)
    with pytest.warns(UserWarning, match="Ctrl-C"):
        net.fit(X, y, X_val=X, y_val=y)
    assert net.validation_scores_ == [0.1, 0.2]
    assert {len(curve) for curve in net.history_.values()} == {2}
    expected = network(max_iter=2).fit(X, y)
    assert_array_equal(net.predict_proba(X), expected.predict_proba(X))


def test_ctrl_c_in_a_search_ends_one_fit_and_the_search_goes_on(iris, handler):
    from sklearn.model_selection import cross_val_score

    calls = []

    def augment(X, rng):
        calls.append(1)
        if len(calls) == 5:
            press()
        return X

    net = network(augment=augment, warm_start=False)
    with pytest.warns(UserWarning, match="Ctrl-C"):
        scores = cross_val_score(net, *iris, cv=3)
    assert np.isfinite(scores).all()
    assert len(calls) > 2 * 4 * 2


def test_remembered_first_warned_last(iris):
    """A fit of which a warning becomes an error has ended for its callbacks too."""
    callback = pytest.importorskip("sklearn.callback")

    class Recorder(callback.FitCallback):
        ended = 0

        def on_fit_task_end(self, estimator, context):
            Recorder.ended += 1

    from sklearn.exceptions import ConvergenceWarning

    net = ScratchMLPClassifier((3,), max_iter=2).set_callbacks(Recorder())
    with pytest.raises(ConvergenceWarning):
        net.fit(*iris)
    assert Recorder.ended == 2 + 1

"""What goes on, and what starts anew, when training is continued.

Training goes on in a warm ``fit``, in ``partial_fit``, after "lbfgs" and in a resumed
checkpoint, and between two calls anything may be changed.  What an estimator remembers
answers for itself:

- *Optimizer memory* (momentum, Adam's moments) goes on while the solver stays the same.
  Another solver, ``coef_init`` or "lbfgs" starts it anew; after "lbfgs" none of it is
  left on the estimator, nor in its pickle.
- *Random streams* (shuffles, dropout, augmentation) always go on: they are private, and
  seeded in the first ``fit``.
- *Order of the samples* goes on while their number stays the same.
- *Patience*, the best value so far and the epochs without improvement, goes on while
  what it monitors stays the same: the cost with the same ``alpha``, ``batch_size``,
  ``class_weight`` and ``label_smoothing``, augmented or not, or the score by the same
  ``scoring``.  Another measure, ``coef_init`` and the cost of another solver's batches
  ("lbfgs": all samples) start it anew.  Neither dropout nor ``max_grad_norm`` is in the
  cost, and data are not compared.
- *Lowered rate* ("adaptive", "reduce_on_plateau") goes on while ``learning_rate`` and
  ``learning_rate_init`` stay the same; another one of them, or ``coef_init``, starts
  at ``learning_rate_init``.
- *Held-out rows* stay while the number of rows does and no call has trained on all.
- *Best score and weights* are judged anew at the start of a warm ``fit``.
- ``loss_curve_`` and ``history_`` are appended to; ``n_iter_`` counts the epochs of a
  call, in a resumed checkpoint those before it too.
- Another dtype or architecture raises a ValueError, which changes nothing.

``TRANSITIONS`` is the table of the first five.  Everything is seen from outside: by
optimizers written out here, by epochs counted until training stops, by functions that
are called with the samples.
"""

import pickle
import warnings
from functools import cache
from typing import NamedTuple

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from sknet import ScratchMLPClassifier

ENDLESS = {"tol": 0.0, "n_iter_no_change": np.inf}
N_BEFORE = 4  # epochs before the change
ANEW, ON = "starts anew", "goes on"


class Transition(NamedTuple):
    """A change between two calls, and what becomes of what was remembered."""

    memory: str | None
    patience: str | None
    rate: str | None
    stream: str | None
    order: str | None
    parameters: dict = {}
    before: dict = {}
    data: str = "data"
    by_hand: bool = False


def one_more(X, rng):
    return X + 1.0


OTHER_BATCHES = {"batch_size": 15}
CLASS_WEIGHT = {"class_weight": {0: 2.0, 1: 1.0, 2: 0.5}}
BY_SCORE = {"early_stopping": True, "scoring": "loss"}
BY_COST = {"early_stopping": False, "scoring": None}
TRANSITIONS = {
    # change: memory, patience, rate, stream, order
    "nothing": Transition(ON, ON, ON, ON, ON),
    "solver": Transition(ANEW, ON, ON, ON, ON, {"solver": "adamw"}),
    "learning_rate": Transition(
        ON, ON, ANEW, ON, ON, {"learning_rate": "reduce_on_plateau"}
    ),
    "learning_rate_init": Transition(
        ON, ON, ANEW, ON, ON, {"learning_rate_init": 0.003}
    ),
    "max_grad_norm": Transition(ON, ON, ON, ON, ON, {"max_grad_norm": 0.02}),
    "dropout": Transition(None, ON, ON, ON, ON, {"dropout": 0.2}),
    "random_state": Transition(ON, ON, ON, ON, ON, {"random_state": 7}),
    "n_iter_no_change": Transition(None, ON, None, ON, ON, {"n_iter_no_change": 7}),
    "alpha": Transition(ON, ANEW, ON, ON, ON, {"alpha": 1.0}),
    "batch_size": Transition(ON, ANEW, ON, ON, ON, OTHER_BATCHES),
    "class_weight": Transition(ON, ANEW, ON, ON, ON, CLASS_WEIGHT),
    "label_smoothing": Transition(ON, ANEW, ON, ON, ON, {"label_smoothing": 0.1}),
    "augment": Transition(ON, ANEW, ON, None, None, {"augment": one_more}),
    "early_stopping on": Transition(ON, ANEW, ON, ON, ON, BY_SCORE),
    "early_stopping off": Transition(ON, ANEW, ON, ON, ON, BY_COST, before=BY_SCORE),
    "scoring": Transition(
        ON, ANEW, ON, ON, ON, {"scoring": "neg_log_loss"}, before=BY_SCORE
    ),
    "other data": Transition(ON, ON, ON, ON, ON, data="other data"),
    "fewer data": Transition(ON, ON, ON, ON, ANEW, data="fewer data"),
    "coef_init": Transition(ANEW, ANEW, ANEW, ON, ON, by_hand=True),
    "coef_init by score": Transition(
        ANEW, ANEW, ANEW, ON, ON, before=BY_SCORE, by_hand=True
    ),
}
STARTS = ["fit", "warm fit", "partial_fit", "checkpoint", "lbfgs"]


def cases(aspect, *, then=("fit",), changes=TRANSITIONS):
    """Every start, change and way to go on that can go together."""
    found = []
    for name in changes:
        change = TRANSITIONS[name]
        fit_only = change.by_hand or {**change.before, **change.parameters}.get(
            "early_stopping"
        )
        for start in STARTS:
            for call in then:
                impossible = change.before and start == "partial_fit"
                if getattr(change, aspect) is None or impossible:
                    continue
                if call == "partial_fit" and (
                    fit_only or change.before or start in ("warm fit", "checkpoint")
                ):
                    continue
                found.append(
                    pytest.param(start, name, call, id=f"{start}-{name}-{call}")
                )
    return pytest.mark.parametrize(("start", "change", "then"), found)


# -- data and networks -----------------------------------------------------------------


def data_called(name):
    """60 samples of three classes, the number of each to be read from its first column.

    The other data have the same numbers.  Every 15 rows hold all classes.
    """
    y = np.arange(60) % 3
    X = np.random.RandomState(0).normal(size=(60, 4))
    X[:, 1:] += 2 * np.eye(3)[y]
    X[:, 0] = (np.arange(60) - 30) / 20
    if name == "other data":
        X[:, 1:] *= -1
    return (X[:45], y[:45]) if name == "fewer data" else (X, y)


def numbers_of(X):
    return np.rint(X[:, 0] * 20 + 30).astype(int).tolist()


def network(**parameters):
    settings = {
        "hidden_layer_sizes": (5,),
        "activation": "tanh",
        "learning_rate_init": 0.01,
        "shuffle": False,
        "random_state": 0,
    }
    return ScratchMLPClassifier(**{**settings, **ENDLESS, **parameters})


def trained(start, net, data, folder, validation=None):
    """The network with ``N_BEFORE`` epochs behind it, ready to go on; "lbfgs" after."""
    validation = validation or {}
    if start == "warm fit":
        net.set_params(warm_start=True, max_iter=1).fit(*data, **validation)
        return net.set_params(max_iter=N_BEFORE - 1).fit(*data, **validation)
    if start == "partial_fit":
        for _ in range(N_BEFORE):
            net.partial_fit(*data, classes=range(3))
        return net.set_params(warm_start=True)
    if start == "checkpoint":
        path = folder / "net.joblib"
        net.set_params(max_iter=N_BEFORE + 1)
        callbacks = checkpoint(path, N_BEFORE, crash_after=N_BEFORE)
        net.set_callbacks(*callbacks)
        with pytest.raises(Crash):
            net.fit(*data, **validation)
        return joblib.load(path).set_params(warm_start=True)
    net.set_params(warm_start=True, max_iter=N_BEFORE).fit(*data, **validation)
    return through_lbfgs(net, data) if start == "lbfgs" else net


class Crash(Exception):
    """Ends training at the end of an epoch."""


def checkpoint(path, every=1, crash_after=np.inf):
    """The callback, if this scikit-learn has callbacks, and one to end training after.

    Whole fits write their last epoch too.
    """
    callback = pytest.importorskip("sklearn.callback", reason="callbacks came with 1.9")
    from sknet.callbacks import Checkpoint

    class Crashing(callback.FitCallback):
        def on_fit_task_end(self, estimator, context):
            if estimator.n_iter_ > crash_after:
                raise Crash

    return Checkpoint(path, every), Crashing()


def through_lbfgs(net, data):
    """The same network after an iteration of L-BFGS."""
    before = net.get_params()
    steps_only = {"augment": None, "dropout": 0.0, "max_grad_norm": None}
    with warnings.catch_warnings(action="ignore"):  # parameters that do nothing there
        net.set_params(solver="lbfgs", tol=1e-9, max_iter=1, **steps_only).fit(*data)
    return net.set_params(**before)


def going_on(net, start, change, then, n_epochs):
    """Train the changed network further; returns data and arguments of that ``fit``."""
    data = data_called(change.data)
    net.set_params(**change.parameters)
    if then == "partial_fit":
        for _ in range(n_epochs):
            net.partial_fit(*data)
        return data, {}
    given = validation_for(net, data)
    if change.by_hand:
        given.update(weights_by_hand(net))
    already = net.n_iter_ if start == "checkpoint" and not change.by_hand else 0
    net.set_params(max_iter=already + n_epochs).fit(*data, **given)
    return data, given


def validation_for(net, data):
    """A validation set, so that the training rows stay the same."""
    X, y = data
    return {"X_val": X, "y_val": y} if net.early_stopping else {}


def weights_by_hand(net):
    rng = np.random.RandomState(1)
    coefs = [rng.normal(size=coef.shape) for coef in net.coefs_]
    return {"coef_init": coefs, "intercept_init": [np.zeros(5), np.zeros(3)]}


def weights_of(net):
    return {
        "coef_init": [coef.copy() for coef in net.coefs_],
        "intercept_init": [intercept.copy() for intercept in net.intercepts_],
    }


def theta_of(net):
    return np.concatenate([array.ravel() for array in net.coefs_ + net.intercepts_])


def weights_from(theta, net):
    coefs, intercepts, at = [], [], 0
    for arrays, like in ((coefs, net.coefs_), (intercepts, net.intercepts_)):
        for array in like:
            arrays.append(theta[at : at + array.size].reshape(array.shape))
            at += array.size
    return {"coef_init": coefs, "intercept_init": intercepts}


# -- optimizer memory ------------------------------------------------------------------

PLAIN_STEP = {
    "solver": "sgd",
    "momentum": 0.0,
    "learning_rate": "constant",
    "learning_rate_init": 1.0,
    "max_iter": 1,
    "batch_size": "auto",
    "warm_start": False,
    "early_stopping": False,
    "scoring": None,
}


def gradient(net, theta, X, y):
    """What a plain step of rate 1 subtracts."""
    probe = clone(net).set_params(**PLAIN_STEP).fit(X, y, **weights_from(theta, net))
    return theta - theta_of(probe)


def by_hand(net, theta, memory, data, rates):
    """Weights after an epoch at each of the rates, and the memory, by the equations."""
    X, y = data
    batch_size = len(y) if net.batch_size == "auto" else net.batch_size
    for rate in rates:
        for start in range(0, len(y), batch_size):
            rows = slice(start, start + batch_size)
            grad = gradient(net, theta, X[rows], y[rows])
            if net.solver == "sgd":
                memory["v"] = net.momentum * memory.get("v", 0.0) - rate * grad
                theta = theta + net.momentum * memory["v"] - rate * grad
                continue
            t = memory["t"] = memory.get("t", 0) + 1
            for name, beta, new in (("m", 0.9, grad), ("v", 0.999, grad**2)):
                memory[name] = beta * memory.get(name, 0.0) + (1 - beta) * new
            m, v = memory["m"] / (1 - 0.9**t), memory["v"] / (1 - 0.999**t)
            theta = theta - rate * m / (v**0.5 + 1e-8 / (1 - 0.999**t) ** 0.5)
    return theta


@cache
def before_by_hand(solver):
    """The weights and the memory after ``N_BEFORE`` epochs."""
    net, data, memory = network(solver=solver), data_called("data"), {}
    net.set_params(max_iter=1, learning_rate=lambda fraction: 0.0).fit(*data)
    theta = by_hand(net, theta_of(net), memory, data, [0.01] * N_BEFORE)
    return theta, memory


@cases("memory", then=["fit", "partial_fit"])
def test_moments(start, change, then, tmp_path):
    assert_memory_is_as_in_the_table("adam", start, change, then, tmp_path)


# What is forgotten is the same for both: here, that the velocity is remembered at all.
@cases(
    "memory",
    then=["fit", "partial_fit"],
    changes=["nothing", "solver", "alpha", "fewer data", "coef_init"],
)
def test_velocity(start, change, then, tmp_path):
    assert_memory_is_as_in_the_table("sgd", start, change, then, tmp_path)


def assert_memory_is_as_in_the_table(solver, start, change, then, tmp_path):
    change = TRANSITIONS[change]
    net, data = network(solver=solver, **change.before), data_called("data")
    validation = validation_for(net, data)
    net = trained(start, net, data, tmp_path, validation)
    theta, current = theta_of(net), weights_of(net)
    theta_by_hand, memory = before_by_hand(solver)
    if start != "lbfgs":
        assert_allclose(theta, theta_by_hand, rtol=1e-7, atol=1e-9)

    data, given = going_on(net, start, change, then, n_epochs=3)
    result = theta_of(net)
    fresh = clone(net).set_params(max_iter=3).fit(*data, **{**current, **given})
    fresh = theta_of(fresh)
    if change.memory == ANEW or start == "lbfgs":
        assert_allclose(result, fresh, rtol=1e-12, atol=1e-15)
    else:
        rates = net.history_["learning_rate"][-3:]
        continued = by_hand(net, theta, dict(memory), data, rates)
        assert_allclose(result, continued, rtol=1e-7, atol=1e-9)
        assert np.abs(result - fresh).max() > 1e-4


@pytest.mark.parametrize("between", ["sgd", "adamw", "lbfgs"])
def test_memory_does_not_outlive_another_solver(between):
    """Adam, another solver, Adam: the third knows nothing of the first."""
    data = data_called("data")
    net = network(warm_start=True, max_iter=3).fit(*data)
    if between == "lbfgs":
        through_lbfgs(net, data)
    else:
        net.set_params(solver=between).fit(*data)
    fresh = network(max_iter=3).fit(*data, **weights_of(net))
    net.set_params(solver="adam").fit(*data)
    assert_allclose(theta_of(net), theta_of(fresh), rtol=1e-12)


def test_lowered_rate_and_memory_answer_for_themselves():
    """A rate that starts again leaves the momentum alone."""
    data = data_called("data")
    net = network(solver="sgd", learning_rate="adaptive", warm_start=True)
    net.set_params(tol=10.0, n_iter_no_change=1, max_iter=6)
    with warnings.catch_warnings(action="ignore"):
        net.fit(*data)
    assert net.history_["learning_rate"][-1] < 0.01  # or there was nothing to see
    twin = pickle.loads(pickle.dumps(net))
    for one in net, twin:
        one.set_params(learning_rate="constant", learning_rate_init=0.02, max_iter=2)
        one.set_params(**ENDLESS)
    fresh = clone(net).fit(*data, **weights_of(net))
    net.fit(*data)
    assert_allclose(net.history_["learning_rate"][-2:], 0.02)
    assert np.abs(theta_of(net) - theta_of(fresh)).max() > 1e-6


# -- patience --------------------------------------------------------------------------


@cases("patience")
def test_patience(start, change, then, tmp_path):
    """Nothing improves by ``tol``: of the epochs tolerated, some are used up."""
    change = TRANSITIONS[change]
    settings = {"tol": 10.0, "n_iter_no_change": 5, "batch_size": 20}
    net, data = network(**settings, **change.before), data_called("data")
    validation = validation_for(net, data)
    with warnings.catch_warnings(action="ignore"):  # it has not converged
        net = trained(start, net, data, tmp_path, validation)
        n_before = len(net.loss_curve_)
        going_on(net, start, change, then, n_epochs=40)
    n_epochs = len(net.loss_curve_) - n_before
    limit = net.n_iter_no_change
    if change.patience == ANEW or start == "lbfgs":
        # The first epoch has nothing to be worse than, unless a score was judged.
        judged = net.early_stopping
        assert n_epochs in ((limit + 1, limit + 2) if judged else (limit + 2,))
    else:
        assert n_epochs == limit + 2 - N_BEFORE


@pytest.mark.parametrize("change", TRANSITIONS)
def test_patience_that_has_run_out(change, tmp_path):
    """A checkpoint of the last epoch has more to do for another measure only."""
    change, path = TRANSITIONS[change], tmp_path / "net.joblib"
    settings = {"tol": 10.0, "n_iter_no_change": 3, "batch_size": 20, "max_iter": 40}
    net, data = network(**settings, **change.before), data_called("data")
    callbacks = checkpoint(path)
    net.set_callbacks(*callbacks).fit(*data, **validation_for(net, data))
    assert net.n_iter_ == 5
    net = joblib.load(path).set_params(warm_start=True, **change.parameters)
    given = validation_for(net, data)
    if change.by_hand:
        given.update(weights_by_hand(net))
    net.fit(*data_called(change.data), **given)
    assert (len(net.loss_curve_) > 5) == (change.patience == ANEW)


def test_patience_after_lbfgs_is_that_of_a_fresh_start():
    """Its cost, that of all samples as one batch, is no measure for mini-batches."""
    X, y = load_digits(return_X_y=True)
    net = ScratchMLPClassifier((20,), random_state=0, shuffle=False, warm_start=True)
    net.set_params(alpha=1.0, batch_size=50, n_iter_no_change=5, max_iter=40)
    with warnings.catch_warnings(action="ignore"):
        net.set_params(solver="lbfgs").fit(X / 16, y)
        start = weights_of(net)
        net.set_params(solver="adam").fit(X / 16, y)
        fresh = clone(net).fit(X / 16, y, **start)
    assert_allclose(net.loss_curve_[-net.n_iter_ :], fresh.loss_curve_, rtol=1e-12)
    assert net.best_loss_ == pytest.approx(min(fresh.loss_curve_), rel=1e-12)


# -- lowered rate ----------------------------------------------------------------------

LOWERING = {"tol": 10.0, "n_iter_no_change": 1}


@cases("rate", then=["fit", "partial_fit"])
def test_lowered_rate(start, change, then, tmp_path):
    change = TRANSITIONS[change]
    settings = {"learning_rate": "adaptive", **LOWERING, **change.before}
    data = data_called("data")
    validation = validation_for(network(**settings), data)
    with warnings.catch_warnings(action="ignore"):  # it has not converged
        whole = network(**settings, max_iter=N_BEFORE + 1).fit(*data, **validation)
        net = trained(start, network(**settings), data, tmp_path, validation)
        n_before = len(net.loss_curve_)
        going_on(net, start, change, then, n_epochs=2)
    rate = net.history_["learning_rate"][n_before]
    lowered = whole.history_["learning_rate"][N_BEFORE]
    assert lowered == pytest.approx(0.01 / 5)
    expected = lowered if change.rate == ON else net.learning_rate_init
    assert rate == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("first", ["adaptive", "reduce_on_plateau"])
@pytest.mark.parametrize("then", ["adaptive", "reduce_on_plateau"])
@pytest.mark.parametrize("between", ["constant", "invscaling", "cosine", None])
def test_every_schedule_starts_at_learning_rate_init(first, then, between):
    """And going back to the first one does not bring its lowered rate back."""
    data = data_called("data")
    net = network(learning_rate=first, **LOWERING, max_iter=6, warm_start=True)
    with warnings.catch_warnings(action="ignore"):
        net.fit(*data)
        lowered = net.history_["learning_rate"][-1]
        if between is not None:
            net.set_params(learning_rate=between).fit(*data)
        n_before = len(net.loss_curve_)
        net.set_params(learning_rate=then).fit(*data)
    assert lowered < 0.01
    rate = net.history_["learning_rate"][n_before]
    assert rate == 0.01 if between or then != first else rate <= lowered


@pytest.mark.parametrize("n_iter_no_change", [1, 2, 6, 10, np.inf])
def test_another_patience_leaves_the_lowered_rate(n_iter_no_change):
    """However many epochs "reduce_on_plateau" waits now."""
    data = data_called("data")
    net = network(learning_rate="reduce_on_plateau", tol=10.0, warm_start=True)
    with warnings.catch_warnings(action="ignore"):
        net.set_params(n_iter_no_change=6, max_iter=5).fit(*data)
        net.set_params(n_iter_no_change=n_iter_no_change).fit(*data)
    # A plateau of 3 epochs ended with the fourth, by one of which 6 is half.
    assert net.history_["learning_rate"][4:6] == pytest.approx([0.005, 0.005])


# -- random streams and the order of the samples ---------------------------------------

SEEN = []  # (numbers of a batch's samples, a random number of the augmentation's)


def spying(X, rng):
    """An augmentation that changes nothing and notes what it was called with."""
    SEEN.append((numbers_of(X), rng.random()))
    return X


def order_and_draws(n_epochs, n_samples):
    """Samples trained on, a list an epoch, and the random numbers on the way."""
    numbers = [number for batch, _ in SEEN for number in batch]
    draws = [draw for _, draw in SEEN]
    SEEN.clear()
    assert len(numbers) == n_epochs * n_samples
    return np.reshape(numbers, (n_epochs, n_samples)), draws


@cases("stream", then=["fit", "partial_fit"])
def test_streams_and_order(start, change, then, tmp_path):
    change = TRANSITIONS[change]
    settings = {"shuffle": True, "augment": spying, "batch_size": 20, **change.before}
    data = data_called("data")
    validation = validation_for(network(**settings), data)
    SEEN.clear()
    network(**settings, max_iter=N_BEFORE + 2).fit(*data, **validation)
    whole, draws = order_and_draws(N_BEFORE + 2, 60)

    net = trained(start, network(**settings), data, tmp_path, validation)
    SEEN.clear()
    with warnings.catch_warnings(action="ignore"):  # it has not converged
        (X, _), _ = going_on(net, start, change, then, n_epochs=2)
    order, later_draws = order_and_draws(2, len(X))
    first = N_BEFORE * len(draws) // (N_BEFORE + 2)
    assert later_draws[: len(draws) - first] == draws[first:]
    if change.order == ON:
        assert_array_equal(order, whole[N_BEFORE:])
    else:
        assert_array_equal(np.sort(order), [range(len(X))] * 2)
        assert not np.array_equal(order[0], order[1])


def test_a_stream_of_the_users_is_drawn_from_in_the_first_fit_only():
    data, rng = data_called("data"), np.random.RandomState(0)
    net = network(random_state=rng, shuffle=True, warm_start=True, max_iter=2)
    net.fit(*data)
    expected = np.random.RandomState()
    expected.set_state(rng.get_state())
    net.fit(*data)
    assert rng.rand() == expected.rand()


@pytest.mark.parametrize(
    "parameters",
    [{}, {"solver": "sgd"}, {"dropout": 0.3}, {"learning_rate": "invscaling"}],
    ids=str,
)
@pytest.mark.parametrize("start", ["fit", "warm fit", "partial_fit", "checkpoint"])
@pytest.mark.parametrize("then", ["fit", "partial_fit"])
def test_nothing_changed_is_nothing_interrupted(start, parameters, then, tmp_path):
    settings = {**parameters, "shuffle": True, "batch_size": 20}
    data = data_called("data")
    whole = network(**settings, max_iter=N_BEFORE + 3).fit(*data)
    net = trained(start, network(**settings), data, tmp_path)
    going_on(net, start, TRANSITIONS["nothing"], then, n_epochs=3)
    assert_array_equal(theta_of(net), theta_of(whole))
    assert net.loss_curve_ == whole.loss_curve_


# -- held-out rows ---------------------------------------------------------------------

JUDGING = []  # the numbers of the held-out samples


def judging(estimator, X, y):
    JUDGING.append(sorted(numbers_of(X)))
    return estimator.score(X, y)


def trains_on_all_rows(how, net, data):
    """A call that leaves out early stopping on rows held out; parameters stay."""
    if how == "X_val":
        net.fit(*data, X_val=data[0], y_val=data[1])
    elif how == "lbfgs":
        through_lbfgs(net, data)
    elif how == "partial_fit":
        net.set_params(early_stopping=False, scoring=None).partial_fit(*data)
    else:
        net.set_params(early_stopping=False, scoring=None).fit(*data)
    net.set_params(early_stopping=True, scoring=judging)


@pytest.mark.parametrize("start", ["fit", "warm fit", "checkpoint"])
@pytest.mark.parametrize(
    ("change", "becomes"),
    [
        *[
            (name, ON)
            for name in ("nothing", "solver", "learning_rate", "alpha", "batch_size")
        ],
        *[(name, ON) for name in ("class_weight", "random_state", "other data")],
        ("fewer data", ANEW),
        *[(how, ANEW) for how in ("fit on all rows", "partial_fit", "lbfgs", "X_val")],
    ],
)
def test_held_out_rows(start, change, becomes, tmp_path):
    data = data_called("data")
    net = network(early_stopping=True, scoring=judging)
    JUDGING.clear()
    net = trained(start, net, data, tmp_path)
    (held,) = {tuple(numbers) for numbers in JUDGING}
    if change not in TRANSITIONS:
        trains_on_all_rows(change, net, data)
    else:
        change = TRANSITIONS[change]
        net.set_params(**change.parameters)
        data = data_called(change.data)
    JUDGING.clear()
    already = net.n_iter_ if start == "checkpoint" else 0
    net.set_params(max_iter=already + 3)
    if change == TRANSITIONS["class_weight"]:
        net.set_params(scoring=weighted_judging)
    net.fit(*data)
    (held_now,) = {tuple(numbers) for numbers in JUDGING}
    assert (held_now == held) == (becomes == ON)
    assert len(held_now) == np.ceil(len(data[1]) / 10)


def weighted_judging(estimator, X, y, sample_weight):
    return judging(estimator, X, y)


# -- best score and weights ------------------------------------------------------------


@pytest.mark.parametrize("start", ["fit", "warm fit", "checkpoint"])
@pytest.mark.parametrize("change", ["another set", "another score", "both"])
def test_best_score_is_judged_anew(start, change, tmp_path):
    """By the set and the score that are given now; weights that stay are the best."""
    X, y = data_called("data")
    net = trained(start, network(), (X, y), tmp_path, {"X_val": X, "y_val": y})
    before = theta_of(net)
    net.set_params(learning_rate=lambda fraction: 0.0, max_iter=N_BEFORE + 3)
    if change != "another set":
        net.set_params(scoring="neg_log_loss")
    X_val, y_val = (X[:30], y[:30][::-1]) if change != "another score" else (X, y)
    net.fit(X, y, X_val=X_val, y_val=y_val)
    raw = net.predict_proba(X_val)[np.arange(len(y_val)), y_val]
    expected = (
        net.score(X_val, y_val) if change == "another set" else np.log(raw).mean()
    )
    assert net.best_validation_score_ == pytest.approx(expected, rel=1e-12)
    assert_array_equal(theta_of(net), before)


# -- curves and counts -----------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("then", ["adam", "sgd", "lbfgs", "partial_fit"])
def test_curves_are_appended_to_and_epochs_counted(start, then, tmp_path):
    data = data_called("data")
    net = trained(start, network(), data, tmp_path)
    before, t_before = net.loss_curve_.copy(), net.t_
    assert len(before) == N_BEFORE + (start == "lbfgs")
    assert t_before == N_BEFORE * 60  # "lbfgs" has no samples to count
    if then == "lbfgs":
        through_lbfgs(net, data)
        expected = n_new = 1
    elif then == "partial_fit":
        net.partial_fit(*data)
        expected = n_new = 1
    else:
        n_new = 3
        expected = N_BEFORE + n_new if start == "checkpoint" else n_new
        net.set_params(solver=then, max_iter=expected).fit(*data)
    assert net.n_iter_ == expected
    assert net.loss_curve_[: len(before)] == before
    lengths = {len(curve) for curve in [net.loss_curve_, *net.history_.values()]}
    assert lengths == {len(before) + n_new}
    assert net.t_ == t_before + 60 * n_new * (then != "lbfgs")


# -- what cannot change ----------------------------------------------------------------


def seen_of(net, X):
    """What can be seen of a fitted network."""
    names = "loss_", "loss_curve_", "history_", "best_loss_", "n_iter_", "t_"
    public = {name: pickle.dumps(getattr(net, name)) for name in names}
    return {
        **public,
        "proba": net.predict_proba(X).tobytes(),
        "theta": theta_of(net).tolist(),
    }


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("then", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "float32"},
        {"hidden_layer_sizes": (6,)},
        {"hidden_layer_sizes": (5, 5)},
        {"activation": "relu"},
        {"out_activation": "logistic"},
    ],
    ids=str,
)
def test_another_dtype_or_architecture_is_refused(start, then, change, tmp_path):
    X, y = data = data_called("data")
    net = trained(start, network(shuffle=True, batch_size=20), data, tmp_path)
    twin, before = pickle.loads(pickle.dumps(net)), seen_of(net, X)
    usual = {name: net.get_params()[name] for name in change}
    with pytest.raises(ValueError, match="training can only go on"):
        getattr(net.set_params(**change), then)(X, y)
    assert seen_of(net.set_params(**usual), X) == before
    for one in net, twin:
        going_on(one, start, TRANSITIONS["nothing"], "fit", n_epochs=2)
    assert theta_of(net).tolist() == theta_of(twin).tolist()


# -- what is kept, and for whom --------------------------------------------------------


def size_in_weights(net):
    """Bytes of a pickle, in units of what the weights take."""
    weights = net.coefs_ + net.intercepts_
    return len(pickle.dumps(net)) / sum(weight.nbytes for weight in weights)


@pytest.mark.parametrize("start", STARTS[:-1])
def test_nothing_of_adam_is_left_after_lbfgs(start, tmp_path):
    data = data_called("data")
    large = {"hidden_layer_sizes": (2000,), "max_iter": 2}
    net = trained(start, network(**large), data, tmp_path)
    assert size_in_weights(net) > 2.9  # the moments are of use still
    through_lbfgs(net, data)
    assert size_in_weights(net) < 1.5
    assert size_in_weights(net.set_params(warm_start=False)) < 1.5


@pytest.mark.parametrize(
    ("solver", "parameters", "n_vectors"),
    [("sgd", {}, 2), ("sgd", {"momentum": 0.0}, 1), ("adamw", {}, 3)],
)
def test_a_pickle_holds_the_last_solver_s_memory(solver, parameters, n_vectors):
    data = data_called("data")
    net = network(hidden_layer_sizes=(2000,), max_iter=2, warm_start=True).fit(*data)
    net.set_params(solver=solver, **parameters).fit(*data)
    assert n_vectors - 0.1 < size_in_weights(net) < n_vectors + 0.5


# -- warnings as errors ----------------------------------------------------------------

WITH_WARNINGS = [
    {},
    {"solver": "sgd"},
    {"solver": "adamw", "dropout": 0.3},
    {"learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1},
    {"learning_rate": "invscaling"},
    {"tol": 10.0, "n_iter_no_change": 7},
    {"early_stopping": True, "scoring": "loss"},
]


@pytest.mark.parametrize("parameters", WITH_WARNINGS, ids=str)
def test_twice_k_epochs_are_2k_with_warnings_as_errors(parameters):
    """What is to be warned of is remembered first."""
    data = data_called("data")
    patient = {"tol": 1e-4, "n_iter_no_change": 10, "shuffle": True, "batch_size": 20}
    settings = {**patient, **parameters}
    net = network(**settings, max_iter=3, warm_start=True)
    whole = network(**settings, max_iter=6)
    for one in net, net, whole:
        with pytest.raises(ConvergenceWarning):
            one.fit(*data)
    if net.early_stopping:  # or a warm start would go on from other weights
        assert np.argmax(whole.validation_scores_[:3]) == 2
    assert net.loss_curve_ == whole.loss_curve_
    assert net.history_["learning_rate"] == whole.history_["learning_rate"]
    assert theta_of(net).tolist() == theta_of(whole).tolist()


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_ctrl_c_is_remembered_with_warnings_as_errors(solver, pressing_ctrl_c):
    data = data_called("data")
    settings = {"solver": solver, "batch_size": 20, "shuffle": True, "max_iter": 5}
    nets = []
    for action in "error", "ignore":
        net = network(**settings, random_state=pressing_ctrl_c(at=3), warm_start=True)
        with warnings.catch_warnings(action=action):
            if action == "error":
                with pytest.raises(UserWarning, match="Ctrl-C"):
                    net.fit(*data)
            else:
                net.fit(*data)
        nets.append(net)
    for net in nets:
        net.fit(*data)
    assert theta_of(nets[0]).tolist() == theta_of(nets[1]).tolist()


def test_lbfgs_is_remembered_with_warnings_as_errors():
    X, y = data_called("data")
    nets = []
    for action in "error", "ignore":
        net = ScratchMLPClassifier((5,), random_state=0, warm_start=True, max_iter=2)
        with warnings.catch_warnings(action=action):
            if action == "error":
                with pytest.raises(ConvergenceWarning):
                    net.set_params(solver="lbfgs").fit(X, y)
            else:
                net.set_params(solver="lbfgs").fit(X, y)
        net.set_params(solver="adam", batch_size=20, **ENDLESS).fit(X, y)
        nets.append(net)
    assert nets[0].loss_curve_ == nets[1].loss_curve_
    assert theta_of(nets[0]).tolist() == theta_of(nets[1]).tolist()

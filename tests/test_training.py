"""An epoch is one step a batch, Ctrl-C waits for a whole one, patience runs out."""

import signal
import threading

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.metrics import log_loss

from sknet._interrupts import InterruptedAfterStep
from sknet.activations import ACTIVATIONS
from sknet.backprop import Objective
from sknet.batches import Batches
from sknet.losses import LOSSES, ClassTargets
from sknet.network import Network, count_parameters, prepend_ones
from sknet.optimizers import SGD, Adam
from sknet.schedules import Constant, InverseScaling
from sknet.training import Patience, train

# -- the loop --------------------------------------------------------------------------


def problem(n_samples=12, loss="softmax", activation="tanh", alpha=0.0, weighted=False):
    """An objective with random weights, and the data of a few classes."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_samples, 3))
    y = np.arange(n_samples) % (3 if loss == "softmax" else 2)
    w = rng.uniform(0.1, 4, n_samples) if weighted else None
    n_units = [3, 4, 3 if loss == "softmax" else 1]
    theta = rng.uniform(-1, 1, count_parameters(n_units))
    objective = Objective(
        Network(n_units, ACTIVATIONS[activation], theta),
        LOSSES[loss],
        alpha,
        mean_weight=w.mean() if weighted else 1.0,
    )
    return objective, X, y, w


def batches_of(objective, X, y, w=None, batch_size=None, rng=None):
    targets = ClassTargets(y, objective.network.n_units[-1])
    return Batches(X, targets, w, batch_size=batch_size, rng=rng)


def started(optimizer, objective):
    network = objective.network
    optimizer.init(network.theta, biases=network.biases)
    return optimizer


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [1, 5, 12])
def test_the_loss_of_an_epoch_is_the_mean_over_its_samples(loss, weighted, batch_size):
    objective, X, y, w = problem(loss=loss, weighted=weighted)
    first, last = objective.network.weights
    z = np.tanh(X @ first[:, 1:].T + first[:, 0]) @ last[:, 1:].T + last[:, 0]
    proba = softmax(z, axis=1) if loss == "softmax" else expit(z[:, 0])
    epoch = next(
        train(
            objective,
            started(SGD(), objective),
            Constant(0.0),  # the weights stay where they are
            batches_of(objective, X, y, w, batch_size),
        )
    )
    assert epoch.cost == pytest.approx(log_loss(y, proba, sample_weight=w), rel=1e-12)


def test_the_penalty_is_in_the_loss_of_each_batch():
    objective, X, y, _ = problem(alpha=0.5)
    plain, *_ = problem(alpha=0.0)
    losses = [
        next(
            train(
                objective,
                started(SGD(), objective),
                Constant(0.0),
                batches_of(objective, X, y, batch_size=5),
            )
        ).cost
        for objective in (plain, objective)
    ]
    squares = sum((W[:, 1:] ** 2).sum() for W in objective.network.weights)
    # Three batches, each with n / 12 of the samples and alpha / (2 n) sum W^2.
    assert losses[1] - losses[0] == pytest.approx(3 * 0.5 / (2 * 12) * squares)


@pytest.mark.parametrize("batch_size", [4, 5, 12, None])
@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_training_is_one_step_for_each_batch(batch_size, optimizer):
    objective, X, y, w = problem(alpha=0.5, weighted=True)
    plain, *_ = problem(alpha=0.5, weighted=True)
    schedule = InverseScaling(0.3)
    generator = train(
        objective,
        started(optimizer(), objective),
        schedule,
        batches_of(objective, X, y, w, batch_size),
        n_seen=100,
    )
    by_hand, n = started(optimizer(), plain), batch_size or 12
    for number in range(1, 4):
        epoch = next(generator)
        learning_rate = schedule(100 + 12 * (number - 1))
        for start in range(0, 12, n):
            batch = slice(start, start + n)
            _, grad = plain.value_and_grad(
                prepend_ones(X[batch]), np.eye(3)[:, y[batch]], w[batch]
            )
            by_hand.step(plain.network.theta, grad, learning_rate)
        # The optimizer adds the penalty in the one, value_and_grad in the other.
        assert_allclose(objective.network.theta, plain.network.theta, rtol=1e-12)
        assert epoch.number == number
        assert epoch.learning_rate == learning_rate
        assert epoch.n_seen == 100 + 12 * number


def test_the_article_in_a_few_lines():
    """Batch gradient descent: "simply subtracting the error gradients"."""
    objective, X, y, _ = problem(loss="logistic", activation="logistic", alpha=0.1)
    theta1, theta2 = (W.copy() for W in objective.network.weights)
    costs = []
    for epoch in train(
        objective, started(SGD(), objective), Constant(1.0), batches_of(objective, X, y)
    ):
        costs.append(epoch.cost)
        if epoch.number == 50:
            break

    m, a1, t = len(X), np.c_[np.ones(len(X)), X], y[:, np.newaxis]
    for cost in costs:
        a2 = np.c_[np.ones(m), expit(a1 @ theta1.T)]
        h = expit(a2 @ theta2.T)
        bare1, bare2 = theta1.copy(), theta2.copy()
        bare1[:, 0] = bare2[:, 0] = 0  # without the biases
        squares = (bare1**2).sum() + (bare2**2).sum()
        J = (
            -(t * np.log(h) + (1 - t) * np.log(1 - h)).sum() / m
            + 0.1 / (2 * m) * squares
        )
        assert cost == pytest.approx(J, rel=1e-10)
        delta2 = h - t
        delta1 = (delta2 @ theta2 * a2 * (1 - a2))[:, 1:]
        theta2 -= delta2.T @ a2 / m + 0.1 / m * bare2
        theta1 -= delta1.T @ a1 / m + 0.1 / m * bare1
    for W, theta in zip(objective.network.weights, [theta1, theta2], strict=True):
        assert_allclose(W, theta, rtol=1e-9)


def interfere(monkeypatch, objective, when, what):
    """Let ``what(cost)`` happen in the evaluation that is number ``when``."""
    right, calls = objective.loss_and_grad, []

    def loss_and_grad(*batch):
        calls.append(batch)
        cost, grad = right(*batch)
        return (what(cost), grad) if len(calls) == when else (cost, grad)

    monkeypatch.setattr(objective, "loss_and_grad", loss_and_grad)


def after_steps(n_steps, batch_size, optimizer, **settings):
    """Theta after so many steps on the batches of ``problem()``."""
    objective, X, y, w = problem(**settings)
    optimizer = started(optimizer, objective)
    for start in range(0, n_steps * batch_size, batch_size):
        batch = slice(start, start + batch_size)
        _, grad = objective.value_and_grad(
            prepend_ones(X[batch]), np.eye(3)[:, y[batch]], w
        )
        optimizer.step(objective.network.theta, grad, 0.1)
    return objective.network.theta


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_cost_that_is_not_finite_ends_training_before_its_step(monkeypatch, bad):
    objective, X, y, _ = problem()
    interfere(monkeypatch, objective, 2, lambda cost: bad)
    generator = train(
        objective,
        started(Adam(), objective),
        Constant(0.1),
        batches_of(objective, X, y, batch_size=4),
    )
    epoch = next(generator)
    assert epoch.number == 1
    assert_array_equal(epoch.cost, bad)
    assert_array_equal(objective.network.theta, after_steps(1, 4, Adam()))
    with pytest.raises(StopIteration):
        next(generator)


# -- Ctrl-C ----------------------------------------------------------------------------


@pytest.fixture
def _python_handles_ctrl_c():
    """As in a program that was just started, whoever runs the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c(cost=None):
    signal.raise_signal(signal.SIGINT)
    return cost


class InterruptedAdam(Adam):
    """Ctrl-C is pressed as the second step begins."""

    def step(self, *arguments):
        if self.state["t"] == 1:
            press_ctrl_c()
        super().step(*arguments)


class BatchesThenCtrlC:
    """Ctrl-C is pressed after the last step of an epoch."""

    def __init__(self, batches):
        self.batches = batches
        self.n_samples = batches.n_samples

    def __iter__(self):
        yield from self.batches
        press_ctrl_c()


def first_epoch(objective, X, y, optimizer=None):
    """The first of some epochs of three steps."""
    batches = batches_of(objective, X, y, batch_size=4)
    optimizer = started(optimizer or Adam(), objective)
    return next(train(objective, optimizer, Constant(0.1), batches))


@pytest.mark.usefixtures("_python_handles_ctrl_c")
@pytest.mark.parametrize("during", ["gradient", "step"])
def test_ctrl_c_waits_for_the_end_of_the_step(monkeypatch, during):
    objective, X, y, _ = problem()
    if during == "gradient":
        interfere(monkeypatch, objective, 2, press_ctrl_c)
    optimizer = Adam() if during == "gradient" else InterruptedAdam()
    with pytest.raises(InterruptedAfterStep):
        first_epoch(objective, X, y, optimizer)
    assert_array_equal(objective.network.theta, after_steps(2, 4, Adam()))
    assert optimizer.state["t"] == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_ctrl_c_pressed_twice_in_a_step_does_not_wait(monkeypatch):
    objective, X, y, _ = problem()
    interfere(monkeypatch, objective, 2, lambda cost: press_ctrl_c(press_ctrl_c(cost)))
    with pytest.raises(KeyboardInterrupt) as interrupt:
        first_epoch(objective, X, y)
    assert not isinstance(interrupt.value, InterruptedAfterStep)
    assert_array_equal(objective.network.theta, after_steps(1, 4, Adam()))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_ctrl_c_after_the_last_step_is_not_forgotten():
    objective, X, y, _ = problem()
    batches = BatchesThenCtrlC(batches_of(objective, X, y, batch_size=4))
    generator = train(objective, started(Adam(), objective), Constant(0.1), batches)
    with pytest.raises(InterruptedAfterStep):
        next(generator)
    assert_array_equal(objective.network.theta, after_steps(3, 4, Adam()))


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_ctrl_c_is_not_forgotten_over_a_cost_that_is_not_finite(monkeypatch):
    objective, X, y, _ = problem()
    interfere(monkeypatch, objective, 2, lambda cost: press_ctrl_c(np.nan))
    with pytest.raises(InterruptedAfterStep):
        first_epoch(objective, X, y)


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_between_two_epochs_ctrl_c_is_not_held():
    objective, X, y, _ = problem()
    for _ in train(
        objective,
        started(SGD(), objective),
        Constant(0.1),
        batches_of(objective, X, y, batch_size=4),
    ):
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()
        break


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_a_program_that_handles_ctrl_c_itself_hears_of_it_after_the_step(monkeypatch):
    heard = []

    def own_handler(signum, frame):
        heard.append((signum, objective.network.theta.copy()))

    signal.signal(signal.SIGINT, own_handler)
    objective, X, y, _ = problem()
    interfere(monkeypatch, objective, 2, press_ctrl_c)
    first_epoch(objective, X, y)
    ((signum, theta),) = heard
    assert signum == signal.SIGINT
    assert_array_equal(theta, after_steps(2, 4, Adam()))
    assert signal.getsignal(signal.SIGINT) is own_handler
    assert_array_equal(objective.network.theta, after_steps(3, 4, Adam()))


@pytest.mark.usefixtures("_python_handles_ctrl_c")
@pytest.mark.parametrize(
    ("raised", "arrives"),
    [(KeyboardInterrupt, InterruptedAfterStep), (SystemExit, SystemExit)],
)
def test_what_the_programs_handler_raises_ends_training(monkeypatch, raised, arrives):
    def own_handler(signum, frame):
        raise raised

    signal.signal(signal.SIGINT, own_handler)
    objective, X, y, _ = problem()
    interfere(monkeypatch, objective, 2, press_ctrl_c)
    with pytest.raises(arrives):
        first_epoch(objective, X, y)
    assert_array_equal(objective.network.theta, after_steps(2, 4, Adam()))


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_a_thread_that_cannot_hear_ctrl_c_trains_all_the_same():
    objective, X, y, _ = problem()
    thread = threading.Thread(target=first_epoch, args=(objective, X, y))
    thread.start()
    thread.join()
    assert_array_equal(objective.network.theta, after_steps(3, 4, Adam()))


# -- patience --------------------------------------------------------------------------


def mlpclassifiers_rule(values, limit, tol, higher_is_better):
    """Whether `MLPClassifier` stops, or lowers an adaptive rate, after each value."""
    best = -np.inf if higher_is_better else np.inf
    n_worse, stops = 0, []
    for value in values:
        if higher_is_better:
            worse = value < best + tol
            best = max(best, value)
        else:
            worse = value > best - tol
            best = min(best, value)
        n_worse = n_worse + 1 if worse else 0
        stops.append(n_worse > limit)
        if n_worse > limit:
            n_worse = 0
    return stops, best


both_directions = pytest.mark.parametrize("higher_is_better", [False, True])


@both_directions
@pytest.mark.parametrize("limit", [1, 3, np.inf])
@pytest.mark.parametrize("tol", [0.0, 1e-4, 0.02])
@pytest.mark.parametrize("rounded", [False, True])
def test_patience_runs_out_when_mlpclassifiers_does(
    higher_is_better, limit, tol, rounded
):
    rng, n_stops = np.random.RandomState(0), 0
    for _ in range(100):
        values = np.cumsum(rng.normal(0.01, 0.03, 40))
        if not higher_is_better:
            values = -values
        if rounded:  # like accuracies: many are equal
            values = np.rint(70 * values) / 70
        expected, best = mlpclassifiers_rule(values, limit, tol, higher_is_better)
        patience = Patience(limit, tol, higher_is_better)
        assert [patience.update(value) for value in values] == expected
        assert patience.best == best
        n_stops += sum(expected)
    assert n_stops > 50 or limit == np.inf


@both_directions
def test_a_gain_of_tol_is_rounded_as_mlpclassifier_rounds_it(higher_is_better):
    """Accuracies on 100 samples and a tol of 0.01 meet exactly, but for rounding."""
    for k in range(100):
        values = [k / 100, (k + 1) / 100]
        if not higher_is_better:
            values = values[::-1]
        expected, _ = mlpclassifiers_rule(values, 0, 0.01, higher_is_better)
        patience = Patience(0, 0.01, higher_is_better)
        assert [patience.update(value) for value in values] == expected


def test_patience_is_up_after_limit_plus_2_equal_values():
    """The first is the best so far; then more than ``limit`` must be no better."""
    patience = Patience(5, 1e-4, higher_is_better=False)
    assert [patience.update(1.0) for _ in range(7)] == [False] * 6 + [True]


@both_directions
def test_improved_marks_each_new_best(higher_is_better):
    """However small the improvement: tol is for patience alone."""
    values = np.random.RandomState(0).normal(size=50)
    patience = Patience(3, 0.5, higher_is_better)
    better = np.maximum if higher_is_better else np.minimum
    best = better.accumulate(values)
    for k, value in enumerate(values):
        patience.update(value)
        assert patience.improved == (k == 0 or best[k] != best[k - 1])
        assert patience.best == best[k]


@both_directions
def test_patience_goes_on_from_what_it_knows(higher_is_better):
    values = np.random.RandomState(0).normal(size=60)
    whole = Patience(3, 0.01, higher_is_better)
    expected = [whole.update(value) for value in values]
    best, n_worse, stops = None, 0, []
    for part in np.split(values, [7, 8, 30]):
        patience = Patience(3, 0.01, higher_is_better, best, n_worse)
        stops += [patience.update(value) for value in part]
        best, n_worse = patience.best, patience.n_without_improvement
    assert stops == expected
    assert any(expected)

"""Batches hold every sample once, steps stay whole, and patience is MLPClassifier's."""

import signal
import threading
import tracemalloc
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit, softmax
from sklearn.metrics import log_loss
from sklearn.utils import shuffle

from sknet import training
from sknet.activations import ACTIVATIONS
from sknet.backprop import Objective
from sknet.losses import LOSSES
from sknet.network import Network, count_parameters, prepend_ones
from sknet.optimizers import SGD, Adam
from sknet.schedules import Constant, InverseScaling
from sknet.training import Minibatches, Patience, train

BATCH_SIZE = 5
SIZES = [1, 2, BATCH_SIZE - 1, BATCH_SIZE, BATCH_SIZE + 1, 3 * BATCH_SIZE - 2]

# -- batches ---------------------------------------------------------------------------


def numbered(n_samples, n_features=2):
    """Samples whose first feature, weight and class all tell their number."""
    numbers = np.arange(n_samples)
    X = np.random.RandomState(0).normal(size=(n_samples, n_features))
    X[:, 0] = numbers
    return X, numbers % 3, 0.5 + numbers


def as_memmap(X, tmp_path):
    mapped = np.memmap(tmp_path / "X", X.dtype, mode="w+", shape=X.shape)
    mapped[:] = X
    return mapped


def epochs(batches, n_epochs=1):
    """All batches of some epochs as copies: (X, Y, weights), samples as rows."""
    served = []
    for _ in range(n_epochs):
        for X1, Y, w in batches:
            X1 = X1.toarray() if sparse.issparse(X1) else X1.copy()
            assert_array_equal(X1[0], 1)
            served.append((X1[1:].T, Y.T.copy(), None if w is None else w.copy()))
    return served


def numbers_served(served):
    return [X[:, 0].astype(int).tolist() for X, _, _ in served]


@pytest.mark.parametrize("n_samples", SIZES)
@pytest.mark.parametrize("rng", [None, 0])
@pytest.mark.parametrize("storage", ["dense", "large", "sparse", "memmap"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_epoch_serves_every_sample_once_with_its_own(
    n_samples, rng, storage, dtype, tmp_path
):
    X, y, w = numbered(n_samples)
    rng = None if rng is None else np.random.RandomState(rng)
    given = {"sparse": sparse.csr_matrix(X), "memmap": as_memmap(X, tmp_path)}
    copied = 0 if storage == "large" else 2**25
    with mock.patch.object(training, "COPIED_BYTES", copied):
        batches = Minibatches(
            given.get(storage, X),
            y,
            3,
            w,
            batch_size=BATCH_SIZE,
            dtype=dtype,
            rng=rng,
        )
        served = [epochs(batches) for _ in range(3)]
    for epoch in served:
        sizes = [len(batch[0]) for batch in epoch]
        assert sum(sizes) == n_samples
        assert set(sizes[:-1]) <= {BATCH_SIZE}  # only the last one may be shorter
        X_seen, Y_seen, w_seen = map(np.concatenate, zip(*epoch, strict=True))
        assert X_seen.dtype == Y_seen.dtype == dtype
        numbers = X_seen[:, 0].astype(int)
        assert sorted(numbers) == list(range(n_samples))
        assert_array_equal(X_seen, X[numbers].astype(dtype))
        assert_array_equal(Y_seen, np.eye(3)[y[numbers]])
        assert_array_equal(w_seen, w[numbers])
        if rng is None:
            assert numbers.tolist() == list(range(n_samples))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_batches_stay_sparse(container):
    X, y, _ = numbered(12)
    batches = Minibatches(
        container(X), y, 3, batch_size=5, rng=np.random.RandomState(0)
    )
    assert all(sparse.issparse(X1) for X1, _, _ in batches)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [37, 10_000])
@pytest.mark.parametrize("shuffled", [False, True])
def test_where_x_lives_moves_no_bit(dtype, batch_size, shuffled, tmp_path):
    """2 MB of samples: more than is gathered at once."""
    X, y, w = numbered(3000, 90)
    X[X < -1] = 0

    def served(X, copied=2**25):
        rng = np.random.RandomState(0) if shuffled else None
        with mock.patch.object(training, "COPIED_BYTES", copied):
            batches = Minibatches(
                X, y, 3, w, batch_size=batch_size, dtype=dtype, rng=rng
            )
            return epochs(batches, n_epochs=2)

    expected = served(X)
    sizes = [len(batch[0]) for batch in expected]
    assert set(sizes) == {min(batch_size, 3000), 3000 % batch_size}
    for others in [
        served(X, copied=0),
        served(np.asfortranarray(X)),
        served(as_memmap(X, tmp_path)),
        served(sparse.csr_matrix(X)),
    ]:
        for batch, other in zip(expected, others, strict=True):
            for ours, theirs in zip(batch, other, strict=True):
                assert_array_equal(ours, theirs)
                assert ours.dtype == theirs.dtype


def test_samples_are_shuffled_as_scikit_learn_does():
    X, y, w = numbered(13)
    batches = Minibatches(X, y, 3, w, batch_size=4, rng=np.random.RandomState(5))
    rng, order = np.random.RandomState(5), np.arange(13)
    for _ in range(4):
        order = shuffle(order, random_state=rng)  # of the order of the last epoch
        expected = [order[i : i + 4].tolist() for i in range(0, 13, 4)]
        assert numbers_served(epochs(batches)) == expected


@pytest.mark.parametrize("batch_size", [4, 13, None])
def test_an_epoch_takes_one_shuffle_from_the_random_stream(batch_size):
    """Also where one batch holds all samples, whose order does not matter."""
    X, y, _ = numbered(13)
    rng, reference = np.random.RandomState(5), np.random.RandomState(5)
    epochs(Minibatches(X, y, 3, batch_size=batch_size, rng=rng), n_epochs=2)
    for _ in range(2):
        shuffle(np.arange(13), random_state=reference)
    assert rng.randint(2**31) == reference.randint(2**31)


def test_a_later_day_goes_on_in_the_order_of_the_last():
    X, y, _ = numbered(13)
    straight = epochs(
        Minibatches(X, y, 3, batch_size=4, rng=np.random.RandomState(5)), n_epochs=4
    )
    rng, order, interrupted = np.random.RandomState(5), None, []
    for _ in range(2):
        batches = Minibatches(X, y, 3, batch_size=4, rng=rng, order=order)
        interrupted += epochs(batches, n_epochs=2)
        order = batches.order
    assert numbers_served(interrupted) == numbers_served(straight)


def test_targets_of_two_classes_and_of_labels():
    X, _, _ = numbered(4)
    ((_, binary, _),) = Minibatches(X, np.array([0, 1, 1, 0]), n_outputs=1)
    assert_array_equal(binary, [[0, 1, 1, 0]])
    labels = np.array([[0, 1], [1, 1], [0, 0], [1, 0]], dtype=bool)
    ((_, Y, weights),) = Minibatches(X, labels, n_outputs=2, dtype=np.float32)
    assert_array_equal(Y, labels.T)
    assert binary.dtype == np.float64
    assert Y.dtype == np.float32
    assert weights is None


@pytest.mark.parametrize("storage", ["large", "memmap", "view of a memmap"])
def test_large_samples_are_not_copied_as_a_whole(storage, tmp_path):
    X = np.random.RandomState(0).normal(size=(20_000, 100))  # 16 MB
    y = np.arange(20_000) % 3
    if storage != "large":
        X = as_memmap(X, tmp_path)
    if storage == "view of a memmap":
        X = np.asarray(X)[:]
    rng = np.random.RandomState(0)
    with mock.patch.object(training, "COPIED_BYTES", 2**20):
        tracemalloc.start()
        try:
            for _ in Minibatches(X, y, 3, batch_size=100, rng=rng):
                pass
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < X.nbytes / 3


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
    n_outputs = objective.network.n_units[-1]
    return Minibatches(X, y, n_outputs, w, batch_size=batch_size, rng=rng)


def started(optimizer, objective):
    optimizer.init(objective.network.theta)
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
        assert_array_equal(objective.network.theta, plain.network.theta)
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
    right, calls = objective.value_and_grad, []

    def value_and_grad(*batch):
        calls.append(batch)
        cost, grad = right(*batch)
        return (what(cost), grad) if len(calls) == when else (cost, grad)

    monkeypatch.setattr(objective, "value_and_grad", value_and_grad)


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

    def step(self, theta, grad, learning_rate):
        if self.state["t"] == 1:
            press_ctrl_c()
        super().step(theta, grad, learning_rate)


class BatchesThenCtrlC:
    """Ctrl-C is pressed after the last step of an epoch."""

    def __init__(self, batches):
        self.batches = batches
        self.n_samples = batches.n_samples

    def __iter__(self):
        yield from self.batches
        press_ctrl_c()


@pytest.mark.usefixtures("_python_handles_ctrl_c")
@pytest.mark.parametrize("during", ["gradient", "step"])
def test_ctrl_c_waits_for_the_end_of_the_step(monkeypatch, during):
    objective, X, y, _ = problem()
    if during == "gradient":
        interfere(monkeypatch, objective, 2, press_ctrl_c)
    optimizer = Adam() if during == "gradient" else InterruptedAdam()
    generator = train(
        objective,
        started(optimizer, objective),
        Constant(0.1),
        batches_of(objective, X, y, batch_size=4),
    )
    with pytest.raises(KeyboardInterrupt):
        next(generator)
    assert_array_equal(objective.network.theta, after_steps(2, 4, Adam()))
    assert optimizer.state["t"] == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_ctrl_c_after_the_last_step_is_not_forgotten():
    objective, X, y, _ = problem()
    batches = BatchesThenCtrlC(batches_of(objective, X, y, batch_size=4))
    generator = train(objective, started(Adam(), objective), Constant(0.1), batches)
    with pytest.raises(KeyboardInterrupt):
        next(generator)
    assert_array_equal(objective.network.theta, after_steps(3, 4, Adam()))


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_ctrl_c_is_not_forgotten_over_a_cost_that_is_not_finite(monkeypatch):
    objective, X, y, _ = problem()
    interfere(monkeypatch, objective, 2, lambda cost: press_ctrl_c(np.nan))
    generator = train(
        objective,
        started(Adam(), objective),
        Constant(0.1),
        batches_of(objective, X, y, batch_size=4),
    )
    with pytest.raises(KeyboardInterrupt):
        next(generator)


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_ctrl_c_is_held_during_an_epoch_only(monkeypatch):
    objective, X, y, _ = problem()
    handlers = []

    def look(cost):
        handlers.append(signal.getsignal(signal.SIGINT))
        return cost

    interfere(monkeypatch, objective, 2, look)
    for _ in train(
        objective,
        started(SGD(), objective),
        Constant(0.1),
        batches_of(objective, X, y, batch_size=4),
    ):
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        break
    assert handlers[0] is not signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_an_error_in_an_epoch_gives_ctrl_c_back(monkeypatch):
    objective, X, y, _ = problem()
    interfere(monkeypatch, objective, 1, lambda cost: 1 / 0)
    batches = batches_of(objective, X, y)
    with pytest.raises(ZeroDivisionError):
        next(train(objective, started(SGD(), objective), Constant(0.1), batches))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_a_program_that_handles_ctrl_c_itself_goes_on_doing_so(monkeypatch):
    heard = []

    def own_handler(signum, frame):
        heard.append(signum)

    signal.signal(signal.SIGINT, own_handler)
    objective, X, y, _ = problem()
    interfere(monkeypatch, objective, 2, press_ctrl_c)
    batches = batches_of(objective, X, y, batch_size=4)
    next(train(objective, started(Adam(), objective), Constant(0.1), batches))
    assert heard == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is own_handler
    assert_array_equal(objective.network.theta, after_steps(3, 4, Adam()))


@pytest.mark.usefixtures("_python_handles_ctrl_c")
def test_a_thread_that_cannot_hear_ctrl_c_trains_all_the_same():
    objective, X, y, _ = problem()
    batches = batches_of(objective, X, y, batch_size=4)
    generator = train(objective, started(Adam(), objective), Constant(0.1), batches)
    thread = threading.Thread(target=next, args=(generator,))
    thread.start()
    thread.join()
    assert_array_equal(objective.network.theta, after_steps(3, 4, Adam()))


# -- patience --------------------------------------------------------------------------


def mlpclassifiers_rule(values, limit, tol, higher_is_better):
    """Whether `MLPClassifier` stops, or lowers an adaptive rate, after each value."""
    best = -np.inf if higher_is_better else np.inf
    count, stops = 0, []
    for value in values:
        if higher_is_better:
            worse = value < best + tol
            best = max(best, value)
        else:
            worse = value > best - tol
            best = min(best, value)
        count = count + 1 if worse else 0
        stops.append(count > limit)
        if count > limit:
            count = 0
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
def test_patience_goes_on_from_its_best_and_count(higher_is_better):
    values = np.random.RandomState(0).normal(size=60)
    whole = Patience(3, 0.01, higher_is_better)
    expected = [whole.update(value) for value in values]
    best, count, stops = None, 0, []
    for part in np.split(values, [7, 8, 30]):
        patience = Patience(3, 0.01, higher_is_better, best, count)
        stops += [patience.update(value) for value in part]
        best, count = patience.best, patience.count
    assert stops == expected
    assert any(expected)

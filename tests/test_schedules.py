"""Schedules against their formulas and scikit-learn's, alone and in training."""

import pickle
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sknet import ScratchMLPClassifier
from sknet.optimizers import SGD, Adam
from sknet.schedules import (
    FACTORS,
    SCHEDULES,
    Adaptive,
    ByFraction,
    Constant,
    InverseScaling,
    ReduceOnPlateau,
    cosine,
    needs_length,
    one_cycle,
)
from support import (
    NO_EFFECT,
    PATIENT,
    PLAIN_SGD,
    assert_same_weights,
    flat,
    network,
    short,
)

# -- alone ----------------------------------------------------------------------------


def test_constant_is_constant_and_ends_training_on_a_plateau():
    schedule = Constant(0.3)
    assert [schedule(n_seen) for n_seen in (0, 1, 10**9)] == [0.3] * 3
    assert schedule.on_plateau() is False
    assert schedule(5) == 0.3
    assert schedule.n_lowered == 0


@pytest.mark.parametrize("power_t", [0.0, 0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("n_seen", [0, 1, 99, 12345])
def test_inverse_scaling_divides_by_a_power_of_the_samples_seen(power_t, n_seen):
    schedule = InverseScaling(0.3, power_t)
    assert schedule(0) == 0.3
    assert schedule(n_seen) * (n_seen + 1) ** power_t == pytest.approx(0.3, rel=1e-14)
    assert schedule.on_plateau() is False


def test_inverse_scaling_is_by_the_square_root_unless_told():
    assert InverseScaling(0.3)(99) == pytest.approx(0.03, rel=1e-14)


def test_adaptive_falls_to_a_fifth_on_each_plateau_and_then_ends():
    schedule = Adaptive(0.1)
    assert schedule(0) == schedule(10**9) == 0.1
    n = 0
    while schedule.on_plateau():
        n += 1
        assert schedule(0) == pytest.approx(0.1 / 5**n, rel=1e-12)
        assert schedule.n_lowered == n
    # It is lowered as long as it is above 1e-6, and not once more.
    assert 0.1 / 5 ** (n - 1) > 1e-6 >= 0.1 / 5**n
    floor = schedule(0)
    assert schedule.on_plateau() is False
    assert schedule(0) == floor
    assert schedule.n_lowered == n


@pytest.mark.parametrize("rate", [1e-6, 1e-9])
def test_adaptive_does_not_lower_a_rate_at_its_floor(rate):
    schedule = Adaptive(rate)
    assert schedule.on_plateau() is False
    assert schedule(0) == rate


@pytest.mark.parametrize("n_lowered", [0, 1, 3])
def test_adaptive_goes_on_where_earlier_training_left_it(n_lowered):
    earlier = Adaptive(0.1)
    for _ in range(n_lowered):
        earlier.on_plateau()
    later = Adaptive(0.1, n_lowered=earlier.n_lowered)
    assert later(0) == earlier(0)
    assert later.n_lowered == n_lowered


@pytest.mark.parametrize("kind", ["constant", "invscaling", "adaptive"])
def test_rates_are_those_of_scikit_learn(kind):
    """Over epochs of 150 samples, every third of them a plateau."""
    theirs = pytest.importorskip("sklearn.neural_network._stochastic_optimizers")
    reference = theirs.SGDOptimizer([], 0.1, lr_schedule=kind, power_t=0.4)
    schedule = {
        "constant": Constant(0.1),
        "invscaling": InverseScaling(0.1, 0.4),
        "adaptive": Adaptive(0.1),
    }[kind]
    for epoch in range(40):
        assert schedule(150 * epoch) == reference.learning_rate
        reference.iteration_ends(150 * (epoch + 1))
        if epoch % 3 == 2:
            stops = reference.trigger_stopping("", verbose=False)
            assert schedule.on_plateau() is not stops


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5, 0.99])
def test_cosine_rises_in_a_line_and_falls_by_half_a_wave(warmup):
    assert cosine(0.0, warmup) == (0.0 if warmup else 1.0)
    assert cosine(warmup, warmup) == 1.0
    assert cosine(1.0, warmup) == 0.0
    rise = np.linspace(0, warmup, 50, endpoint=False)
    if warmup:
        assert_allclose([cosine(f, warmup) for f in rise], rise / warmup, rtol=1e-14)
    # The wave: cos^2 of a quarter turn, in the part of training after the warmup.
    done = np.linspace(0, 1, 50)
    fall = [cosine(f, warmup) for f in warmup + (1 - warmup) * done]
    assert_allclose(fall, np.cos(np.pi / 2 * done) ** 2, atol=1e-12)
    assert (np.diff(fall) < 0).all()


def test_no_step_of_a_warmup_is_wasted(iris, rates):
    """Its steps are in proportion to their number, and the last has the whole rate."""
    n = 6 * N_BATCHES
    network(learning_rate="cosine", warmup=0.5).fit(*iris)
    rise = RATE * np.arange(1, n // 2 + 1) / (n // 2)
    assert_allclose(rates[: n // 2], rise, rtol=1e-12)
    assert rates[n // 2] == RATE
    assert min(rates) > 0
    del rates[:]
    network(learning_rate="cosine", warmup=1e-9).fit(*iris)
    assert rates[0] == RATE  # less than a step of it is none


def test_cosine_has_no_warmup_unless_told():
    for fraction in np.linspace(0, 1, 11):
        assert cosine(fraction) == cosine(fraction, warmup=0.0)
    assert cosine(0.1) != cosine(0.1, warmup=0.3)


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.3, 0.8])
def test_one_cycle_goes_up_and_down_once(warmup):
    factor = partial(one_cycle, warmup=warmup)
    assert factor(0.0) == pytest.approx(1 / 25 if warmup else 1.0)
    assert factor(warmup) == pytest.approx(1.0)
    assert factor(1.0) == pytest.approx(1 / 250_000)
    # Halfway between two turning points a half wave is at their mean, and it is flat
    # at them.
    assert factor((warmup + 1) / 2) == pytest.approx((1 + 1 / 250_000) / 2)
    assert abs(factor(warmup + 1e-6) - factor(warmup)) < 1e-9
    assert abs(factor(1 - 1e-6) - factor(1.0)) < 1e-9
    if warmup:
        assert factor(warmup / 2) == pytest.approx((1 + 1 / 25) / 2)
        assert abs(factor(1e-6) - factor(0.0)) < 1e-9
        assert abs(factor(warmup - 1e-6) - factor(warmup)) < 1e-9
    up = [factor(f) for f in np.linspace(0, warmup, 50)]
    down = [factor(f) for f in np.linspace(warmup, 1, 50)]
    assert (np.diff(up) > 0).all() or not warmup
    assert (np.diff(down) < 0).all()


def test_one_cycle_rises_for_three_tenths_unless_told():
    for fraction in np.linspace(0, 1, 11):
        assert one_cycle(fraction) == one_cycle(fraction, warmup=0.3)
    assert one_cycle(0.1) != one_cycle(0.1, warmup=0.2)


@pytest.mark.parametrize(
    ("n_iter_no_change", "every"),
    [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4), (10, 5), (11, 5), (50, 5), (np.inf, 5)],
)
def test_reduce_on_plateau_halves_the_rate_while_waiting(n_iter_no_change, every):
    schedule = ReduceOnPlateau(0.1, n_iter_no_change=n_iter_no_change)
    schedule.on_wait(0)  # an epoch that improved
    assert schedule(0) == schedule(10**9) == 0.1
    for n_epochs in range(1, 4 * every + 1):
        schedule.on_wait(n_epochs)
        assert schedule.n_lowered == n_epochs // every
        assert schedule(0) == 0.1 / 2**schedule.n_lowered
    assert every <= n_iter_no_change  # it is halved before training ends
    assert schedule.on_plateau() is False
    assert schedule(0) == 0.1 / 2**4


def test_reduce_on_plateau_counts_anew_after_an_improvement():
    schedule = ReduceOnPlateau(0.1)
    for n_epochs in [1, 2, 3, 4, 0, 1, 2, 3, 4]:
        schedule.on_wait(n_epochs)
    assert schedule(0) == 0.1
    schedule.on_wait(5)
    assert schedule(0) == 0.05


def test_reduce_on_plateau_has_a_floor_and_goes_on_where_it_was():
    schedule = ReduceOnPlateau(1.5e-6, n_iter_no_change=1)
    for n_epochs in range(1, 10):
        schedule.on_wait(n_epochs)
    assert schedule(0) == 0.75e-6
    assert schedule.n_lowered == 1
    assert ReduceOnPlateau(1.5e-6, n_lowered=1)(0) == schedule(0)
    assert ReduceOnPlateau(1e-6).lower() is False


@pytest.mark.parametrize("schedule", [Constant, InverseScaling, Adaptive])
def test_other_schedules_do_not_mind_waiting(schedule):
    schedule = schedule(0.1)
    for n_epochs in range(30):
        schedule.on_wait(n_epochs)
    assert schedule(0) == 0.1
    assert schedule.n_lowered == 0


def test_progress_is_counted_in_steps():
    fractions = []
    schedule = ByFraction(0.5, lambda f: fractions.append(f) or 1 + f, n_total=8)
    rates = [schedule(n_seen=999, n_steps=k) for k in range(8)]
    assert fractions == [k / 8 for k in range(8)]
    assert rates == [0.5 * (1 + k / 8) for k in range(8)]
    assert schedule(0, n_steps=100) == 0.5 * 2  # never beyond the whole
    assert schedule.on_plateau() is False
    later = ByFraction(0.5, schedule.factor, n_total=8, n_before=3)
    assert [later(0, n_steps=k) for k in range(5)] == rates[3:]


@pytest.mark.parametrize("value", [0, 1, 0.5, True, np.float32(0.5), np.int64(2)])
def test_a_factor_may_be_any_number(value):
    rate = ByFraction(0.1, lambda fraction: value, n_total=4)(0)
    assert rate == 0.1 * float(value)
    assert type(rate) is float  # a NumPy scalar could change the dtype of the step


BAD_FACTORS = [np.nan, np.inf, -np.inf, -1e-9, None, "1", 1j, np.ones(1), [1.0]]


@pytest.mark.parametrize("value", BAD_FACTORS, ids=repr)
def test_a_factor_that_is_none_is_named_with_its_fraction(value):
    schedule = ByFraction(0.1, lambda fraction: value, n_total=4)
    with pytest.raises(ValueError, match=r"the fraction 0\.75 of") as error:
        schedule(0, n_steps=3)
    assert f"returned {value!r} for" in str(error.value)
    assert "finite number" in str(error.value)


def test_which_schedules_need_the_length_of_training():
    assert not any(map(needs_length, SCHEDULES))
    assert all(map(needs_length, [*FACTORS, lambda fraction: 1.0]))
    assert not {*SCHEDULES} & {*FACTORS}


# -- in training ----------------------------------------------------------------------

N_BATCHES = 4  # of iris in batches of 40, the last one shorter
RATE = 0.02


def falling(fraction):
    """A schedule of one's own."""
    return 1 - fraction


class Unhashable:
    """A schedule of one's own that is no function."""

    __hash__ = None

    def __call__(self, fraction):
        return 1 - fraction


def without_improvement(**parameters):
    """No epoch meets the tolerance."""
    return network(**{**PATIENT, "tol": 100.0, "max_iter": 60, **parameters})


@pytest.fixture
def rates(monkeypatch):
    """The learning rates of all steps that are done."""
    recorded = []

    def spied(step):
        def spy(self, theta, grad, learning_rate, *alpha):
            recorded.append(learning_rate)
            step(self, theta, grad, learning_rate, *alpha)

        return spy

    for optimizer in (SGD, Adam):
        monkeypatch.setattr(optimizer, "step", spied(optimizer.step))
    return recorded


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    ("parameters", "factor"),
    [
        ({"learning_rate": "cosine"}, cosine),
        (
            {"learning_rate": "cosine", "warmup": 0.3},
            partial(cosine, warmup=0.3, step=1 / (6 * N_BATCHES)),
        ),
        ({"learning_rate": "one_cycle"}, one_cycle),
        ({"learning_rate": falling}, falling),
        ({"learning_rate": Unhashable()}, falling),
        ({"learning_rate": "constant"}, lambda fraction: 1.0),
    ],
    ids=["cosine", "warmup", "one_cycle", "function", "object", "constant"],
)
def test_each_step_has_the_rate_of_its_fraction(
    iris, rates, solver, parameters, factor
):
    network(solver=solver, **parameters).fit(*iris)
    n = 6 * N_BATCHES
    assert rates == [RATE * factor(k / n) for k in range(n)]


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_invscaling_is_for_every_solver(iris, rates, solver):
    network(solver=solver, learning_rate="invscaling", power_t=0.3).fit(*iris)
    expected = [RATE / (150 * epoch + 1) ** 0.3 for epoch in range(6)]
    assert_allclose(rates, np.repeat(expected, N_BATCHES), rtol=1e-14)


def test_invscaling_counts_samples_and_says_so():
    """MLPClassifier's rule: (samples seen + 1) ** power_t."""
    X, y = np.zeros((20, 1)), np.arange(20) % 2
    parameters = {**PLAIN_SGD, "hidden_layer_sizes": (), "batch_size": 20, "alpha": 4.0}
    parameters |= {"learning_rate": "invscaling", "power_t": 0.7, "max_iter": 3}
    net = network(**parameters).set_params(learning_rate_init=0.5)
    net.fit(X, y, coef_init=[[[1.0]]], intercept_init=[[0.0]])
    rates = [0.5 / (seen + 1) ** 0.7 for seen in (0, 20, 40)]
    # Where X says nothing, the weight shows the rates: w *= 1 - rate alpha / rows.
    expected = np.prod([1 - rate * 4.0 / 20 for rate in rates])
    assert net.coefs_[0][0, 0] == pytest.approx(expected, rel=1e-12)
    assert "number of samples" in " ".join(ScratchMLPClassifier.__doc__.split())


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_adaptive_lowers_the_rate_of_every_solver(iris, rates, solver, early_stopping):
    """MLPClassifier trains with the same rate throughout if the solver is adam."""
    net = without_improvement(
        solver=solver,
        learning_rate="adaptive",
        n_iter_no_change=2,
        early_stopping=early_stopping,
    ).fit(*iris)
    of_epochs = np.reshape(rates, (net.n_iter_, N_BATCHES))
    # The first epoch always improves; patience runs out in each third one after it,
    # and the eighth time ends training: seven lowerings lead below 1e-6.
    expected = [RATE, *np.repeat([RATE / 5**k for k in range(8)], 3)]
    assert RATE / 5**7 <= 1e-6 < RATE / 5**6
    assert net.n_iter_ == 1 + 3 * 8
    for column in of_epochs.T:
        assert_allclose(column, expected, rtol=1e-12)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_reduce_on_plateau_halves_the_rate_and_then_training_ends(
    iris, rates, solver, early_stopping
):
    net = without_improvement(
        solver=solver, learning_rate="reduce_on_plateau", early_stopping=early_stopping
    ).fit(*iris)
    of_epochs = np.reshape(rates, (net.n_iter_, N_BATCHES))
    # Epoch 1 improves; 5 and 10 epochs later the rate falls, 11 later training ends.
    expected = [RATE] * (1 + 5) + [RATE / 2] * 5 + [RATE / 4]
    for column in of_epochs.T:
        assert_array_equal(column, expected)


@pytest.mark.parametrize("n_iter_no_change", [4, np.inf])
def test_reduce_on_plateau_is_quicker_where_patience_is_short(
    iris, rates, n_iter_no_change
):
    net = network(
        learning_rate="reduce_on_plateau",
        n_iter_no_change=n_iter_no_change,
        tol=100.0,
        max_iter=12,
    )
    if n_iter_no_change == np.inf:  # no patience to run out: max_iter ends training
        with pytest.warns(ConvergenceWarning):
            net.fit(*iris)
        expected = [RATE] * 6 + [RATE / 2] * 5 + [RATE / 4]
    else:
        net.fit(*iris)
        expected = [RATE] * 3 + [RATE / 2] * 2 + [RATE / 4]
    assert_array_equal(rates, np.repeat(expected, N_BATCHES))


@short
@pytest.mark.parametrize("early_stopping", [False, True])
def test_reduce_on_plateau_monitors_what_stops_training(iris, rates, early_stopping):
    """The score where it may, here always the same; the loss falls."""
    X, y = iris
    net = network(
        learning_rate="reduce_on_plateau",
        early_stopping=early_stopping,
        tol=1e-9,
        learning_rate_init=1e-3,
        n_iter_no_change=20,
        max_iter=8,
        scoring=lambda *args: 0.5,
    ).fit(X, y, X_val=X, y_val=y)
    assert (np.diff(net.loss_curve_) < -1e-9).all()
    assert (min(rates) < 1e-3) == early_stopping


@short
def test_reduce_on_plateau_without_a_plateau_changes_nothing(iris):
    plain = network(learning_rate_init=1e-3).fit(*iris)
    reduced = network(learning_rate_init=1e-3, learning_rate="reduce_on_plateau")
    assert (np.diff(plain.loss_curve_) < -plain.tol).all()
    assert_same_weights(reduced.fit(*iris), plain)


@short
@pytest.mark.parametrize("learning_rate", ["reduce_on_plateau", "cosine", "one_cycle"])
def test_falling_rates_calm_steps_that_are_too_large(iris, learning_rate):
    parameters = {
        "solver": "sgd",
        "momentum": 0.0,
        "batch_size": 5,
        "learning_rate_init": 1.0,
        "max_iter": 60,
        "n_iter_no_change": np.inf,
    }
    restless = network(**parameters).fit(*iris)
    calm = network(learning_rate=learning_rate, **parameters).fit(*iris)
    assert calm.loss_ < 0.75 * np.mean(restless.loss_curve_[-10:])


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    "learning_rate",
    [*SCHEDULES, *FACTORS, falling],
    ids=lambda kind: getattr(kind, "__name__", kind),
)
def test_the_whole_family_learns(iris, solver, learning_rate):
    net = network(
        solver=solver,
        learning_rate=learning_rate,
        max_iter=40,
        learning_rate_init=0.5 if learning_rate == "invscaling" else RATE,
    ).fit(*iris)
    assert net.score(*iris) > 0.9


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_each_schedule_makes_a_model_of_its_own(iris, solver):
    """And the default is a constant rate, whatever its name."""
    kinds = [k for k in [*SCHEDULES, *FACTORS, falling] if k != "constant"]
    common = {"solver": solver, "n_iter_no_change": 1, "tol": 100.0, "max_iter": 4}
    nets = [network(learning_rate=kind, **common).fit(*iris) for kind in kinds]
    default = network(**common).fit(*iris)
    for i, net in enumerate(nets):
        for other in [default, *nets[:i]]:
            assert not np.array_equal(flat(net), flat(other))
    for kind in ("constant", lambda fraction: 1.0):
        assert_same_weights(network(learning_rate=kind, **common).fit(*iris), default)


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_warmup_changes_the_model_and_none_does_not(iris, solver):
    common = {"solver": solver, "learning_rate": "cosine"}
    plain = network(**common).fit(*iris)
    assert_same_weights(network(**common, warmup=0.0).fit(*iris), plain)
    assert not np.array_equal(
        *map(flat, [network(**common, warmup=0.2).fit(*iris), plain])
    )


@short
@pytest.mark.parametrize("learning_rate", ["constant", "one_cycle", falling])
def test_warmup_is_for_cosine_alone_and_says_so(iris, learning_rate):
    plain = network(learning_rate=learning_rate).fit(*iris)
    net = network(learning_rate=learning_rate, warmup=0.2)
    with pytest.warns(UserWarning, match=rf"{NO_EFFECT}: warmup=0\.2"):
        net.fit(*iris)
    assert_same_weights(net, plain)


def test_patience_may_end_training_before_the_schedule(iris, rates):
    network(learning_rate="cosine", tol=100.0, n_iter_no_change=2).fit(*iris)
    n = 6 * N_BATCHES
    assert rates == [RATE * cosine(k / n) for k in range(4 * N_BATCHES)]


@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle", falling])
def test_a_schedule_that_reaches_its_end_is_no_shortfall(iris, learning_rate):
    """Warnings are errors here: a constant rate would warn of max_iter."""
    net = network(learning_rate=learning_rate, **PATIENT).fit(*iris)
    assert net.n_iter_ == 6
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        network(**PATIENT).fit(*iris)


@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle", falling])
def test_a_warm_start_begins_the_schedule_anew(iris, rates, learning_rate):
    net = network(learning_rate=learning_rate, warm_start=True).fit(*iris)
    before = rates.copy()
    net.fit(*iris)
    assert rates == 2 * before
    assert net.t_ == 12 * 150


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(
    ("learning_rate", "n_iter_no_change"), [("adaptive", 2), ("reduce_on_plateau", 8)]
)
def test_a_rate_that_was_lowered_stays_so_when_training_goes_on(
    iris, rates, solver, learning_rate, n_iter_no_change
):
    parameters = {"solver": solver, "learning_rate": learning_rate, "tol": 100.0}
    parameters |= {"n_iter_no_change": n_iter_no_change}
    whole = network(**parameters, max_iter=6).fit(*iris)
    assert min(rates) < RATE
    n = len(rates)
    twice = network(**parameters, max_iter=3, warm_start=True).fit(*iris)
    assert_same_weights(pickle.loads(pickle.dumps(twice)).fit(*iris), whole)
    step_by_step = network(**parameters)
    for _ in range(6):
        step_by_step.partial_fit(*iris, classes=[0, 1, 2])
        step_by_step = pickle.loads(pickle.dumps(step_by_step))
    assert_same_weights(step_by_step, whole)
    assert rates == 3 * rates[:n]


@pytest.mark.parametrize("learning_rate", ["cosine", "one_cycle", falling])
def test_partial_fit_refuses_what_needs_the_length_of_training(iris, learning_rate):
    net = network(learning_rate=learning_rate)
    with pytest.raises(ValueError, match="partial_fit does not support learning_rate"):
        net.partial_fit(*iris, classes=[0, 1, 2])
    assert not hasattr(net, "coefs_")
    net.fit(*iris).set_params(learning_rate="constant").partial_fit(*iris)
    assert net.t_ == 7 * 150


@pytest.mark.parametrize("value", BAD_FACTORS, ids=repr)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_bad_factor_ends_fit_with_finite_weights(iris, value, early_stopping):
    net = network(
        learning_rate=lambda fraction: 1.0 if fraction < 0.5 else value,
        early_stopping=early_stopping,
    )
    with pytest.raises(ValueError, match=r"the fraction 0\.5 of training"):
        net.fit(*iris)
    assert net.n_iter_ == 3
    assert np.isfinite(net.predict_proba(iris[0])).all()


def test_an_error_in_a_schedule_of_ones_own_comes_through(iris):
    with pytest.raises(ZeroDivisionError):
        network(learning_rate=lambda fraction: 1 / fraction).fit(*iris)


@short
def test_grid_search_reaches_every_schedule(iris):
    grid = {"learning_rate": [*SCHEDULES, *FACTORS, falling, partial(one_cycle)]}
    search = GridSearchCV(network(), grid, cv=2, error_score="raise").fit(*iris)
    assert len(search.cv_results_["params"]) == 8
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    copy = pickle.loads(pickle.dumps(network(learning_rate=falling).fit(*iris)))
    assert copy.learning_rate is falling

"""Schedules against their formulas and scikit-learn's."""

import pytest

from sknet.schedules import Adaptive, Constant, InverseScaling


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

"""What fails in the midst of fit leaves things as they were."""

import pickle

import numpy as np
import pytest

from sknet.augment import RandomAffine, RandomShift
from support import assert_same_weights, assert_trains_on_alike, network


def failing_score(estimator, X, y):
    raise RuntimeError("no score today")


def no_number(estimator, X, y):
    return np.nan


FAILING = {
    "augment of other images": {"augment": RandomAffine((3, 3))},
    "augment is a class": {"augment": RandomShift},
    "augment makes NaN": {"augment": lambda X, rng: X * np.nan},
    "learning rate is None": {"learning_rate": lambda fraction: None},
    "scorer raises": {"scoring": failing_score, "early_stopping": True},
    "scorer gives NaN": {"scoring": no_number, "early_stopping": True},
    "scorer for two classes": {"scoring": "roc_auc", "early_stopping": True},
    "another dtype": {"dtype": "float32", "warm_start": True},
}


@pytest.mark.parametrize("parameters", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("warm_start", [False, True])
def test_what_fails_in_the_first_epoch_changes_nothing(iris, parameters, warm_start):
    net = network(warm_start=True).fit(*iris)
    usual, before = net.get_params(), pickle.dumps(net)
    twin = pickle.loads(before)
    net.set_params(**{"warm_start": warm_start, **parameters})
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        net.fit(*iris)
    net.set_params(**usual)
    assert pickle.dumps(net) == before
    # Optimizer, random streams and all: training goes on as if nothing had been.
    assert_same_weights(net.fit(*iris), twin.fit(*iris))


@pytest.mark.parametrize("parameters", [{"augment": RandomShift}, {"augment": np.add}])
def test_what_fails_in_partial_fit_changes_nothing(iris, parameters):
    net, twin = (network().partial_fit(*iris, classes=[0, 1, 2]) for _ in range(2))
    with pytest.raises((ValueError, TypeError)):
        net.set_params(**parameters).partial_fit(*iris)
    assert_trains_on_alike(net.set_params(augment=None), twin, *iris)


def test_a_first_fit_that_fails_leaves_an_unfitted_network(iris):
    net = network(augment=RandomShift)
    with pytest.raises((ValueError, TypeError)):
        net.fit(*iris)
    assert not hasattr(net, "coefs_")


def test_a_scorer_that_fails_says_on_what(iris):
    net = network(scoring=failing_score, early_stopping=True)
    with pytest.raises(RuntimeError, match="no score today") as error:
        net.fit(*iris)
    (note,) = error.value.__notes__
    assert "failing_score" in note
    assert "validation set" in note


def test_augmented_samples_that_are_not_finite_are_not_blamed_on_x(iris):
    with pytest.raises(ValueError, match="augment returned NaN or infinity"):
        network(augment=lambda X, rng: X / 0 * 0).fit(*iris)

"""Failures leave things as they were; training goes on and compares like with like."""

import pickle
import signal
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal, assert_equal
from sklearn.datasets import load_digits

from sknet import ScratchMLPClassifier
from sknet.augment import RandomAffine, RandomShift
from sknet.optimizers import clip, norm_of

short = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ENDLESS = {"tol": 0, "n_iter_no_change": np.inf}


def network(**parameters):
    settings = {"hidden_layer_sizes": (8,), "max_iter": 6, "random_state": 0}
    return ScratchMLPClassifier(**{**settings, **ENDLESS, **parameters})


def failing_score(estimator, X, y):
    raise RuntimeError("no score today")


def no_number(estimator, X, y):
    return np.nan


# -- failures --------------------------------------------------------------------------

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
    net, twin = (network().fit(*iris) for _ in range(2))
    seconds = net.history_["seconds"].copy()
    net.set_params(**{"warm_start": warm_start, **parameters})
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        net.fit(*iris)
    assert net.history_.pop("seconds") == seconds
    twin.history_.pop("seconds")
    twin.set_params(**net.get_params())
    assert_equal(vars(net), vars(twin))
    # Optimizer, random streams and all: training goes on as if nothing had been.
    usual = network(warm_start=True).get_params()
    fits = [n.set_params(**usual).fit(*iris)._theta for n in (net, twin)]
    assert_array_equal(*fits)


@pytest.mark.parametrize("parameters", [{"augment": RandomShift}, {"augment": np.add}])
def test_what_fails_in_partial_fit_changes_nothing(iris, parameters):
    net, twin = (network().partial_fit(*iris, classes=[0, 1, 2]) for _ in range(2))
    with pytest.raises((ValueError, TypeError)):
        net.set_params(**parameters).partial_fit(*iris)
    fits = [n.set_params(augment=None).partial_fit(*iris)._theta for n in (net, twin)]
    assert_array_equal(*fits)


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


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="needs signals"
)
def test_ctrl_c_pressed_twice_does_not_wait_for_the_step(iris):
    calls = []

    def stuck(X, rng):
        calls.append(1)
        if len(calls) == 6:  # in the third epoch, whose first batch was a whole step
            for _ in range(1000):
                signal.raise_signal(signal.SIGINT)
        return X

    net = network(augment=stuck, batch_size=75)
    with pytest.warns(UserWarning, match="iteration 3; .* the last whole epoch"):
        net.fit(*iris)
    assert len(calls) == 6
    assert net.n_iter_ == 2
    two = network(augment=lambda X, rng: X, batch_size=75, max_iter=2).fit(*iris)
    assert_array_equal(net._theta, two._theta)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# -- patience --------------------------------------------------------------------------


@short
@pytest.mark.parametrize(
    "changed",
    [{"label_smoothing": 0.2}, {"alpha": 50.0}],
    ids=str,
)
def test_a_warm_start_does_not_wait_for_the_best_of_another_cost(changed):
    """Which the new one may never reach, so that patience ran out at once."""
    X, y = load_digits(return_X_y=True)
    parameters = {"tol": 1e-4, "n_iter_no_change": 3, "learning_rate_init": 0.01}
    net = network(**parameters, max_iter=30, warm_start=True).fit(X / 16, y)
    before = net.best_loss_
    net.set_params(**changed).fit(X / 16, y)
    curve = net.loss_curve_[-net.n_iter_ :]
    assert min(curve) > before  # or there was nothing to see
    assert net.best_loss_ == min(curve)
    assert net.n_iter_ > 4  # it improved at first, and patience began anew


@short
@pytest.mark.parametrize(
    "changed", [{"scoring": "loss"}, {"early_stopping": False}], ids=str
)
def test_patience_with_another_measure_begins_anew(iris, changed):
    parameters = {"tol": 10.0, "n_iter_no_change": 5, "max_iter": 5}
    net = network(**parameters, early_stopping=True, warm_start=True).fit(*iris)
    assert net._resume["count"] == 4  # nothing improves by 10
    net.set_params(**changed).fit(*iris)
    assert net.n_iter_ == 5


@short
def test_patience_with_the_same_measure_goes_on(iris):
    parameters = {"tol": 10.0, "n_iter_no_change": 5, "max_iter": 5}
    net = network(**parameters, early_stopping=True, warm_start=True).fit(*iris)
    net = pickle.loads(pickle.dumps(net)).fit(*iris)
    assert net.n_iter_ < 5


def test_best_loss_is_none_with_early_stopping_after_a_warm_start_too(iris):
    net = network(warm_start=True).fit(*iris)
    assert net.best_loss_ == min(net.loss_curve_)
    assert net.set_params(early_stopping=True).fit(*iris).best_loss_ is None


def test_weights_by_hand_have_no_best_epoch_before_them(iris):
    X, y = iris
    net = network(warm_start=True).fit(X, y, X_val=X, y_val=y)
    zeros = [np.zeros_like(coef) for coef in net.coefs_]
    biases = [np.zeros_like(bias) for bias in net.intercepts_]
    net.set_params(learning_rate=lambda fraction: 0.0)
    net.fit(X, y, X_val=X, y_val=y, coef_init=zeros, intercept_init=biases)
    assert net.best_validation_score_ == pytest.approx(1 / 3)
    assert net.best_iteration_ == 6


@short
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_weights_by_hand_have_no_past(iris, solver):
    """Neither the optimizer's memory nor the best loss of others are theirs."""
    X, y = iris
    impatient = {"solver": solver, "tol": 1e-4, "n_iter_no_change": 2, "max_iter": 30}
    net = network(**impatient, warm_start=True, learning_rate_init=0.05).fit(X, y)
    assert net.loss_ < 0.3  # which the weights by hand do not reach soon
    first = network(max_iter=1, random_state=1).fit(X, y)
    coefs, biases = first.coefs_, first.intercepts_
    whole_batch = {"batch_size": 150, "learning_rate_init": 1e-3}
    net.set_params(**whole_batch).fit(X, y, coef_init=coefs, intercept_init=biases)
    fresh = network(**impatient).set_params(**whole_batch)
    fresh.fit(X, y, coef_init=coefs, intercept_init=biases)
    assert net.n_iter_ == fresh.n_iter_ == 30
    np.testing.assert_allclose(net._theta, fresh._theta, rtol=1e-12)


# -- what does nothing, and what cannot change -----------------------------------------


@pytest.mark.parametrize(
    "idle",
    [{"scoring": "roc_auc_ovr"}, {"weight_decay": 0.5}, {"momentum": 0.5}],
    ids=str,
)
def test_a_parameter_that_becomes_idle_is_named_once(iris, idle):
    net = network(warm_start=True).fit(*iris)
    net.set_params(**idle)
    (name,) = idle
    with pytest.warns(UserWarning, match=f"Without effect: {name}="):
        net.fit(*iris)
    net.fit(*iris)


def test_dropout_without_hidden_layers_is_named(iris):
    with pytest.warns(UserWarning, match=r"dropout=0\.5 without hidden layers"):
        network(hidden_layer_sizes=(), dropout=0.5).fit(*iris)


def test_another_dtype_cannot_go_on(iris):
    net = network(warm_start=True).fit(*iris)
    with pytest.raises(ValueError, match="dtype was float64 and is now float32"):
        net.set_params(dtype="float32").fit(*iris)
    net.set_params(dtype=np.float64).fit(*iris)


@pytest.mark.parametrize("dropout", [np.array(0.5), np.float32(0.5), np.array([0.5])])
def test_dropout_may_be_a_number_of_numpy(iris, dropout):
    net = network(dropout=dropout).fit(*iris)
    assert_array_equal(net._theta, network(dropout=0.5).fit(*iris)._theta)


@pytest.mark.parametrize("dropout", [{0: 0.5}, {0.5}])
def test_dropout_is_no_dict_and_no_set(iris, dropout):
    with pytest.raises(ValueError, match="dropout"):
        network(dropout=dropout).fit(*iris)


def test_class_weights_may_know_more_classes_than_y(iris):
    X, y = iris
    weights = {0: 1.0, 1: 2.0, 2: 3.0, 7: 9.0}
    net = network(class_weight=weights).fit(X, y)
    del weights[7]
    assert_array_equal(net._theta, network(class_weight=weights).fit(X, y)._theta)


def test_a_random_state_of_any_kind_trains_on(iris):
    rng = np.random.RandomState(np.random.PCG64(0))
    net = network(random_state=rng, warm_start=True, max_iter=3, dropout=0.2)
    rng = np.random.RandomState(np.random.PCG64(0))
    whole = network(random_state=rng, dropout=0.2).fit(*iris)
    assert_array_equal(net.fit(*iris).fit(*iris)._theta, whole._theta)


# -- gradients of any size -------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fraction_of_range", [-0.95, -0.6, 0.0, 0.6, 0.95])
def test_gradients_of_any_size_are_clipped(dtype, fraction_of_range):
    """Their squares leave the type from half its range of exponents on."""
    size = 10.0 ** (fraction_of_range * np.log10(float(np.finfo(dtype).max)))
    direction = np.array([0.6, 0.0, -0.8])
    grad = (size * direction).astype(dtype)
    assert norm_of(grad) == pytest.approx(size, rel=1e-5)
    norm = clip(grad, max_norm=size / 4)
    assert norm == pytest.approx(size, rel=1e-5)
    np.testing.assert_allclose(grad, size / 4 * direction, rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_has_no_finite_norm(value):
    assert not np.isfinite(norm_of(np.array([1.0, value])))
    assert norm_of(np.zeros(3)) == 0.0

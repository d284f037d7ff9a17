"""history_: what was measured in each epoch."""

from time import perf_counter

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import log_loss

from support import (
    network,
    unconverged,
)

PLAIN = {"loss", "penalty", "learning_rate", "grad_norm", "seconds"}
VALIDATED = PLAIN | {"val_loss", "val_score"}
FULL_BATCH = {"solver": "sgd", "momentum": 0, "nesterovs_momentum": False}
SOLVERS = ["adam", "adamw", "sgd", "lbfgs"]
for_each_solver = pytest.mark.parametrize("solver", SOLVERS)


def lengths(net):
    return {len(values) for values in net.history_.values()}


@unconverged
@for_each_solver
@pytest.mark.parametrize("validation", ["none", "own", "held out"])
def test_lists_of_numbers_of_equal_length(iris, solver, validation):
    X, y = iris
    held_out = validation == "held out" and solver != "lbfgs"
    net = network(solver, early_stopping=held_out)
    net.fit(X, y, **({"X_val": X, "y_val": y} if validation == "own" else {}))
    validated = validation == "own" or held_out
    assert set(net.history_) == (VALIDATED if validated else PLAIN)
    assert lengths(net) == {net.n_iter_} == {6}
    for values in net.history_.values():
        assert all(type(value) is float for value in values)
    if validated:
        assert net.history_["val_score"] == net.validation_scores_


@pytest.mark.parametrize("early_stopping", [False, True])
def test_attributes_that_sum_up_the_history(iris, early_stopping):
    X, y = iris
    net = network(early_stopping=early_stopping).fit(X, y)
    n_trained = 135 if early_stopping else 150
    assert net.n_iter_ == len(net.loss_curve_) == 6
    assert net.t_ == 6 * n_trained
    assert net.loss_ == net.loss_curve_[-1]
    assert net.n_layers_ == 3
    assert net.n_outputs_ == 3
    if early_stopping:
        assert net.best_loss_ is None
        assert len(net.validation_scores_) == 6
        assert net.best_validation_score_ == max(net.validation_scores_)
    else:
        assert net.best_loss_ == min(net.loss_curve_)
        assert net.validation_scores_ is None
        assert net.best_validation_score_ is None


@unconverged
@for_each_solver
@pytest.mark.parametrize("alpha", [0, 1e-4, 3.0])
def test_loss_and_penalty_add_up_to_the_cost(iris, solver, alpha):
    net = network(solver, alpha=alpha).fit(*iris)
    loss, penalty = net.history_["loss"], net.history_["penalty"]
    assert_allclose(np.add(loss, penalty), net.loss_curve_, rtol=1e-14)
    assert np.all(np.equal(penalty, 0) if alpha == 0 else np.greater(penalty, 0))


@pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize(
    ("solver", "batch_size"), [("adam", 7), ("adamw", 40), ("sgd", 40)]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_the_weighted_mean_over_all_samples_without_the_penalty(
    iris, multilabel, target, solver, batch_size, weighted
):
    """At a rate of 0 all batches meet the same weights, the last short one too."""
    X, y = multilabel if target == "multilabel" else iris
    y = y > 0 if target == "binary" else y
    w = np.random.default_rng(0).uniform(0.1, 3, len(y)) if weighted else None
    settings = {"batch_size": batch_size, "learning_rate": lambda fraction: 0.0}
    net = network(solver, alpha=2.0, max_iter=2, **settings).fit(X, y, w)
    proba = net.predict_proba(X)
    if target == "multilabel":
        expected = sum(
            log_loss(y[:, k], proba[:, k], sample_weight=w) for k in range(4)
        )
    else:
        expected = log_loss(y, proba, sample_weight=w)
    assert_allclose(net.history_["loss"], expected, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_penalty_is_that_of_the_documented_cost(iris, weighted):
    """On a full batch, whose cost is measured before its step."""
    X, y = iris
    w = np.random.RandomState(0).uniform(0.1, 3, 150) if weighted else np.ones(150)
    settings = {"batch_size": 150, "learning_rate": lambda fraction: 0.0}
    net = network(alpha=2.0, max_iter=1, **settings).fit(X, y, w)
    squares = sum((coef**2).sum() for coef in net.coefs_)
    penalty = 2.0 / (2 * w.sum()) * squares
    assert net.history_["penalty"] == [pytest.approx(penalty, rel=1e-12)]
    expected = log_loss(y, net.predict_proba(X), sample_weight=w) + penalty
    assert net.loss_ == pytest.approx(expected, rel=1e-12)


@unconverged
def test_the_loss_of_lbfgs_is_that_after_each_iteration(iris):
    X, y = iris
    net = network("lbfgs", alpha=1.0).fit(X, y)
    for i in range(6):
        shorter = network("lbfgs", alpha=1.0, max_iter=i + 1).fit(X, y)
        loss = log_loss(y, shorter.predict_proba(X))
        assert net.history_["loss"][i] == pytest.approx(loss, rel=1e-12)
        squares = sum((coef**2).sum() for coef in shorter.coefs_)
        penalty = 1.0 / (2 * 150) * squares
        assert net.history_["penalty"][i] == pytest.approx(penalty, rel=1e-12)


RATES = {
    "constant": [0.02] * 6,
    "invscaling": [0.02 / (150 * epoch + 1) ** 0.5 for epoch in range(6)],
    # 4 batches an epoch: the last of 24 steps finds 23 / 24 of training done
    "cosine": [0.01 * (1 + np.cos(np.pi * (4 * n - 1) / 24)) for n in range(1, 7)],
    "own": [0.02 * (1 - (4 * n - 1) / 24) for n in range(1, 7)],
}


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("name", RATES)
def test_the_learning_rate_is_that_of_the_last_step(iris, name, solver):
    learning_rate = (lambda fraction: 1 - fraction) if name == "own" else name
    net = network(solver, learning_rate=learning_rate).fit(*iris)
    assert_allclose(net.history_["learning_rate"], RATES[name], rtol=1e-12)


def test_the_learning_rate_that_plateaus_lower(iris):
    impatient = {"tol": 1e9, "n_iter_no_change": 1}  # nothing counts as improvement
    net = network("sgd", learning_rate="adaptive", **{**impatient, "max_iter": 5})
    with pytest.warns(UserWarning, match="max_iter=5"):
        net.fit(*iris)
    assert_allclose(net.history_["learning_rate"], [0.02] * 3 + [0.004] * 2)


@unconverged
def test_lbfgs_has_no_learning_rate(iris):
    net = network("lbfgs").fit(*iris)
    assert np.isnan(net.history_["learning_rate"]).all()


def numerical_norm(net, X, y):
    """Norm of the gradient of the cost, by differences."""

    def cost():
        squares = sum((coef**2).sum() for coef in net.coefs_)
        loss = -net.predict_log_proba(X)[np.arange(len(y)), y].mean()
        return loss + net.alpha / (2 * len(y)) * squares

    gradient = []
    for array in net.coefs_ + net.intercepts_:  # views: writing changes the network
        for i, value in np.ndenumerate(array.copy()):
            array[i] = value + 1e-5
            above = cost()
            array[i] = value - 1e-5
            gradient.append((above - cost()) / 2e-5)
            array[i] = value
    return np.linalg.norm(gradient)


@pytest.mark.parametrize("max_grad_norm", [None, 1e-3, 1e3])
def test_grad_norm_is_that_of_the_gradient_before_it_is_clipped(iris, max_grad_norm):
    X, y = iris
    settings = {**FULL_BATCH, "batch_size": 150, "activation": "tanh", "alpha": 1.0}
    net = network(max_grad_norm=max_grad_norm, **settings).fit(X, y)
    for n_epochs in range(6):  # the gradient is that of the weights before the step
        if n_epochs == 0:
            before = network(
                **{**settings, "max_iter": 1, "learning_rate_init": 1e-300}
            )
        else:
            settings["max_iter"] = n_epochs
            before = network(max_grad_norm=max_grad_norm, **settings)
        norm = numerical_norm(before.fit(X, y), X, y)
        assert net.history_["grad_norm"][n_epochs] == pytest.approx(norm, rel=1e-5)
    assert min(net.history_["grad_norm"]) > 0.01  # 1e-3 clips


@unconverged
def test_grad_norm_of_lbfgs_is_that_after_each_iteration(iris):
    X, y = iris
    net = network("lbfgs", activation="tanh", alpha=1.0).fit(X, y)
    for i in range(6):
        shorter = network("lbfgs", activation="tanh", alpha=1.0, max_iter=i + 1)
        norm = numerical_norm(shorter.fit(X, y), X, y)
        assert net.history_["grad_norm"][i] == pytest.approx(norm, rel=1e-5)


def test_a_converged_lbfgs_ends_with_a_small_gradient(iris):
    net = network("lbfgs", alpha=1.0, tol=1e-6, max_iter=5000).fit(*iris)
    assert lengths(net) == {net.n_iter_} == {len(net.loss_curve_)}
    assert net.history_["grad_norm"][-1] < 1e-2 * net.history_["grad_norm"][0]
    assert net.history_["loss"][-1] < net.history_["loss"][0]


@unconverged
@for_each_solver
def test_seconds_are_the_time_that_fit_takes(iris, solver):
    X, y = np.repeat(iris[0], 40, axis=0), np.repeat(iris[1], 40)
    net, shares = network(solver, max_iter=20), []
    for _ in range(3):  # a busy machine may halt one between two epochs
        start = perf_counter()
        net.fit(X, y, X_val=X, y_val=y)
        shares.append(sum(net.history_["seconds"]) / (perf_counter() - start))
        assert min(net.history_["seconds"]) > 0
    assert 0.3 < max(shares) <= 1


def test_seconds_count_the_validation(iris):
    X, y = iris

    def slow(net, X, y):
        until = perf_counter() + 0.01
        while perf_counter() < until:
            pass
        return 0.5

    net = network(scoring=slow, max_iter=3).fit(X, y, X_val=X, y_val=y)
    assert min(net.history_["seconds"]) >= 0.01


@pytest.mark.parametrize("after", ["nothing", "fit", "validated fit"])
def test_partial_fit_remembers_its_last_hundred_calls(iris, after):
    X, y = iris
    net = network(warm_start=True)
    if after == "fit":
        net.fit(X, y)
    elif after == "validated fit":
        net.fit(X, y, X_val=X, y_val=y)
    costs = []
    for _ in range(150):
        net.partial_fit(X, y, classes=[0, 1, 2])
        costs.append(net.loss_)
    assert lengths(net) == {100} == {len(net.loss_curve_)}
    assert net.loss_curve_ == costs[-100:]
    sums = np.add(net.history_["loss"], net.history_["penalty"])
    assert_allclose(sums, costs[-100:], rtol=1e-14)


def test_calls_of_partial_fit_have_the_history_of_fit(iris):
    X, y = iris
    whole = network().fit(X, y)
    net = network()
    for _ in range(6):
        net.partial_fit(X, y, classes=[0, 1, 2])
    for name in PLAIN - {"seconds"}:
        assert net.history_[name] == whole.history_[name]


@unconverged
@for_each_solver
def test_a_warm_start_appends(iris, solver):
    X, y = iris
    net = network(solver, warm_start=True).fit(X, y)
    first = {name: list(values) for name, values in net.history_.items()}
    net.fit(X, y)
    assert lengths(net) == {12}
    for name, values in first.items():
        assert_array_equal(net.history_[name][:6], values)
    if solver != "lbfgs":
        twice = network(solver, max_iter=12).fit(X, y)
        assert net.history_["loss"] == twice.history_["loss"]


@unconverged
@pytest.mark.parametrize("second", ["adam", "lbfgs"])
def test_validation_that_comes_and_goes_leaves_gaps(iris, second):
    X, y = iris
    validation = {"X_val": X, "y_val": y}
    net = network(warm_start=True).fit(X, y)
    net.fit(X, y, **validation)
    net.set_params(**{**network(second).get_params(), "warm_start": True})
    net.fit(X, y)
    net.fit(X, y, **validation)
    assert lengths(net) == {24} == {len(net.loss_curve_)}
    for name in "val_loss", "val_score":
        gaps = np.isnan(net.history_[name])
        assert_array_equal(gaps, np.repeat([True, False, True, False], 6))


def test_fit_begins_a_new_history_without_a_warm_start(iris):
    X, y = iris
    net = network().fit(X, y, X_val=X, y_val=y)
    net.fit(X, y)
    assert set(net.history_) == PLAIN
    assert lengths(net) == {6}


def test_the_best_epoch_is_found_in_the_history(iris):
    X, y = iris
    net = network(warm_start=True).fit(X, y).set_params(scoring="loss")
    net.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert net.history_["val_score"][net.best_iteration_ - 1] == pytest.approx(
        net.best_validation_score_
    )
    assert net.history_["val_loss"][net.best_iteration_ - 1] == pytest.approx(
        log_loss(y[1::2], net.predict_proba(X[1::2]))
    )

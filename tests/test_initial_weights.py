"""Weights by hand: assigned to a fitted network, or given to fit."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from support import PLAIN_SGD, assert_same_weights, flat, network, short


def by_whole_list(net, coefs, intercepts):
    net.coefs_, net.intercepts_ = coefs, intercepts


def by_element(net, coefs, intercepts):
    for layer, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        net.coefs_[layer] = coef
        net.intercepts_[layer] = intercept


def in_place(net, coefs, intercepts):
    for layer, (coef, intercept) in enumerate(zip(coefs, intercepts, strict=True)):
        net.coefs_[layer][...] = coef
        net.intercepts_[layer][:] = intercept


@pytest.mark.parametrize("assign", [by_whole_list, by_element, in_place])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_goes_on_from_weights_set_by_hand(iris, assign, method):
    X, y = iris
    parameters = {**PLAIN_SGD, "warm_start": True, "shuffle": False, "max_iter": 2}
    other = network(**parameters, random_state=1).fit(X, y)
    net = network(**parameters).fit(X, y)
    assign(net, [c.copy() for c in other.coefs_], [b.copy() for b in other.intercepts_])
    assert_array_equal(net.predict_proba(X), other.predict_proba(X))
    for model in (net, other):
        getattr(model, method)(X, y)
    assert_same_weights(net, other)


@pytest.mark.parametrize("warm_start", [False, True])
def test_fit_starts_from_given_weights(iris, warm_start):
    X, y = iris
    parameters = {**PLAIN_SGD, "shuffle": False, "warm_start": warm_start}
    first = network(**parameters, max_iter=2).fit(X, y)
    net = network(**parameters, max_iter=3)
    if warm_start:
        net.fit(X, y)
    net.fit(X, y, coef_init=first.coefs_, intercept_init=first.intercepts_)
    whole = network(**parameters, max_iter=5).fit(X, y)
    assert_same_weights(net, whole)


def test_given_weights_are_copied(iris):
    X, y = iris
    coefs = [np.full((4, 6), 0.1), np.full((6, 3), 0.1)]
    intercepts = [[0] * 6, [0] * 3]
    network().fit(X, y, coef_init=coefs, intercept_init=intercepts)
    assert all((coef == 0.1).all() for coef in coefs)
    assert intercepts == [[0] * 6, [0] * 3]


BAD_WEIGHTS = {
    "number of layers": [np.zeros((4, 6))],
    "shape": [np.zeros((4, 6)), np.zeros((3, 6))],
    "nan": [np.full((4, 6), np.nan), np.zeros((6, 3))],
    "inf": [np.zeros((4, 6)), np.full((6, 3), np.inf)],
}


@pytest.mark.parametrize("coefs", BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_weights_by_hand_must_fit(iris, coefs):
    X, y = iris
    net = network(warm_start=True).fit(X, y)
    before = net.predict_proba(X)
    with pytest.raises(ValueError, match="coefs_ must"):
        net.coefs_ = coefs
    with pytest.raises(ValueError, match="coefs_ must"):
        net.fit(X, y, coef_init=coefs)
    with pytest.raises(ValueError, match="layer 1 has shape"):
        net.intercepts_[1] = [1.0, 2.0]
    assert_array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize("warm_start", [False, True])
def test_good_weights_with_bad_biases_change_nothing(iris, warm_start):
    X, y = iris
    net = network(warm_start=warm_start).fit(X, y)
    before = net.predict_proba(X)
    zeros = [np.zeros_like(coef) for coef in net.coefs_]
    with pytest.raises(ValueError, match="intercepts_ must"):
        net.fit(X, y, coef_init=zeros, intercept_init=[[0.0]])
    assert_array_equal(net.predict_proba(X), before)


# -- without a past --------------------------------------------------------------------


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
    assert_allclose(flat(net), flat(fresh), rtol=1e-12)

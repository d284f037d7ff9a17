"""Dropout leaves out what it says, on average changes nothing, and is off otherwise."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sknet.activations import ACTIVATIONS
from sknet.backprop import Objective
from sknet.dropout import Dropout, DropoutObjective, random_mask
from sknet.gradient_check import numerical_gradient
from sknet.losses import LOSSES, ClassTargets
from sknet.network import Network, count_parameters, prepend_ones
from support import (
    assert_same_fit,
    assert_same_weights,
    flat,
    network,
)


def problem(activation="tanh", loss="softmax", alpha=0.3, dtype=np.float64):
    """Objective of a network of two hidden layers, and a batch of 12 samples."""
    rng = np.random.RandomState(0)
    n_units = [4, 6, 5, 3]
    theta = rng.normal(size=count_parameters(n_units)).astype(dtype)
    network = Network(n_units, ACTIVATIONS[activation], theta)
    X1 = prepend_ones(rng.normal(size=(12, 4)).astype(dtype))
    Y = ClassTargets(np.arange(12) % 3, 3, dtype)[:]
    batch = X1, Y, rng.rand(12).astype(dtype) + 0.5
    return Objective(network, LOSSES[loss], alpha), batch


# -- masks -----------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_mask_has_its_share_of_zeros_and_a_mean_of_one(p, dtype):
    mask = random_mask((500, 400), p, np.random.default_rng(0), dtype)
    assert mask.dtype == dtype
    assert_allclose(np.unique(mask), [0, 1 / (1 - p)], rtol=1e-6)
    # Six standard deviations of a mean of 200,000 draws.
    six_sigma = 6 * np.sqrt(p * (1 - p) / mask.size)
    assert abs((mask == 0).mean() - p) < six_sigma
    # Neither rows nor columns are left out as a whole.
    assert abs(mask.mean(axis=0) - 1).max() < 6 * np.sqrt(p / (1 - p) / 500)
    assert abs(mask.mean(axis=1) - 1).max() < 6 * np.sqrt(p / (1 - p) / 400)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_derivative_is_that_of_the_masked_activation(name):
    dropout = Dropout(ACTIVATIONS[name], 0.4, np.random.default_rng(0))
    z = np.random.RandomState(0).normal(size=(8, 50))
    a = z.copy()
    dropout.forward(a)
    plain = z.copy()
    ACTIVATIONS[name].forward(plain)
    mask = np.divide(a, plain, out=np.ones_like(a), where=plain != 0)
    assert_allclose(a, plain * mask)
    delta = np.ones_like(z)
    dropout.backward(z.copy(), delta)
    step, up, down = 1e-6, z + 1e-6, z - 1e-6
    ACTIVATIONS[name].forward(up)
    ACTIVATIONS[name].forward(down)
    known = plain != 0  # a relu at 0 tells nothing of its mask
    slopes = mask * (up - down) / (2 * step)
    assert_allclose(delta[known], slopes[known], atol=1e-7)
    assert set(np.unique(mask[known]).round(12)) == {0, round(1 / 0.6, 12)}


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "logistic"])
@pytest.mark.parametrize("loss", ["softmax", "logistic"])
@pytest.mark.parametrize("input_dropout", [0.0, 0.3])
@pytest.mark.parametrize("dropout", [[0.0, 0.5], [0.3, 0.6]])
def test_the_gradient_is_that_of_the_thinned_network(
    activation, loss, input_dropout, dropout
):
    """With the same units left out at every evaluation."""
    objective, batch = problem(activation, loss)
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state
    thinned = DropoutObjective(objective, dropout, input_dropout, rng)
    network = objective.network

    def cost_of_the_thinned():
        rng.bit_generator.state = state
        X1, Y, w = batch
        if input_dropout:
            X1 = thinned._thinned_inputs(X1)
        return thinned._thinned.value_and_grad(X1, Y, w)[0]

    rng.bit_generator.state = state
    grad = thinned.value_and_grad(*batch)[1].copy()
    everywhere = np.arange(len(network.theta))
    central = {-1: -0.5, 1: 0.5}
    numerical = numerical_gradient(
        cost_of_the_thinned, network.theta, everywhere, 1e-5, central
    )
    assert_allclose(grad, numerical, atol=1e-7)
    whole = objective.value_and_grad(*batch)[1]
    assert abs(whole - grad).max() > 1e-3  # or there was nothing to see


def test_the_cost_is_that_of_the_whole_network():
    objective, batch = problem()
    thinned = DropoutObjective(objective, [0.5, 0.5], 0.5, np.random.default_rng(0))
    for _ in range(3):
        cost, _ = thinned.value_and_grad(*batch)
        assert cost == objective.value_and_grad(*batch)[0]
        assert thinned.penalty == objective.penalty > 0


def test_the_gradient_of_a_linear_network_is_right_on_average():
    """E[mask x] = x, so that one layer's thinned scores have the whole one's mean."""
    objective, (X1, *_) = problem("identity")
    thinned = DropoutObjective(objective, [0.5, 0.2], 0.3, np.random.default_rng(0))
    whole = objective.network.forward(X1).copy()
    total = np.zeros_like(whole)
    n = 4000
    for _ in range(n):
        total += thinned._thinned.network.forward(thinned._thinned_inputs(X1))
    assert_allclose(total / n, whole, atol=0.12 * abs(whole).max())


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_inputs_are_left_out_but_never_the_ones(container):
    objective, _ = problem()
    thinned = DropoutObjective(objective, [0.0, 0.0], 0.25, np.random.default_rng(0))
    X = np.random.RandomState(0).rand(1000, 4) + 1
    X1 = prepend_ones(container(X))
    before = X1.copy()
    left = thinned._thinned_inputs(X1)
    if sparse.issparse(X1):
        left, X1, before = left.toarray(), X1.toarray(), before.toarray()
    assert_array_equal(X1, before)
    assert_array_equal(left[0], 1)
    factors = left[1:] / X.T
    assert_allclose(np.unique(factors.round(12)), [0, 4 / 3])
    assert abs((factors == 0).mean() - 0.25) < 6 * np.sqrt(0.25 * 0.75 / 4000)


# -- in the estimator ------------------------------------------------------------------


@pytest.mark.parametrize(
    "off", [{"dropout": [0.0]}, {"dropout": 0, "input_dropout": 0}]
)
def test_without_dropout_nothing_changes(iris, off):
    off_net, net = network(**off).fit(*iris), network().fit(*iris)
    assert_same_fit(off_net, net)


@pytest.mark.parametrize("on", [{"dropout": 0.5}, {"input_dropout": 0.5}])
@pytest.mark.parametrize("batch_size", [20, 150])
def test_dropout_moves_neither_initial_weights_nor_shuffles(iris, on, batch_size):
    # A learning rate of 0 leaves the weights where they began.
    still = {"learning_rate": lambda fraction: 0.0, "batch_size": batch_size}
    still |= {"solver": "sgd", "momentum": 0.0}
    with_it, without = (network(**still, **p).fit(*iris) for p in (on, {}))
    assert_same_fit(with_it, without)  # in their losses too, where dropout is off
    # The next steps take the samples in the same order.
    usual = {"dropout": 0.0, "input_dropout": 0.0, "learning_rate": "constant"}
    for net in (with_it, without):
        net.set_params(**usual).partial_fit(*iris)
    assert_same_weights(with_it, without)


def test_predictions_take_the_whole_network(iris):
    X, y = iris
    net = network(dropout=0.5, input_dropout=0.5).fit(X, y)
    assert_array_equal(net.predict_proba(X), net.predict_proba(X))
    hidden = np.maximum(X @ net.coefs_[0] + net.intercepts_[0], 0)
    raw = hidden @ net.coefs_[1] + net.intercepts_[1]
    assert_allclose(net.decision_function(X), raw, atol=1e-12)


@pytest.mark.parametrize("dropout", [[0.5, 0.0], [0.0, 0.5]])
def test_each_layer_has_its_own(iris, dropout):
    fits = [
        flat(network(hidden_layer_sizes=(8, 8), dropout=d).fit(*iris))
        for d in (dropout, dropout[::-1], dropout)
    ]
    assert not np.array_equal(fits[0], fits[1])
    assert_array_equal(fits[0], fits[2])


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("on", [{"dropout": 0.5}, {"input_dropout": 0.5}])
def test_calls_of_partial_fit_leave_out_other_units_each(iris, solver, on):
    """As the epochs of fit do."""
    X, y = iris
    net = network(solver=solver, **on)
    for _ in range(6):
        net.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_weights(net, network(solver=solver, **on).fit(X, y))


def test_dropout_of_sparse_samples_is_that_of_dense_ones_in_kind(iris):
    X, y = iris
    net = network(input_dropout=0.9, batch_size=50).fit(sparse.csr_array(X), y)
    plain = network(batch_size=50).fit(sparse.csr_array(X), y)
    assert not np.array_equal(flat(net), flat(plain))
    assert np.isfinite(flat(net)).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": -0.1}, "dropout"),
        ({"dropout": [0.5, 0.5]}, "2 entries for 1 hidden layers"),
        ({"dropout": [1.0]}, "dropout has 1.0 for a layer"),
        ({"dropout": ["a"]}, "dropout has 'a' for a layer"),
        ({"input_dropout": 1.0}, "input_dropout"),
        ({"dropout": 0.1, "solver": "lbfgs"}, "dropout=0.1 does not go with solver"),
        ({"dropout": [0.1], "solver": "lbfgs"}, "dropout=.* does not go with solver"),
        ({"input_dropout": 0.1, "solver": "lbfgs"}, "input_dropout=0.1 does not go"),
    ],
)
def test_what_cannot_be_is_refused(iris, parameters, message):
    with pytest.raises(ValueError, match=message):
        network(**parameters).fit(*iris)


@pytest.mark.parametrize("dropout", [np.array(0.5), np.float32(0.5), np.array([0.5])])
def test_dropout_may_be_a_number_of_numpy(iris, dropout):
    net = network(dropout=dropout).fit(*iris)
    assert_same_weights(net, network(dropout=0.5).fit(*iris))


@pytest.mark.parametrize("dropout", [{0: 0.5}, {0.5}])
def test_dropout_is_no_dict_and_no_set(iris, dropout):
    with pytest.raises(ValueError, match="dropout"):
        network(dropout=dropout).fit(*iris)


def test_no_dropout_in_a_list_goes_with_lbfgs(iris):
    network(dropout=[0.0], solver="lbfgs", max_iter=500, tol=1e-3).fit(*iris)


def test_dropout_keeps_a_large_network_from_overfitting_noise():
    """What it is for: labels that are half noise are learnt less exactly."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 20))
    y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)
    fresh = rng.normal(size=(2000, 20))
    truth = (fresh[:, 0] > 0).astype(int)
    parameters = {
        "hidden_layer_sizes": (100,),
        "max_iter": 150,
        "batch_size": 50,
        "learning_rate_init": 0.01,
    }
    plain, thinned = (network(**parameters, dropout=p).fit(X, y) for p in (0.0, 0.7))
    assert plain.loss_ < 0.5 * thinned.loss_
    assert thinned.score(fresh, truth) > plain.score(fresh, truth)

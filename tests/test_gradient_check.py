"""The gradient check: it passes what is right and must fail what is wrong."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted

from sknet import ScratchMLPClassifier, check_gradients
from sknet.activations import ACTIVATIONS
from sknet.backprop import Objective
from sknet.gradient_check import (
    BACKWARD,
    CENTRAL,
    FORWARD,
    check_objective,
    numerical_gradient,
)
from sknet.losses import LOSSES
from sknet.network import Network, count_parameters, prepend_ones, unflatten

N_FEATURES = 3


def data(kind="multiclass"):
    X = np.random.RandomState(0).normal(size=(12, N_FEATURES))
    y = np.arange(12) % (2 if kind == "binary" else 3)
    return X, np.array([y > 0, y < 2]).T.astype(int) if kind == "multilabel" else y


def network(hidden=(4,), activation="tanh", **settings):
    return ScratchMLPClassifier(hidden, activation, random_state=0, **settings)


def fitted(X, y, **settings):
    """A network after a few epochs, far from converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network(max_iter=3, **settings).fit(X, y)


# -- right gradients pass --------------------------------------------------------------


# That the gradient of every kind of network is right is tested in test_backprop.py;
# here, that the check agrees.


@pytest.mark.parametrize("hidden", [(), (4,), (4, 3)], ids=str)
def test_every_weight_of_a_small_network_is_compared(hidden):
    check = check_gradients(network(hidden, alpha=0.5), *data())
    assert 0 <= check.max_relative_error < 1e-7
    assert check.n_checked == count_parameters([N_FEATURES, *hidden, 3])


@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix])
@pytest.mark.parametrize(
    "activation",
    [
        (np.sin, np.cos),
        (np.tanh, lambda a: 1 - a**2),
        ["gelu", "tanh", "mish"],
        ["tanh", "silu", "softplus"],
        ["selu", (np.sin, np.cos), "leaky_relu"],
        [(np.tanh, lambda a: 1 - a**2), "elu", (np.sin, np.cos)],
    ],
    ids=range(6),
)
def test_lists_and_pairs_have_the_right_gradient(activation, container, out_activation):
    X, y = data()
    mlp = network((5, 4, 3), activation, out_activation=out_activation)
    check = check_gradients(mlp, container(X), y)
    assert 0 <= check.max_relative_error < 1e-7


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix])
@pytest.mark.parametrize("out_activation", ["auto", "logistic"])
def test_weighted_and_sparse_samples_pass(kind, container, out_activation):
    X, y = data(kind)
    X[X < 0] = 0
    sample_weight = np.random.RandomState(0).uniform(0.1, 5, len(y))
    sample_weight[:2] = 0
    mlp = network(out_activation=out_activation, alpha=0.5)
    check = check_gradients(mlp, container(X), y, sample_weight)
    assert 0 <= check.max_relative_error < 1e-7


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_networks_pass_before_and_after_fit_whatever_their_dtype(dtype, solver):
    X, y = data()
    X = X.astype(dtype)
    for mlp in [network(solver=solver), fitted(X, y, solver=solver)]:
        assert 0 <= check_gradients(mlp, X, y).max_relative_error < 1e-7


def test_at_most_300_weights_of_a_layer_are_compared():
    X = np.random.RandomState(0).normal(size=(6, 99))
    check = check_gradients(network((4,)), X, [0, 1, 2] * 2)
    assert check.n_checked == 300 + 3 * (1 + 4)
    assert check.max_relative_error < 1e-7


# -- wrong gradients fail --------------------------------------------------------------


def spoil_derivative(monkeypatch, name, factor=1.01):
    activation = ACTIVATIONS[name]

    def spoiled(a, delta):
        activation.backward(a, delta)
        delta *= factor

    monkeypatch.setitem(ACTIVATIONS, name, activation._replace(backward=spoiled))


def spoil_gradient(monkeypatch, change):
    """Let ``change(grad)`` change every gradient that is computed."""
    right = Objective.value_and_grad

    def spoiled(self, *batch):
        cost, grad = right(self, *batch)
        change(grad)
        return cost, grad

    monkeypatch.setattr(Objective, "value_and_grad", spoiled)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("n_hidden_layers", [1, 2])
def test_a_derivative_wrong_by_1_percent_is_found(monkeypatch, name, n_hidden_layers):
    spoil_derivative(monkeypatch, name)
    check = check_gradients(network((4,) * n_hidden_layers, name, alpha=0), *data())
    # The first layer's gradient has gone through every derivative.
    too_large = 1.01**n_hidden_layers
    expected = (too_large - 1) / too_large
    assert check.max_relative_error == pytest.approx(expected, rel=1e-4)
    assert check.layer == 0


@pytest.mark.parametrize(
    ("loss", "kind"), [("softmax", "multiclass"), ("logistic", "multilabel")]
)
def test_a_residual_wrong_by_1_percent_is_found(monkeypatch, loss, kind):
    right = LOSSES[loss].residual

    def spoiled(z, y):
        losses = right(z, y)
        z *= 1.01
        return losses

    monkeypatch.setitem(LOSSES, loss, LOSSES[loss]._replace(residual=spoiled))
    check = check_gradients(network(alpha=0), *data(kind))
    assert check.max_relative_error == pytest.approx(0.01 / 1.01, rel=1e-4)


def test_a_forgotten_penalty_is_found(monkeypatch):
    right = Objective.value_and_grad

    def unpenalised(self, *batch):
        cost, _ = right(self, *batch)
        self.alpha, alpha = 0.0, self.alpha
        _, grad = right(self, *batch)
        self.alpha = alpha
        return cost, grad

    monkeypatch.setattr(Objective, "value_and_grad", unpenalised)
    check = check_gradients(network(alpha=1.0), *data())
    assert check.max_relative_error > 1e-2


def test_forgotten_sample_weights_are_found(monkeypatch):
    right = Objective.value_and_grad

    def unweighted(self, X1, Y, sample_weight):
        cost, _ = right(self, X1, Y, sample_weight)
        return cost, right(self, X1, Y)[1]

    monkeypatch.setattr(Objective, "value_and_grad", unweighted)
    check = check_gradients(network(), *data(), np.arange(1, 13))
    assert check.max_relative_error > 1e-2


@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix])
@pytest.mark.parametrize(
    ("layer", "weight"), [(0, (0, 0)), (0, (3, 2)), (1, (1, 0)), (1, (2, 4))]
)
def test_the_one_wrong_weight_is_named(monkeypatch, container, layer, weight):
    n_units = [N_FEATURES, 4, 3]
    places = np.arange(count_parameters(n_units))
    index = unflatten(places, n_units, container is not np.array)[layer][weight]

    def change(grad):
        grad[index] += 1e-3

    spoil_gradient(monkeypatch, change)
    X, y = data()
    check = check_gradients(network(), container(X), y)
    assert (check.layer, check.weight) == (layer, weight)
    assert check.max_relative_error > 1e-4


def test_a_wrong_relu_is_not_excused_by_its_kink(monkeypatch):
    """One-sided differences forgive a kink: they must not forgive a mistake."""
    forgotten = ACTIVATIONS["relu"]._replace(backward=lambda a, delta: None)
    monkeypatch.setitem(ACTIVATIONS, "relu", forgotten)
    assert check_gradients(network((5,), "relu"), *data()).max_relative_error > 0.1


@pytest.mark.parametrize("nothing", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_does_not_pass(monkeypatch, nothing):
    def change(grad):
        grad[1] = nothing

    spoil_gradient(monkeypatch, change)
    with np.errstate(invalid="ignore"):
        check = check_gradients(network(), *data())
    assert not check.max_relative_error < 1e-3  # NaN would do as well as infinity
    assert (check.layer, check.weight) == (0, (0, 1))


def test_a_gradient_of_0_is_right_too():
    X, y = np.zeros((12, N_FEATURES)), data("binary")[1]
    mlp = network(hidden=(), alpha=0).partial_fit(X, y, classes=[0, 1])
    mlp.intercepts_[0] = np.zeros(1)  # where two classes of one size are balanced
    check = check_gradients(mlp, X, y)
    assert 0 <= check.max_relative_error < 1e-7


# -- kinks -----------------------------------------------------------------------------


@pytest.mark.parametrize("distance", [0.0, 1e-12, 1e-7, -1e-7, 3e-6, -3e-6])
def test_a_kink_closer_than_the_step_is_no_error(distance):
    X, y = data()
    mlp = fitted(X, y, activation="relu")
    mlp.intercepts_[0][1] = -(X[0] @ mlp.coefs_[0][:, 1])
    mlp.intercepts_[0][1] += distance  # z of the first sample and the second unit
    assert check_gradients(mlp, X, y).max_relative_error < 1e-7


# -- by hand, without an estimator -----------------------------------------------------


def objective_by_hand(activation="tanh", alpha=0.5):
    n_units = [N_FEATURES, 4, 3]
    theta = np.random.RandomState(0).normal(size=count_parameters(n_units))
    objective = Objective(
        Network(n_units, ACTIVATIONS[activation], theta), LOSSES["softmax"], alpha
    )
    X, y = data()
    return objective, (prepend_ones(X), np.eye(3)[:, y], np.arange(1.0, 13.0))


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_an_objective_is_checked_and_left_as_it_was(activation):
    objective, batch = objective_by_hand(activation)
    before = objective.network.theta.copy()
    check = check_objective(objective, *batch)
    assert 0 <= check.max_relative_error < 1e-7
    assert check.n_checked == len(before)
    assert_array_equal(objective.network.theta, before)


def test_a_wrong_objective_is_found():
    objective, batch = objective_by_hand(alpha=0.0)
    right = objective.value_and_grad

    def spoiled(*batch):
        cost, grad = right(*batch)
        return cost, 1.01 * grad

    objective.value_and_grad = spoiled
    error = check_objective(objective, *batch).max_relative_error
    assert error == pytest.approx(0.01 / 1.01, rel=1e-4)


# -- what it leaves behind -------------------------------------------------------------


def state(mlp):
    coefs = getattr(mlp, "coefs_", []) and [W.copy() for W in mlp.coefs_]
    return mlp.get_params(), set(vars(mlp)), getattr(mlp, "loss_curve_", None), coefs


@pytest.mark.parametrize("made", [lambda X, y: network(), fitted])
def test_the_estimator_is_left_as_it_was(made):
    X, y = data()
    mlp = made(X.astype(np.float32), y)
    mlp.set_params(random_state=np.random.RandomState(0), warm_start=True)
    params, names, curve, coefs = state(mlp)
    check_gradients(mlp, X, y)
    assert state(mlp)[:3] == (params, names, curve)
    for before, after in zip(coefs, state(mlp)[3], strict=True):
        assert_array_equal(after, before)
        assert after.dtype == before.dtype
    assert mlp.random_state.randint(2**31) == np.random.RandomState(0).randint(2**31)


def test_an_unfitted_estimator_stays_unfitted():
    mlp = network()
    check_gradients(mlp, *data())
    with pytest.raises(NotFittedError):
        check_is_fitted(mlp)


def test_it_looks_where_fit_starts_or_where_it_has_come_to(monkeypatch):
    seen = []
    right = Objective.value_and_grad

    def watched(self, *batch):
        seen.append([W[:, 1:].T.copy() for W in self.network.weights])
        return right(self, *batch)

    X, y = data()
    resting = network(solver="sgd", learning_rate_init=1e-300).partial_fit(
        X, y, classes=[0, 1, 2]
    )
    monkeypatch.setattr(Objective, "value_and_grad", watched)
    for mlp, expected in [(network(), resting), (fitted(X, y), None)]:
        del seen[:]
        check_gradients(mlp, X, y)
        for W, coef in zip(seen[0], (expected or mlp).coefs_, strict=True):
            assert_array_equal(W, coef)


def test_data_that_fit_refuses_are_refused():
    X, y = data()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_gradients(network(), X, y[1:])
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        check_gradients(network(), X, y)


# -- difference quotients --------------------------------------------------------------


@pytest.mark.parametrize("stencil", [CENTRAL, FORWARD, BACKWARD])
def test_each_stencil_is_exact_for_quadratics(stencil):
    theta = np.array([0.5, -1.0, 2.0])
    slopes = numerical_gradient(
        lambda: theta @ theta + theta[0] * theta[2], theta, [2, 0], 1e-3, stencil
    )
    assert_allclose(slopes, [2 * 2.0 + 0.5, 2 * 0.5 + 2.0], rtol=1e-10)


@pytest.mark.parametrize(
    ("stencil", "slope"), [(CENTRAL, 0.5), (FORWARD, 1.0), (BACKWARD, 0.0)]
)
def test_stencils_look_to_their_side_of_a_kink(stencil, slope):
    theta = np.zeros(1)
    differences = numerical_gradient(
        lambda: max(theta[0], 0), theta, [0], 1e-5, stencil
    )
    assert_allclose(differences, slope, atol=1e-12)


def test_theta_is_restored_to_the_bit():
    theta = np.random.RandomState(0).normal(size=20)
    before = theta.copy()
    numerical_gradient(lambda: (theta**3).sum(), theta, range(20), 1e-5)
    assert_array_equal(theta, before)


def test_a_compact_model_is_checked_without_a_warning(recwarn):
    X, y = data()
    mlp = fitted(X, y).compact()
    assert check_gradients(mlp, X, y).max_relative_error < 1e-7
    assert not recwarn.list


def test_a_fitted_model_is_checked_on_samples_that_lack_a_class():
    X, y = data()
    mlp, few = fitted(X, y), y != y.max()
    assert check_gradients(mlp, X[few], y[few]).max_relative_error < 1e-7

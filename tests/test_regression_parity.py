"""The same parameters and the same seed make the model that MLPRegressor makes.

The exceptions are in docs/differences.md, each with its test.
"""

import inspect
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import make_regression
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPRegressor
from sklearn.utils.validation import has_fit_parameter

from sknet import ScratchMLPRegressor, check_gradients
from support import short

pytestmark = short  # 20 epochs are few

of_1_7 = has_fit_parameter(MLPRegressor, "sample_weight")
needs_1_7 = pytest.mark.skipif(
    not of_1_7, reason="MLPRegressor knows poisson and sample_weight from 1.7 on"
)

ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
LOSSES = ["squared_error", pytest.param("poisson", marks=needs_1_7)]
SOLVERS = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.02, "momentum": 0.0},
    "sgd-heavy-ball": {
        "solver": "sgd",
        "learning_rate_init": 0.005,
        "nesterovs_momentum": False,
    },
    "sgd-nesterov": {"solver": "sgd", "learning_rate_init": 0.005, "momentum": 0.8},
    "sgd-invscaling": {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "learning_rate_init": 0.02,
        "power_t": 0.3,
    },
    "sgd-adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.02,
        "tol": 10.0,
        "n_iter_no_change": 2,
    },
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "lbfgs": {"solver": "lbfgs"},
}


def make_data(loss="squared_error", n_targets=1):
    """150 samples of 8 features with targets of size 1; counts for "poisson"."""
    X, y = make_regression(
        150, 8, n_informative=5, n_targets=n_targets, noise=10.0, random_state=0
    )
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    if loss == "poisson":
        y = np.random.RandomState(0).poisson(np.exp(y / 2)).astype(float)
    return X, y


def fit_both(X, y, sample_weight=None, **parameters):
    """Our model and MLPRegressor's."""
    parameters = {
        "hidden_layer_sizes": (7,),
        "batch_size": 40,  # leaves a shorter last batch
        "max_iter": 20,
        "random_state": 0,
        **parameters,
    }
    if parameters.get("solver") == "lbfgs":  # which has no batches: we would warn
        del parameters["batch_size"]
    if parameters.get("loss") == "squared_error":  # all that 1.6 knows
        del parameters["loss"]
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    ours = ScratchMLPRegressor(**parameters).fit(X, y, **weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = MLPRegressor(**parameters).fit(X, y, **weights)
    return ours, peer


def assert_same_model(ours, peer, X, rtol=1e-8):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(peer, name), strict=True):
            assert_allclose(a, b, rtol=rtol, atol=rtol)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(peer, name), name
    prediction, expected = ours.predict(X), peer.predict(X)
    assert prediction.shape == expected.shape
    assert_allclose(prediction, expected, rtol=rtol, atol=rtol)


def assert_same_losses(ours, peer, rtol=1e-8):
    assert_allclose(ours.loss_, peer.loss_, rtol=rtol)
    if hasattr(peer, "loss_curve_"):
        assert_allclose(ours.loss_curve_, peer.loss_curve_, rtol=rtol)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_same_model(solver, activation, loss):
    X, y = make_data(loss)
    ours, peer = fit_both(X, y, loss=loss, activation=activation, **SOLVERS[solver])
    assert_same_model(ours, peer, X)
    assert_same_losses(ours, peer)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", [name for name in SOLVERS if name != "lbfgs"])
def test_same_model_of_several_targets(solver, loss):
    X, y = make_data(loss, n_targets=3)
    ours, peer = fit_both(X, y, loss=loss, **SOLVERS[solver])
    assert_same_model(ours, peer, X)


@needs_1_7
def test_same_model_of_several_counts_by_lbfgs():
    """Its loss is the sum over targets there too, as its gradient is."""
    X, y = make_data("poisson", n_targets=3)
    ours, peer = fit_both(X, y, loss="poisson", solver="lbfgs", max_iter=5)
    assert_same_model(ours, peer, X, rtol=1e-6)


@pytest.mark.parametrize("hidden_layer_sizes", [(), (9, 6, 4)], ids=str)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam", "lbfgs"])
def test_same_model_for_each_depth(solver, loss, hidden_layer_sizes):
    X, y = make_data(loss)
    ours, peer = fit_both(
        X, y, loss=loss, hidden_layer_sizes=hidden_layer_sizes, **SOLVERS[solver]
    )
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
def test_same_model_from_sparse_samples(container, solver):
    X, y = make_data()
    X[np.abs(X) < 0.7] = 0
    ours, peer = fit_both(container(X), y, **SOLVERS[solver])
    assert_same_model(ours, peer, container(X))


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam"])
def test_close_model_from_float32(solver, n_targets):
    X, y = make_data(n_targets=n_targets)
    ours, peer = fit_both(X.astype(np.float32), y, **SOLVERS[solver])
    for a, b in zip(ours.coefs_, peer.coefs_, strict=True):
        assert a.dtype == np.float32
        assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    assert ours.predict(X.astype(np.float32)).dtype == np.float32


@needs_1_7
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam", "lbfgs"])
def test_same_model_with_weights_on_a_full_batch(solver, loss):
    """In mini-batches MLPRegressor's weights depend on the company."""
    X, y = make_data(loss)
    weights = np.random.RandomState(0).uniform(0.1, 3.0, len(X))
    ours, peer = fit_both(
        X, y, weights, loss=loss, batch_size=150, alpha=0.5, **SOLVERS[solver]
    )
    assert_same_model(ours, peer, X)
    assert_same_losses(ours, peer)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", ["sgd-nesterov", "sgd-adaptive", "adam"])
def test_same_model_with_early_stopping(solver, loss, n_targets):
    X, y = make_data(loss, n_targets)
    parameters = {**SOLVERS[solver], "tol": 1e-3, "n_iter_no_change": 3}
    ours, peer = fit_both(
        X, y, loss=loss, early_stopping=True, max_iter=100, **parameters
    )
    assert_same_model(ours, peer, X)
    assert_allclose(ours.validation_scores_, peer.validation_scores_, rtol=1e-8)
    assert_allclose(ours.best_validation_score_, peer.best_validation_score_, rtol=1e-8)


@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam"])
def test_same_epoch_to_stop_at(solver):
    X, y = make_data()
    parameters = {**SOLVERS[solver], "n_iter_no_change": 3}
    ours, peer = fit_both(X, y, **parameters, tol=0.01, max_iter=200)
    assert ours.n_iter_ < 200
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("solver", ["sgd-heavy-ball", "adam"])
def test_same_model_after_calls_of_partial_fit(solver, n_targets):
    """Without shuffling, where MLPRegressor repeats its first permutation."""
    X, y = make_data(n_targets=n_targets)
    parameters = {**SOLVERS[solver], "shuffle": False, "random_state": 0}
    ours = ScratchMLPRegressor(hidden_layer_sizes=(7,), **parameters)
    peer = MLPRegressor(hidden_layer_sizes=(7,), **parameters)
    for rows in (slice(0, 90), slice(60, 150), slice(0, 150), slice(100, 110)):
        ours.partial_fit(X[rows], y[rows])
        peer.partial_fit(X[rows], y[rows])
        assert_same_model(ours, peer, X)


# -- where we differ -------------------------------------------------------------------


def test_the_loss_of_several_targets_is_the_one_whose_gradient_is_followed():
    """The sum over them; the peer reports its mean (scikit-learn 8349)."""
    X, y = make_data(n_targets=3)
    ours, peer = fit_both(X, y, batch_size=150, alpha=0.0, max_iter=1)
    assert_allclose(ours.loss_, 3 * peer.loss_, rtol=1e-9)
    assert check_gradients(ours, X, y).max_relative_error < 1e-7


def test_lbfgs_finds_the_least_squares_of_several_targets():
    X, y = make_data(n_targets=3)
    net = ScratchMLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", alpha=0.0, tol=1e-9, max_iter=1000
    )
    exact = LinearRegression().fit(X, y)
    # It ends where the loss no longer falls by one part in 4.5e8 (SciPy's ftol).
    assert_allclose(net.fit(X, y).coefs_[0], exact.coef_.T, atol=1e-4)
    assert_allclose(net.intercepts_[0], exact.intercept_, atol=1e-4)


# -- the same interface ----------------------------------------------------------------


@needs_1_7
def test_all_parameters_of_mlpregressor_are_ours():
    ours = inspect.signature(ScratchMLPRegressor).parameters
    peers = inspect.signature(MLPRegressor).parameters
    assert list(ours)[: len(peers)] == list(peers)
    for name, parameter in peers.items():
        assert ours[name].default == parameter.default, name
        assert ours[name].kind == parameter.kind, name
    for name in list(ours)[len(peers) :]:
        assert ours[name].kind == inspect.Parameter.KEYWORD_ONLY, name


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "score"])
def test_methods_take_the_same_arguments_in_the_same_order(method):
    ours = inspect.signature(getattr(ScratchMLPRegressor, method)).parameters
    peers = inspect.signature(getattr(MLPRegressor, method)).parameters
    shared = [name for name in ours if name in peers]
    assert shared == list(peers)
    for name in shared:
        assert ours[name].default == peers[name].default, name


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_all_fitted_attributes_of_mlpregressor_are_ours(early_stopping, n_targets):
    X, y = make_data(n_targets=n_targets)
    ours, peer = fit_both(X, y, early_stopping=early_stopping, max_iter=2)
    fitted = [n for n in vars(peer) if n.endswith("_") and not n.startswith("_")]
    assert {"coefs_", "loss_curve_", "best_loss_"} <= set(fitted)
    for name in fitted:
        of_ours, of_peer = getattr(ours, name), getattr(peer, name)
        if of_peer is None or isinstance(of_peer, list | int | str):
            assert isinstance(of_ours, type(of_peer)), name
        if not isinstance(of_peer, list):
            assert np.shape(of_ours) == np.shape(of_peer), name

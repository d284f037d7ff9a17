"""The same parameters and the same seed make the model that MLPClassifier makes.

The exceptions, bugs of ``MLPClassifier`` that are not repeated, are in
docs/differences.md, each with its test.
"""

import inspect
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from sknet import ScratchMLPClassifier
from support import short

pytestmark = short  # 10 epochs are few

needs_peer_with_weights = pytest.mark.skipif(
    not has_fit_parameter(MLPClassifier, "sample_weight"),
    reason="MLPClassifier knows sample_weight from scikit-learn 1.7 on",
)

TARGETS = ["binary", "multiclass", "multilabel"]
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
SOLVERS = {
    "sgd": {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.0},
    "sgd-heavy-ball": {
        "solver": "sgd",
        "learning_rate_init": 0.02,
        "nesterovs_momentum": False,
    },
    "sgd-nesterov": {"solver": "sgd", "learning_rate_init": 0.02, "momentum": 0.8},
    "sgd-invscaling": {
        "solver": "sgd",
        "learning_rate": "invscaling",
        "learning_rate_init": 0.5,
        "power_t": 0.3,
    },
    # A tolerance that no epoch meets lowers the rate every third one.
    "sgd-adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.1,
        "tol": 10.0,
        "n_iter_no_change": 2,
    },
    "adam": {"solver": "adam", "learning_rate_init": 0.01},
    "adam-other": {
        "solver": "adam",
        "learning_rate_init": 0.02,
        "beta_1": 0.7,
        "beta_2": 0.9,
        "epsilon": 1e-4,
    },
    "lbfgs": {"solver": "lbfgs"},
}


def make_data(target, n_samples=150):
    """Samples of mean 0 and variance 1 with labels of this kind."""
    if target == "multilabel":
        X, y = make_multilabel_classification(
            n_samples, n_features=12, n_classes=4, random_state=0
        )
    else:
        X, y = make_classification(
            n_samples,
            n_features=12,
            n_informative=6,
            n_classes={"binary": 2, "multiclass": 4}[target],
            random_state=0,
        )
    return StandardScaler().fit_transform(X), y


def fit_both(X, y, **parameters):
    """Our model and MLPClassifier's."""
    fit_parameters = {
        name: parameters.pop(name) for name in ("sample_weight",) if name in parameters
    }
    parameters = {
        "hidden_layer_sizes": (7,),
        "batch_size": 40,  # leaves a shorter last batch
        "max_iter": 10,
        "random_state": 0,
        **parameters,
    }
    if parameters.get("solver") == "lbfgs":  # which has no batches: we would warn
        del parameters["batch_size"]
    ours = ScratchMLPClassifier(**parameters).fit(X, y, **fit_parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = MLPClassifier(**parameters).fit(X, y, **fit_parameters)
    return ours, peer


def assert_same_model(ours, peer, X, rtol=1e-9):
    """Same weights, same history and same predictions."""
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(peer, name), strict=True):
            assert_allclose(a, b, rtol=rtol, atol=rtol)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(peer, name), name
    assert_allclose(ours.loss_, peer.loss_, rtol=rtol)
    assert_array_equal(ours.classes_, peer.classes_)
    if ours.solver != "lbfgs":  # of which MLPClassifier keeps no history
        assert_allclose(ours.loss_curve_, peer.loss_curve_, rtol=rtol)
        for name in ("best_loss_", "best_validation_score_"):
            a, b = getattr(ours, name), getattr(peer, name)
            assert (a is None) == (b is None), name
            assert a is None or a == pytest.approx(b, rel=rtol), name
        scores = peer.validation_scores_
        assert (ours.validation_scores_ is None) == (scores is None)
        if scores is not None:
            assert_array_equal(ours.validation_scores_, scores)
    assert_array_equal(ours.predict(X), peer.predict(X))
    assert ours.predict(X).dtype == peer.predict(X).dtype
    assert_allclose(ours.predict_proba(X), peer.predict_proba(X), rtol=0, atol=1e-10)


# -- the same path --------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_same_model_for_each_solver_activation_and_target(solver, activation, target):
    X, y = make_data(target)
    ours, peer = fit_both(X, y, activation=activation, **SOLVERS[solver])
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam", "lbfgs"])
@pytest.mark.parametrize("hidden_layer_sizes", [(), 5, (9, 6, 4)])
def test_same_model_for_each_depth(hidden_layer_sizes, solver, target):
    X, y = make_data(target)
    ours, peer = fit_both(
        X, y, hidden_layer_sizes=hidden_layer_sizes, **SOLVERS[solver]
    )
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", ["auto", 1, 149, 150])
def test_same_model_for_each_batch_size_and_order(batch_size, shuffle):
    X, y = make_data("multiclass")
    ours, peer = fit_both(X, y, batch_size=batch_size, shuffle=shuffle, max_iter=3)
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("alpha", [0, 0.1, 10.0])
def test_same_model_for_each_penalty(alpha, solver):
    X, y = make_data("multiclass")
    ours, peer = fit_both(X, y, alpha=alpha, **SOLVERS[solver])
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam", "lbfgs"])
@pytest.mark.parametrize(
    "container",
    [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array],
)
def test_same_model_from_sparse_samples(container, solver):
    X, y = make_data("multiclass")
    X[np.abs(X) < 0.7] = 0
    ours, peer = fit_both(container(X), y, **SOLVERS[solver])
    assert_same_model(ours, peer, container(X))
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.usefixtures("memory_for_copies")
def test_same_model_from_samples_of_several_megabytes(container, shuffle):
    """They are gathered in blocks, from a copy or, if that is too large, from X."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((700, 400))
    y = rng.randint(3, size=700)
    ours, peer = fit_both(container(X), y, shuffle=shuffle, max_iter=3)
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("batch_size", [40, 150])
@pytest.mark.parametrize("solver", ["sgd-nesterov", "sgd-heavy-ball", "adam"])
def test_same_model_of_a_large_network(solver, batch_size):
    """Over 100,000 weights."""
    X, y = make_data("multiclass")
    ours, peer = fit_both(
        X,
        y,
        hidden_layer_sizes=(400, 260),
        alpha=1.0,
        batch_size=batch_size,
        max_iter=3,
        **SOLVERS[solver],
    )
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam", "lbfgs"])
def test_close_model_from_float32(solver):
    X, y = make_data("multiclass")
    ours, peer = fit_both(X.astype(np.float32), y, **SOLVERS[solver])
    for a, b in zip(ours.coefs_, peer.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-3, atol=1e-3 if solver == "lbfgs" else 1e-4)


def test_same_draws_from_a_shared_random_state():
    """Two fits in a row draw on from it, and leave it where MLPClassifier does."""
    X, y = make_data("binary")
    states = [np.random.RandomState(3), np.random.RandomState(3)]
    for _ in range(2):
        ours = ScratchMLPClassifier((5,), max_iter=3, random_state=states[0])
        peer = MLPClassifier((5,), max_iter=3, random_state=states[1])
        assert_same_model(ours.fit(X, y), peer.fit(X, y), X)
    assert states[0].uniform() == states[1].uniform()


def test_same_draws_from_the_global_random_state():
    X, y = make_data("binary")
    before = np.random.get_state()  # noqa: NPY002
    models = []
    try:
        for cls in (ScratchMLPClassifier, MLPClassifier):
            np.random.seed(7)  # noqa: NPY002
            models.append(cls((5,), max_iter=3).fit(X, y))
    finally:
        np.random.set_state(before)  # noqa: NPY002
    assert_same_model(*models, X)


# -- stopping -------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["binary", "multilabel"])
@pytest.mark.parametrize("solver", ["sgd-nesterov", "sgd-adaptive", "adam"])
def test_same_model_with_early_stopping(solver, target):
    """Multiclass is an exception: MLPClassifier does not stratify it."""
    X, y = make_data(target)
    parameters = {**SOLVERS[solver], "tol": 1e-4, "n_iter_no_change": 3}
    ours, peer = fit_both(
        X, y, early_stopping=True, validation_fraction=0.3, max_iter=60, **parameters
    )
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("n_iter_no_change", [1, 4, np.inf])
@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam"])
def test_same_epoch_to_stop_at(solver, n_iter_no_change):
    X, y = make_data("multiclass")
    parameters = {**SOLVERS[solver], "n_iter_no_change": n_iter_no_change}
    ours, peer = fit_both(X, y, **parameters, tol=0.02, max_iter=80)
    assert ours.n_iter_ == peer.n_iter_
    assert (ours.n_iter_ == 80) == (n_iter_no_change == np.inf)
    assert_same_model(ours, peer, X)


def test_same_lowering_of_an_adaptive_rate_down_to_the_end():
    """From 2e-5 two lowerings lead below 1e-6; the third plateau ends training."""
    X, y = make_data("binary")
    ours, peer = fit_both(
        X,
        y,
        solver="sgd",
        learning_rate="adaptive",
        learning_rate_init=2e-5,
        n_iter_no_change=2,
        tol=1.0,
        max_iter=50,
    )
    assert ours.n_iter_ == 1 + 3 * 3
    assert_same_model(ours, peer, X)


@pytest.mark.parametrize("limit", [{"max_fun": 5}, {"max_iter": 4}, {"tol": 0.1}])
def test_same_end_of_lbfgs(limit):
    X, y = make_data("multiclass")
    ours, peer = fit_both(X, y, **{"solver": "lbfgs", "max_iter": 1000, **limit})
    assert 0 < ours.n_iter_ < 40
    assert_same_model(ours, peer, X)


# -- going on -------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd-heavy-ball", "sgd-invscaling", "adam"])
def test_same_model_after_calls_of_partial_fit(solver):
    """Without shuffling, where MLPClassifier repeats its first permutation."""
    X, y = make_data("multiclass")
    parameters = {**SOLVERS[solver], "shuffle": False, "random_state": 0}
    ours = ScratchMLPClassifier((7,), **parameters)
    peer = MLPClassifier((7,), **parameters)
    for rows in (slice(0, 90), slice(60, 150), slice(0, 150), slice(100, 110)):
        ours.partial_fit(X[rows], y[rows], classes=np.arange(4))
        peer.partial_fit(X[rows], y[rows], classes=np.arange(4))
        assert_same_model(ours, peer, X)


@pytest.mark.parametrize("target", TARGETS)
def test_same_model_after_one_shuffled_partial_fit(target):
    X, y = make_data(target)
    ours = ScratchMLPClassifier((7,), batch_size=40, random_state=0)
    peer = MLPClassifier((7,), batch_size=40, random_state=0)
    classes = np.arange(y.shape[1]) if y.ndim == 2 else np.unique(y)
    ours.partial_fit(X, y, classes=classes)
    peer.partial_fit(X, y, classes=classes)
    assert_same_model(ours, peer, X)


# -- sample weights -------------------------------------------------------------------


@needs_peer_with_weights
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("solver", ["sgd-nesterov", "adam", "lbfgs"])
def test_same_model_with_weights_on_a_full_batch(solver, target):
    """In mini-batches MLPClassifier's weights depend on the company."""
    X, y = make_data(target)
    weights = np.random.RandomState(0).uniform(0.1, 3.0, len(X))
    ours, peer = fit_both(
        X, y, batch_size="auto", alpha=0.5, sample_weight=weights, **SOLVERS[solver]
    )
    assert_same_model(ours, peer, X)


@needs_peer_with_weights
def test_same_model_with_weights_and_early_stopping():
    X, y = make_data("binary")
    ours, peer = fit_both(
        X,
        y,
        batch_size="auto",
        early_stopping=True,
        validation_fraction=0.3,
        sample_weight=np.random.RandomState(0).uniform(0.1, 3.0, len(X)),
        **SOLVERS["sgd-nesterov"],
    )
    # A weighted mean may be summed in another order.
    assert_allclose(ours.validation_scores_, peer.validation_scores_, rtol=1e-12)
    peer.validation_scores_ = ours.validation_scores_
    assert_same_model(ours, peer, X)


# -- the same interface ---------------------------------------------------------------


def test_all_parameters_of_mlpclassifier_are_ours():
    ours = inspect.signature(ScratchMLPClassifier).parameters
    peers = inspect.signature(MLPClassifier).parameters
    assert list(ours)[: len(peers)] == list(peers)
    for name, parameter in peers.items():
        assert ours[name].default == parameter.default, name
        assert ours[name].kind == parameter.kind, name
    for name in list(ours)[len(peers) :]:
        assert ours[name].kind == inspect.Parameter.KEYWORD_ONLY, name


@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict", "score"])
def test_methods_take_the_same_arguments_in_the_same_order(method):
    ours = inspect.signature(getattr(ScratchMLPClassifier, method)).parameters
    peers = inspect.signature(getattr(MLPClassifier, method)).parameters
    # MLPClassifier before 1.7 lacks sample_weight; the rest must be in its order.
    shared = [name for name in ours if name in peers]
    assert shared == list(peers)
    for name in shared:
        assert ours[name].default == peers[name].default, name
        assert ours[name].kind == peers[name].kind, name


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("early_stopping", [True, False])
def test_all_fitted_attributes_of_mlpclassifier_are_ours(early_stopping, target):
    X, y = make_data(target)
    ours, peer = fit_both(X, y, early_stopping=early_stopping, max_iter=2)
    fitted = [n for n in vars(peer) if n.endswith("_") and not n.startswith("_")]
    assert {"coefs_", "loss_curve_", "classes_"} <= set(fitted)
    for name in fitted:
        of_ours, of_peer = getattr(ours, name), getattr(peer, name)
        if of_peer is None or isinstance(of_peer, list | int | str):
            assert isinstance(of_ours, type(of_peer)), name
        if isinstance(of_peer, list):
            assert [np.shape(a) for a in of_ours] == [np.shape(a) for a in of_peer]
        else:
            assert np.shape(of_ours) == np.shape(of_peer), name

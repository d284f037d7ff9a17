"""The estimator from outside: labels, prediction, going on, bad input, persistence."""

import copy
import io
import pickle
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sknet import ScratchMLPClassifier
from sknet.activations import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"  # most fits here are short
)

# Steps without memory: the model depends on nothing but weights and data.
PLAIN_SGD = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1}


@pytest.fixture(scope="module")
def multilabel():
    return make_multilabel_classification(n_samples=100, n_classes=4, random_state=0)


def make_net(**parameters):
    """A small network that learns iris in a few epochs."""
    defaults = {
        "hidden_layer_sizes": (6,),
        "batch_size": 32,
        "learning_rate_init": 0.05,
        "max_iter": 10,
        "random_state": 0,
    }
    if parameters.get("solver") == "lbfgs":
        del defaults["batch_size"], defaults["learning_rate_init"]
    return ScratchMLPClassifier(**{**defaults, **parameters})


def assert_same_bits(a, b):
    """Two models with the very same weights and history."""
    for name in ("coefs_", "intercepts_"):
        for x, y in zip(getattr(a, name), getattr(b, name), strict=True):
            assert_array_equal(x, y)
            assert x.dtype == y.dtype
    assert a.loss_curve_ == b.loss_curve_
    assert a.validation_scores_ == b.validation_scores_


# -- labels ---------------------------------------------------------------------------

NAMES = np.array(["setosa", "versicolor", "virginica"])
LABELS = {
    "str": lambda y: NAMES[y],
    "bytes-like object": lambda y: NAMES.astype(object)[y],
    "bool": lambda y: y > 0,
    "gaps": lambda y: np.array([-7, 3, 1000])[y],
    "minus one and one": lambda y: np.array([-1, 1, 1])[y],
    "from one": lambda y: y + 1,
    "float": lambda y: y.astype(float),
    "uint8": lambda y: y.astype(np.uint8),
    "list of str": lambda y: NAMES[y].tolist(),
    "pandas str": lambda y: pd.Series(NAMES[y], index=range(7, 7 + len(y))),
    "pandas int": lambda y: pd.Series(y + 1, index=range(7, 7 + len(y))),
    "pandas categorical": lambda y: pd.Series(NAMES[y], dtype="category"),
    "polars str": lambda y: pl.Series("species", NAMES[y]),
    "polars int": lambda y: pl.Series("species", y + 1),
    "polars categorical": lambda y: pl.Series(NAMES[y], dtype=pl.Categorical),
}
COLUMNS = ["a", "b", "c", "d"]
CONTAINERS = {
    "array": lambda X: X,
    "pandas": lambda X: pd.DataFrame(X, columns=COLUMNS),
    "polars": lambda X: pl.DataFrame(X, schema=COLUMNS),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_any_type_train_the_model_of_their_codes(
    iris, labels, container, early_stopping
):
    X, y = iris
    y_labels = LABELS[labels](y)
    classes, codes = np.unique(np.asarray(y_labels), return_inverse=True)
    expected = make_net(early_stopping=early_stopping).fit(X, codes)
    net = make_net(early_stopping=early_stopping)
    net.fit(CONTAINERS[container](X), y_labels)

    assert_same_bits(net, expected)
    assert_array_equal(net.classes_, classes)
    predicted = net.predict(CONTAINERS[container](X))
    assert_array_equal(predicted, classes[expected.predict(X)])
    assert type(predicted[0]) is type(classes[0])
    assert net.score(CONTAINERS[container](X), y_labels) > 0.8


@pytest.mark.parametrize("labels", ["str", "bool", "gaps", "pandas categorical"])
def test_labels_of_any_type_in_partial_fit(iris, labels):
    X, y = iris
    y_labels = LABELS[labels](y)
    classes, codes = np.unique(np.asarray(y_labels), return_inverse=True)
    expected, net = make_net(), make_net()
    for _ in range(3):
        expected.partial_fit(X, codes, classes=np.arange(len(classes)))
        net.partial_fit(X, y_labels, classes=classes[::-1])  # in any order
    assert_same_bits(net, expected)
    assert_array_equal(net.predict(X), classes[expected.predict(X)])


def test_labels_in_a_column_are_taken_with_one_warning(iris):
    X, y = iris
    with pytest.warns(match="column-vector y") as record:
        net = make_net().fit(X, y[:, np.newaxis])
    assert_same_bits(net, make_net().fit(X, y))
    assert sum("column-vector y" in str(w.message) for w in record) == 1


@pytest.mark.parametrize(
    "container",
    [
        np.array,
        lambda y: y.astype(bool),
        lambda y: y.astype(float),
        lambda y: y.tolist(),
        pd.DataFrame,
        sparse.csr_matrix,
        sparse.csc_matrix,
        sparse.csr_array,
    ],
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_multilabel_targets_dense_and_sparse(multilabel, container, early_stopping):
    X, y = multilabel
    expected = make_net(early_stopping=early_stopping).fit(X, y)
    net = make_net(early_stopping=early_stopping).fit(X, container(y))
    assert_same_bits(net, expected)
    assert_array_equal(net.classes_, np.arange(4))
    predicted = net.predict(X)
    assert sparse.issparse(predicted) == sparse.issparse(container(y))
    predicted = predicted.toarray() if sparse.issparse(predicted) else predicted
    assert_array_equal(predicted, expected.predict_proba(X) > 0.5)


# -- samples --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "container",
    [
        lambda X: X.tolist(),
        np.asfortranarray,
        lambda X: X.astype(np.int64),
        lambda X: X.astype(np.int8),
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X[::-1].copy()[::-1],
        lambda X: X.astype(">f8"),
    ],
    ids=["list", "F", "int64", "int8", "strided", "reversed", "big-endian"],
)
def test_samples_of_any_layout_make_the_same_model(iris, container):
    X, y = iris
    X = X.round()
    net = make_net().fit(container(X), y)
    expected = make_net().fit(X, y)
    assert_same_bits(net, expected)
    assert_array_equal(net.predict_proba(container(X)), expected.predict_proba(X))


def test_samples_of_bool_make_the_model_of_zeros_and_ones(iris):
    X, y = iris
    assert_same_bits(make_net().fit(X > 0, y), make_net().fit((X > 0).astype(float), y))


@pytest.mark.parametrize("batch_size", [32, 150])
def test_samples_that_are_read_only(iris, tmp_path, batch_size):
    X, y = iris
    path = tmp_path / "X.dat"
    np.asarray(X).tofile(path)
    mapped = np.memmap(path, dtype=X.dtype, mode="r", shape=X.shape)
    frozen = X.copy()
    frozen.flags.writeable = False
    expected = make_net(batch_size=batch_size).fit(X, y)
    for samples in (mapped, frozen):
        net = make_net(batch_size=batch_size).fit(samples, y)
        assert_same_bits(net, expected)
        assert_array_equal(net.predict(samples), expected.predict(X))


@pytest.mark.parametrize(
    "container",
    [
        sparse.csr_matrix,
        sparse.csc_matrix,
        sparse.coo_matrix,
        sparse.csr_array,
        sparse.csc_array,
    ],
)
@pytest.mark.parametrize("batch_size", [32, 150])
def test_sparse_samples_make_the_same_model(iris, container, batch_size):
    X, y = iris
    X = np.where(np.abs(X) < 0.5, 0, X)
    dense = make_net(batch_size=batch_size).fit(X, y)
    net = make_net(batch_size=batch_size).fit(container(X), y)
    for a, b in zip(net.coefs_, dense.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert_allclose(net.predict_proba(container(X)), dense.predict_proba(X))
    assert_allclose(net.predict_proba(X), dense.predict_proba(container(X)))


def test_training_goes_on_from_sparse_to_dense_and_back(iris):
    X, y = iris
    dense, mixed = make_net(), make_net()
    for samples in (sparse.csr_matrix(X), X, sparse.csr_matrix(X)):
        dense.partial_fit(X, y, classes=[0, 1, 2])
        mixed.partial_fit(samples, y, classes=[0, 1, 2])
    assert_allclose(mixed.predict_proba(X), dense.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_feature_names_are_kept_and_checked(iris, container):
    X, y = iris
    frame = CONTAINERS[container](X)
    if not hasattr(StandardScaler().fit(frame), "feature_names_in_"):
        pytest.skip("this scikit-learn cannot read the names of this polars")
    net = make_net().fit(frame, y)
    assert_array_equal(net.feature_names_in_, COLUMNS)
    assert net.n_features_in_ == 4
    with pytest.warns(UserWarning, match="valid feature names"):
        net.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        net.predict(frame[COLUMNS[::-1]])
    with pytest.raises(ValueError, match="feature names"):
        net.partial_fit(frame[COLUMNS[::-1]], y)
    assert not hasattr(make_net().fit(X, y), "feature_names_in_")


# -- what is learnt -------------------------------------------------------------------


def fit_to_the_end(X, y, **parameters):
    """A model without hidden layers by lbfgs, and at its minimum.

    SciPy's L-BFGS also stops when the cost changes little, whatever ``tol`` is; the
    rest of the way is gone by gradient descent.
    """
    by_lbfgs = make_net(
        hidden_layer_sizes=(), solver="lbfgs", tol=1e-9, max_iter=1000, **parameters
    ).fit(X, y)
    net = clone(by_lbfgs).set_params(
        solver="sgd",
        learning_rate_init=0.5,
        batch_size=len(X),
        max_iter=5000,
        tol=0,
        n_iter_no_change=np.inf,
    )
    net.fit(X, y, coef_init=by_lbfgs.coefs_, intercept_init=by_lbfgs.intercepts_)
    return by_lbfgs, net


def logistic_regression(X, y, alpha):
    with warnings.catch_warnings():
        # scikit-learn 1.6 passes an option that SciPy 1.16 has deprecated.
        warnings.filterwarnings("ignore", ".*`iprint`", DeprecationWarning)
        return LogisticRegression(C=1 / alpha, tol=1e-10, max_iter=10_000).fit(X, y)


@pytest.mark.parametrize("alpha", [0.3, 5.0])
@pytest.mark.parametrize("target", ["multiclass", "binary"])
def test_without_hidden_layers_it_is_logistic_regression(iris, target, alpha):
    X, y = iris
    if target == "binary":
        y = y == 2
    reference = logistic_regression(X, y, alpha)
    by_lbfgs, net = fit_to_the_end(X, y, alpha=alpha)
    assert_allclose(by_lbfgs.coefs_[0].T, reference.coef_, atol=2e-3)
    assert_allclose(net.coefs_[0].T, reference.coef_, atol=1e-6)
    assert_allclose(net.predict_proba(X), reference.predict_proba(X), atol=1e-7)
    assert_allclose(net.predict_log_proba(X), reference.predict_log_proba(X), atol=1e-6)


def test_one_sigmoid_per_class_is_one_logistic_regression_per_class(iris):
    X, y = iris
    _, net = fit_to_the_end(X, y, alpha=1.0, out_activation="logistic")
    sigmoids = np.empty((len(X), 3))
    for label in range(3):
        one = logistic_regression(X, y == label, alpha=1.0)
        assert_allclose(net.coefs_[0][:, label], one.coef_[0], atol=1e-6)
        sigmoids[:, label] = one.predict_proba(X)[:, 1]
    expected = sigmoids / sigmoids.sum(axis=1, keepdims=True)
    assert_allclose(net.predict_proba(X), expected, atol=1e-6)
    assert_array_equal(net.predict(X), sigmoids.argmax(axis=1))


def test_article_settings_follow_the_article(iris):
    """Its formulas, sample by sample, with the gradient of its own J in all layers."""
    X, y = iris
    targets = np.eye(3)[y]
    m, rate, lambda_ = len(X), 0.5, 2.0
    net = ScratchMLPClassifier(
        (5, 4),
        activation="logistic",
        out_activation="logistic",
        weight_init="uniform",
        solver="sgd",
        momentum=0.0,
        learning_rate_init=rate,
        alpha=lambda_,
        batch_size=m,
        max_iter=3,
        random_state=0,
    )
    # Uniform in [-1, 1] and drawn in this order: coefficients, then biases, by layer.
    rng = np.random.RandomState(0)
    theta = []
    for n_in, n_out in [(4, 5), (5, 4), (4, 3)]:
        coef = rng.uniform(-1, 1, (n_in, n_out))
        theta.append(np.column_stack([rng.uniform(-1, 1, n_out), coef.T]))
    costs = []
    for _ in range(3):
        gradient = [np.zeros_like(W) for W in theta]
        cost = 0.0
        for x, t in zip(X, targets, strict=True):
            activations = [np.r_[1, x]]
            for W in theta:
                activations.append(np.r_[1, expit(W @ activations[-1])])
            h = activations[-1][1:]
            cost -= t @ np.log(h) + (1 - t) @ np.log(1 - h)
            delta = h - t
            for layer in (2, 1, 0):
                gradient[layer] += np.outer(delta, activations[layer])
                g = activations[layer]
                delta = (theta[layer].T @ delta * g * (1 - g))[1:]
        costs.append(
            cost / m + lambda_ / (2 * m) * sum((W[:, 1:] ** 2).sum() for W in theta)
        )
        for W, grad in zip(theta, gradient, strict=True):
            grad[:, 1:] += lambda_ * W[:, 1:]
            W -= rate / m * grad
    net.fit(X, y)
    for coef, intercept, W in zip(net.coefs_, net.intercepts_, theta, strict=True):
        assert_allclose(coef, W[:, 1:].T, rtol=1e-12)
        assert_allclose(intercept, W[:, 0], rtol=1e-12)
    assert_allclose(net.loss_curve_, costs, rtol=1e-12)


@pytest.mark.parametrize("out_activation", ["auto", "logistic"])
@pytest.mark.parametrize("target", ["multiclass", "binary", "multilabel"])
def test_predictions_agree_with_each_other(iris, multilabel, target, out_activation):
    X, y = multilabel if target == "multilabel" else iris
    if target == "binary":
        y = np.array(["no", "yes"])[(y > 0).astype(int)]
    net = make_net(out_activation=out_activation).fit(X, y)
    raw, proba = net.decision_function(X), net.predict_proba(X)
    assert_allclose(net.predict_log_proba(X), np.log(proba), rtol=1e-9, atol=1e-15)
    if target == "binary":
        assert raw.shape == (len(X),)
        assert proba.shape == (len(X), 2)
        assert_allclose(proba[:, 1], expit(raw))
        assert_array_equal(net.predict(X), net.classes_[(raw > 0).astype(int)])
    elif target == "multiclass":
        assert raw.shape == proba.shape == (len(X), 3)
        assert_array_equal(net.predict(X), raw.argmax(axis=1))
        h = np.exp(raw) if out_activation == "auto" else expit(raw)
        assert_allclose(proba, h / h.sum(axis=1, keepdims=True))
    else:
        assert raw.shape == proba.shape == (len(X), 4)
        assert_allclose(proba, expit(raw))
        assert_array_equal(net.predict(X), (raw > 0).astype(int))
    if target != "multilabel":
        assert_allclose(proba.sum(axis=1), 1)


def test_raw_outputs_are_those_of_the_coefficients(iris):
    X, y = iris
    net = make_net(activation="tanh", hidden_layer_sizes=(6, 5)).fit(X, y)
    a = X
    for coef, intercept in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
        a = np.tanh(a @ coef + intercept)
    expected = a @ net.coefs_[-1] + net.intercepts_[-1]
    assert_allclose(net.decision_function(X), expected, rtol=1e-12)


@pytest.mark.parametrize("n_samples", [1, 1999, 2000, 2001, 4100])
def test_predictions_do_not_depend_on_the_company(iris, n_samples):
    """Rows are predicted in blocks: a row's prediction is that of the row alone."""
    X, y = iris
    net = make_net().fit(X, y)
    many = np.random.RandomState(0).standard_normal((n_samples, 4))
    proba = net.predict_proba(many)
    for i in {0, n_samples // 2, n_samples - 1}:
        assert_allclose(proba[i], net.predict_proba(many[i : i + 1])[0], rtol=1e-12)


def test_predictions_from_several_threads_at_once(iris):
    X, y = iris
    net = make_net(hidden_layer_sizes=(50, 50)).fit(X, y)
    rng = np.random.RandomState(0)
    batches = [rng.standard_normal((500, 4)) for _ in range(40)]
    expected = [net.predict_proba(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for a, b in zip(pool.map(net.predict_proba, batches), expected, strict=True):
            assert_allclose(a, b, rtol=1e-12)


# -- attributes -----------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
def test_attributes_of_the_history(iris, early_stopping):
    X, y = iris
    net = make_net(early_stopping=early_stopping).fit(X, y)
    n_trained = 135 if early_stopping else 150
    assert net.n_iter_ == len(net.loss_curve_) == 10
    assert net.t_ == 10 * n_trained
    assert net.loss_ == net.loss_curve_[-1]
    assert net.n_layers_ == 3
    assert net.n_outputs_ == 3
    if early_stopping:
        assert net.best_loss_ is None
        assert len(net.validation_scores_) == 10
        assert net.best_validation_score_ == max(net.validation_scores_)
    else:
        assert net.best_loss_ == min(net.loss_curve_)
        assert net.validation_scores_ is None
        assert net.best_validation_score_ is None


def test_first_loss_is_that_of_the_initial_weights(iris):
    """On a full batch, whose loss is measured before the first step."""
    X, y = iris
    start = make_net(batch_size=150, max_iter=1).fit(X, y)
    net = make_net(batch_size=150, max_iter=1, alpha=3.0, **PLAIN_SGD)
    net.set_params(learning_rate_init=1e-300).fit(X, y)
    squares = sum((coef**2).sum() for coef in net.coefs_)
    penalty = 3.0 / (2 * 150) * squares
    assert net.loss_ == pytest.approx(
        log_loss(y, net.predict_proba(X)) + penalty, rel=1e-13
    )
    assert start.loss_ == pytest.approx(net.loss_ - penalty * (1 - 1e-4 / 3), rel=1e-13)


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("target", ["multiclass", "binary", "multilabel"])
def test_float32_samples_stay_float32_all_through(iris, multilabel, solver, target):
    X, y = multilabel if target == "multilabel" else iris
    if target == "binary":
        y = y > 0
    X = X.astype(np.float32)
    net = make_net(solver=solver, warm_start=True).fit(X, y)
    arrays = [*net.coefs_, *net.intercepts_]
    arrays += [net.predict_proba(X), net.predict_log_proba(X), net.decision_function(X)]
    if solver != "lbfgs":  # the memory of the optimizer
        state = net.__getstate__()["_resume"]["optimizer"]
        memory = [a for a in state.values() if isinstance(a, np.ndarray)]
        assert memory
        arrays += memory
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("dtype", "of_X", "expected"),
    [
        ("float32", np.float64, np.float32),
        (np.float32, np.int64, np.float32),
        ("float64", np.float32, np.float64),
        (None, np.float16, np.float64),
        (None, np.int32, np.float64),
    ],
)
def test_dtype_says_what_the_weights_are(iris, dtype, of_X, expected):
    X, y = iris
    X = X.astype(of_X)
    net = make_net(dtype=dtype).fit(X, y)
    assert net.coefs_[0].dtype == net.predict_proba(X).dtype == expected


# -- going on -------------------------------------------------------------------------

STEPPERS = {
    "adam": {},
    "adam, full batch": {"batch_size": 150},
    "adam, in order": {"shuffle": False},
    "adam, float32": {"dtype": "float32"},
    "sgd": PLAIN_SGD,
    "sgd, full batch": {**PLAIN_SGD, "batch_size": 150},
    "nesterov": {"solver": "sgd"},
    "heavy ball": {"solver": "sgd", "nesterovs_momentum": False},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    # No epoch meets the tolerance: the rate is lowered every second one.
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 10.0,
        "n_iter_no_change": 1,
    },
}


@pytest.mark.parametrize("pickled", [False, True])
@pytest.mark.parametrize("parameters", STEPPERS.values(), ids=STEPPERS)
def test_calls_of_partial_fit_are_the_epochs_of_fit(iris, parameters, pickled):
    X, y = iris
    whole = make_net(max_iter=7, **parameters).fit(X, y)
    net = make_net(**parameters)
    for _ in range(7):
        net.partial_fit(X, y, classes=[0, 1, 2])
        if pickled:
            net = pickle.loads(pickle.dumps(net))
        assert net.n_iter_ == 1
    assert_same_bits(net, whole)
    assert net.t_ == whole.t_


@pytest.mark.parametrize("pickled", [False, True])
@pytest.mark.parametrize("parameters", STEPPERS.values(), ids=STEPPERS)
def test_a_warm_start_goes_on_where_fit_stopped(iris, parameters, pickled):
    X, y = iris
    whole = make_net(max_iter=10, **parameters).fit(X, y)
    net = make_net(max_iter=5, warm_start=True, **parameters).fit(X, y)
    if pickled:
        net = pickle.loads(pickle.dumps(net))
    net.fit(X, y)
    assert_same_bits(net, whole)
    assert net.n_iter_ == 5


def test_warm_start_and_partial_fit_follow_each_other(iris):
    X, y = iris
    whole = make_net(max_iter=6).fit(X, y)
    net = make_net(max_iter=2, warm_start=True)
    net.partial_fit(X, y, classes=[0, 1, 2]).fit(X, y).partial_fit(X, y).fit(X, y)
    assert_same_bits(net, whole)


def test_partial_fit_goes_on_after_fit(iris):
    X, y = iris
    net = make_net(max_iter=5).fit(X, y).partial_fit(X, y)
    assert_same_bits(net, make_net(max_iter=6).fit(X, y))


def test_fit_without_warm_start_begins_anew(iris):
    X, y = iris
    net = make_net().fit(X, y)
    assert_same_bits(net.partial_fit(X, y).fit(X, y), make_net().fit(X, y))
    assert net.t_ == 10 * 150


def test_a_warm_start_of_lbfgs_goes_on_from_the_weights(iris):
    X, y = iris
    net = make_net(solver="lbfgs", warm_start=True, max_iter=5, alpha=1.0).fit(X, y)
    after_5 = net.loss_
    net.fit(X, y)
    assert net.loss_curve_[5] < after_5
    assert len(net.loss_curve_) == 10


def test_batches_of_other_sizes_in_partial_fit(iris):
    X, y = iris
    net = make_net()
    for n in (1, 31, 32, 33, 150, 2):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "batch_size")  # more than n
            net.partial_fit(X[:n], y[:n], classes=[0, 1, 2])
    assert net.t_ == 1 + 31 + 32 + 33 + 150 + 2


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"hidden_layer_sizes": (8,)}, [r"4, 6, 3", r"4, 8, 3"]),
        ({"hidden_layer_sizes": (6, 6)}, [r"4, 6, 3", r"4, 6, 6, 3"]),
        ({"activation": "tanh"}, ["relu", "tanh"]),
        ({"out_activation": "logistic"}, ["softmax", "logistic"]),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_another_architecture_cannot_go_on(iris, method, parameters, names):
    X, y = iris
    net = make_net(warm_start=True).fit(X, y)
    before = net.predict_proba(X)
    net.set_params(**parameters)
    for name in names:  # the old and the new one are both named
        with pytest.raises(ValueError, match=name):
            getattr(net, method)(X, y)
    assert_array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize("classes", [[0, 1], [0, 1, 3], ["a", "b", "c"]])
def test_other_classes_cannot_go_on(iris, classes):
    X, y = iris
    net = make_net(warm_start=True).fit(X, y)
    before = net.predict_proba(X)
    y = np.array(classes)[y % len(classes)]
    for named in ("[0, 1, 2]", str(classes)):
        with pytest.raises(ValueError) as error:  # noqa: PT011
            net.fit(X, y)
        assert named in str(error.value)
    assert_array_equal(net.predict_proba(X), before)


# -- weights by hand ------------------------------------------------------------------


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
    other = make_net(**parameters, random_state=1).fit(X, y)
    net = make_net(**parameters).fit(X, y)
    assign(net, [c.copy() for c in other.coefs_], [b.copy() for b in other.intercepts_])
    assert_array_equal(net.predict_proba(X), other.predict_proba(X))
    for model in (net, other):
        getattr(model, method)(X, y)
    for a, b in zip(net.coefs_, other.coefs_, strict=True):
        assert_array_equal(a, b)


@pytest.mark.parametrize("warm_start", [False, True])
def test_fit_starts_from_given_weights(iris, warm_start):
    X, y = iris
    parameters = {**PLAIN_SGD, "shuffle": False, "warm_start": warm_start}
    first = make_net(**parameters, max_iter=2).fit(X, y)
    net = make_net(**parameters, max_iter=3)
    if warm_start:
        net.fit(X, y)
    net.fit(X, y, coef_init=first.coefs_, intercept_init=first.intercepts_)
    whole = make_net(**parameters, max_iter=5).fit(X, y)
    for a, b in zip(net.coefs_, whole.coefs_, strict=True):
        assert_array_equal(a, b)


def test_given_weights_are_copied(iris):
    X, y = iris
    coefs = [np.full((4, 6), 0.1), np.full((6, 3), 0.1)]
    intercepts = [[0] * 6, [0] * 3]
    make_net().fit(X, y, coef_init=coefs, intercept_init=intercepts)
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
    net = make_net(warm_start=True).fit(X, y)
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
    net = make_net(warm_start=warm_start).fit(X, y)
    before = net.predict_proba(X)
    zeros = [np.zeros_like(coef) for coef in net.coefs_]
    with pytest.raises(ValueError, match="intercepts_ must"):
        net.fit(X, y, coef_init=zeros, intercept_init=[[0.0]])
    assert_array_equal(net.predict_proba(X), before)


# -- persistence ----------------------------------------------------------------------


def test_a_pickle_predicts_the_same(iris):
    X, y = iris
    net = make_net().fit(X, y)
    for loaded in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert_same_bits(loaded, net)
        assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_pickle_is_little_more_than_the_weights(dtype, early_stopping):
    """The default network on digits: Adam's memory and the labels are not in it."""
    X, y = load_digits(return_X_y=True)
    net = ScratchMLPClassifier(
        max_iter=5, dtype=dtype, early_stopping=early_stopping, random_state=0
    ).fit(X, y)
    weights = sum(a.nbytes for a in [*net.coefs_, *net.intercepts_])
    assert len(pickle.dumps(net)) <= 1.2 * weights
    file = io.BytesIO()
    joblib.dump(net, file)
    assert len(file.getvalue()) <= 1.2 * weights


@pytest.mark.parametrize("mmap_mode", ["r", "c"])
@pytest.mark.parametrize(
    "parameters",
    [{}, {"solver": "sgd"}, {"solver": "lbfgs"}, {"early_stopping": True}],
    ids=str,
)
def test_a_memory_mapped_model_predicts_and_trains_on(
    iris, tmp_path, parameters, mmap_mode
):
    X, y = iris
    net = make_net(warm_start=True, **parameters).fit(X, y)
    joblib.dump(net, tmp_path / "net.joblib")
    mapped = joblib.load(tmp_path / "net.joblib", mmap_mode=mmap_mode)
    assert mapped.coefs_[0].flags.writeable == (mmap_mode == "c")
    assert_array_equal(mapped.predict_proba(X), net.predict_proba(X))
    assert_same_bits(mapped.fit(X, y), net.fit(X, y))


def test_a_memory_mapped_model_trains_on_by_partial_fit(iris, tmp_path):
    X, y = iris
    net = make_net().partial_fit(X, y, classes=[0, 1, 2])
    joblib.dump(net, tmp_path / "net.joblib")
    mapped = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    assert_same_bits(mapped.partial_fit(X, y), net.partial_fit(X, y))


def test_a_memory_mapped_model_takes_weights_by_hand(iris, tmp_path):
    X, y = iris
    net = make_net().fit(X, y)
    joblib.dump(net, tmp_path / "net.joblib")
    mapped = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    mapped.coefs_ = [np.zeros_like(coef) for coef in net.coefs_]
    assert not any(coef.any() for coef in mapped.coefs_)


# -- the same again -------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"solver": "sgd"},
        {"solver": "lbfgs"},
        {"early_stopping": True},
        {"hidden_layer_sizes": (300, 300), "batch_size": 100, "max_iter": 2},
    ],
    ids=str,
)
def test_same_seed_same_bits(parameters):
    X, y = load_digits(return_X_y=True)
    parameters = {"max_iter": 5, "random_state": 0, **parameters}
    nets = []
    for limit in (None, None, 1, 2):
        with threadpool_limits(limit, user_api="blas"):
            nets.append(ScratchMLPClassifier(**parameters).fit(X, y))
    for net in nets[1:]:
        assert_same_bits(net, nets[0])
    other = ScratchMLPClassifier(**{**parameters, "random_state": 1}).fit(X, y)
    assert not np.array_equal(other.coefs_[0], nets[0].coefs_[0])


def test_same_model_from_fits_in_several_threads():
    """Threads of one process share BLAS's limits, so that the last bit may differ."""
    X, y = load_digits(return_X_y=True)
    net = ScratchMLPClassifier((50, 50), max_iter=2, random_state=0)
    expected = clone(net).fit(X, y)
    with ThreadPoolExecutor(4) as pool:
        nets = list(pool.map(lambda _: clone(net).fit(X, y), range(8)))
    for net in nets:
        for coef, expected_coef in zip(net.coefs_, expected.coefs_, strict=True):
            assert_allclose(coef, expected_coef, rtol=0, atol=1e-12)


def test_same_bits_from_several_processes(iris):
    X, y = iris
    results = []
    for n_jobs in (1, 2):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), make_net()),
            {"scratchmlpclassifier__alpha": [1e-4, 1.0]},
            cv=2,
            n_jobs=n_jobs,
        ).fit(X, NAMES[y])
        proba = cross_val_predict(
            make_net(), X, y, cv=2, method="predict_proba", n_jobs=n_jobs
        )
        best = search.best_estimator_[-1]
        results.append((search.cv_results_["mean_test_score"], proba, best))
    (scores, proba, net), (scores_2, proba_2, net_2) = results
    assert_array_equal(scores, scores_2)
    assert_array_equal(proba, proba_2)
    assert_same_bits(net, net_2)


# -- bad input ------------------------------------------------------------------------


def replaced(array, value, where=(0, 0)):
    array = np.array(array, dtype=float)
    array[where] = value
    return array


# What to do with data like those a model was trained on, and what it must say.
BAD_DATA = {
    "nan in X": (lambda X, y: (replaced(X, np.nan), y), "NaN"),
    "inf in X": (lambda X, y: (replaced(X, np.inf), y), "infinity"),
    "no samples": (lambda X, y: (X[:0], y[:0]), "0 sample"),
    "no features": (lambda X, y: (X[:, :0], y), "0 feature|expecting 4"),
    "one-dimensional X": (lambda X, y: (X[:, 0], y), "2D array"),
    "three-dimensional X": (lambda X, y: (X[np.newaxis], y), "dim 3"),
    "words in X": (lambda X, y: (NAMES[y][:, np.newaxis], y), "could not convert"),
    "too few labels": (lambda X, y: (X, y[1:]), "inconsistent numbers of samples"),
    "no y": (lambda X, y: (X, None), "requires y"),
    "nan in y": (lambda X, y: (X, replaced(y, np.nan, 0)), "NaN"),
    "continuous y": (lambda X, y: (X, y + 0.5), "continuous|not among the classes"),
    "several targets": (
        lambda X, y: (X, np.column_stack([y, y])),
        "several multiclass targets|1d array|does not fit",
    ),
    "weights: negative": (lambda X, y: (X, y, y - 1.0), "[Nn]egative"),
    "weights: all zero": (lambda X, y: (X, y, y * 0), "non-zero"),
    "weights: nan": (lambda X, y: (X, y, replaced(y, np.nan, 0)), "NaN"),
    "weights: inf": (lambda X, y: (X, y, replaced(y, np.inf, 0)), "infinity"),
    "weights: too few": (lambda X, y: (X, y, np.ones(3)), "sample_weight"),
    "weights: a column": (
        lambda X, y: (X, y, np.ones((len(X), 1))),
        "sample_weight",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), BAD_DATA.values(), ids=BAD_DATA)
@pytest.mark.parametrize(
    ("solver", "method"),
    [
        ("adam", "fit"),
        ("adam", "warm fit"),
        ("adam", "partial_fit"),
        ("lbfgs", "fit"),
        ("lbfgs", "warm fit"),
    ],
)
def test_bad_data_change_nothing(iris, solver, method, spoil, message):
    X, y = iris
    net = make_net(solver=solver, warm_start=method == "warm fit").fit(X, y)
    before = pickle.dumps(net), net.predict_proba(X)
    with pytest.raises(ValueError, match=message):
        getattr(net, method.split()[-1])(*spoil(X, y))
    assert pickle.dumps(net) == before[0]
    assert_array_equal(net.predict_proba(X), before[1])

    new = make_net(solver=solver)
    with pytest.raises(ValueError, match=message):
        new.fit(*spoil(X, y))
    with pytest.raises(NotFittedError):
        new.predict(X)


@pytest.mark.parametrize("name", ["nan in X", "inf in X", "no features"])
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bad_samples_are_not_predicted(iris, method, name, dtype):
    X, y = iris
    net = make_net().fit(X, y)
    spoil, message = BAD_DATA[name]
    with pytest.raises(ValueError, match=message):
        getattr(net, method)(spoil(X, y)[0].astype(dtype))


def test_samples_of_another_width_are_refused(iris):
    X, y = iris
    net = make_net(warm_start=True).fit(X, y)
    for call in (net.predict, net.predict_proba, net.decision_function):
        with pytest.raises(ValueError, match="expecting 4 features"):
            call(X[:, :3])
    for call in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match="expecting 4 features"):
            call(X[:, :3], y)


@pytest.mark.parametrize(
    "parameters",
    [{"validation_fraction": f} for f in (0.0, 0.001, 0.999)],
    ids=str,
)
def test_a_split_that_cannot_be_made_changes_nothing(iris, parameters):
    X, y = iris
    net = make_net().fit(X, y)
    before = net.predict_proba(X)
    net.set_params(early_stopping=True, **parameters)
    with pytest.raises(ValueError, match="validation_fraction"):
        net.fit(X, y)
    assert_array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize(
    "unseen",
    [
        lambda y: y + 1,
        lambda y: y + 0.5,
        lambda y: y.astype(str),
        lambda y: NAMES[y],
        lambda y: y - 1,
    ],
    ids=["other numbers", "halves", "digits as str", "words", "negative"],
)
def test_partial_fit_refuses_labels_that_are_not_among_the_classes(iris, unseen):
    X, y = iris
    net = make_net().partial_fit(X, y, classes=[0, 1, 2])
    before = net.predict_proba(X)
    with pytest.raises(ValueError, match=r"not among the classes|label type"):
        net.partial_fit(X, unseen(y))
    assert_array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["apple", "beech", "apple"], ["a", "b"]),  # must not be cut to one letter
        (["1", "2", "1"], [1, 2]),
        ([True, False, True], ["True", "False"]),
        ([0, 5, 7], [False, True]),
    ],
    ids=str,
)
def test_labels_are_not_cast_to_the_type_of_the_classes(y, classes):
    net = make_net(batch_size="auto")
    with pytest.raises(ValueError, match=r"not among the classes|label type"):
        net.partial_fit([[0.0], [1.0], [2.0]], y, classes=classes)


def test_partial_fit_needs_the_classes_once(iris):
    X, y = iris
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        make_net().partial_fit(X, y)
    net = make_net().partial_fit(X, y, classes=[0, 1, 2])
    net.partial_fit(X, y, classes=[2, 0, 1])  # again, in any order
    with pytest.raises(ValueError, match=r"\[0, 1, 2, 3\].*\[0, 1, 2\]"):
        net.partial_fit(X, y, classes=[0, 1, 2, 3])


def test_partial_fit_refuses_classes_of_another_number_of_labels(multilabel):
    X, y = multilabel
    make_net().partial_fit(X, y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="classes"):
        make_net().partial_fit(X, y, classes=[0, 1])


def test_another_kind_of_target_is_refused(iris):
    X, y = iris
    labels = (np.random.RandomState(0).uniform(size=(150, 3)) < 0.5).astype(int)
    net = make_net().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="does not fit this multiclass model"):
        net.partial_fit(X, labels)
    net = make_net().partial_fit(X, labels, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="does not fit this multilabel"):
        net.partial_fit(X, y)
    with pytest.raises(ValueError, match=r"2 label columns.*3"):
        net.partial_fit(X, labels[:, :2])


def test_lbfgs_has_no_partial_fit():
    net = ScratchMLPClassifier(solver="lbfgs")
    assert not hasattr(net, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        net.partial_fit  # noqa: B018


@pytest.mark.parametrize(
    "sizes", [0, -1, 2.5, "a", [[3]], [3, 0], [-1], [2.5], None, (3, "a"), np.nan]
)
def test_bad_hidden_layer_sizes(iris, sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        make_net(hidden_layer_sizes=sizes).fit(*iris)


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": "swish"},
        {"solver": "newton"},
        {"alpha": -1.0},
        {"batch_size": 0},
        {"learning_rate": "linear"},
        {"learning_rate_init": 0.0},
        {"power_t": -1},
        {"max_iter": 0},
        {"shuffle": "yes"},
        {"random_state": "a"},
        {"tol": -1e-4},
        {"verbose": -1},
        {"warm_start": None},
        {"momentum": 1.1},
        {"nesterovs_momentum": "yes"},
        {"early_stopping": "loss"},
        {"validation_fraction": 1.0},
        {"beta_1": 1.0},
        {"beta_2": -0.1},
        {"epsilon": 0},
        {"n_iter_no_change": 0},
        {"max_fun": 0},
        {"weight_init": "zeros"},
        {"out_activation": "tanh"},
        {"dtype": "float16"},
        {"warmup": 1.0},
    ],
    ids=str,
)
def test_bad_parameters_are_named(iris, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        make_net(**parameters).fit(*iris)


def test_softmax_needs_several_classes(iris, multilabel):
    net = make_net(out_activation="softmax").fit(*iris)
    assert net.out_activation_ == "softmax"
    X, y = iris
    with pytest.raises(ValueError, match=r"three or more classes.*binary"):
        clone(net).fit(X, y > 0)
    with pytest.raises(ValueError, match=r"three or more classes.*multilabel"):
        clone(net).fit(*multilabel)


@pytest.mark.parametrize(
    "call",
    [
        lambda net, X: net.predict(X),
        lambda net, X: net.predict_proba(X),
        lambda net, X: net.predict_log_proba(X),
        lambda net, X: net.decision_function(X),
    ],
)
def test_an_unfitted_network_says_so(iris, call):
    with pytest.raises(NotFittedError, match="not fitted"):
        call(make_net(), iris[0])
    with pytest.raises(AttributeError):
        make_net().coefs_  # noqa: B018


# -- interrupted ----------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_ctrl_c_keeps_the_weights_of_the_last_whole_step(iris, solver, pressing_ctrl_c):
    """On a full batch, where a step is an epoch, it comes in the fourth."""
    X, y = iris
    parameters = {"solver": solver, "batch_size": 150}
    net = make_net(**parameters, random_state=pressing_ctrl_c(at=4))
    with pytest.warns(UserWarning, match=r"Ctrl-C .*iteration 4"):
        net.fit(X, y)
    expected = make_net(**parameters, max_iter=4).fit(X, y)
    for a, b in zip(net.coefs_, expected.coefs_, strict=True):
        assert_array_equal(a, b)
    assert net.n_iter_ == len(net.loss_curve_) == 3
    assert_array_equal(net.predict(X), expected.predict(X))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_leaves_a_model_that_trains_on(iris, early_stopping, pressing_ctrl_c):
    X, y = iris
    net = make_net(
        random_state=pressing_ctrl_c(at=12),  # holding rows out takes the first 5
        early_stopping=early_stopping,
        warm_start=True,
        max_iter=40,
    )
    with pytest.warns(UserWarning, match="Ctrl-C"):
        net.fit(X, y)
    net = pickle.loads(pickle.dumps(net.set_params(random_state=0)))
    assert net.fit(X, y).score(X, y) > 0.8
    assert len(net.loss_curve_) > net.n_iter_
    if early_stopping:
        assert net.best_validation_score_ == max(net.validation_scores_)


@pytest.mark.usefixtures("pressing_ctrl_c")
def test_ctrl_c_in_lbfgs_keeps_the_last_whole_iteration(iris, monkeypatch):
    X, y = iris
    from sknet.backprop import Objective  # where its evaluations go

    whole = Objective.value_and_grad
    calls = []

    def value_and_grad(*args):
        calls.append(1)
        if len(calls) == 12:
            signal.raise_signal(signal.SIGINT)
        return whole(*args)

    monkeypatch.setattr(Objective, "value_and_grad", value_and_grad)
    net = make_net(solver="lbfgs", max_iter=100)
    with pytest.warns(UserWarning, match="Ctrl-C"):
        net.fit(X, y)
    monkeypatch.undo()
    assert 0 < net.n_iter_ < 12
    expected = make_net(solver="lbfgs", max_iter=net.n_iter_).fit(X, y)
    assert_allclose(net.predict_proba(X), expected.predict_proba(X))


# -- hidden activations ----------------------------------------------------------------

FIVE_EPOCHS = {"max_iter": 5, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("activation", ["relu", "gelu", ["tanh", "silu"]])
def test_hidden_activations_are_what_the_next_layer_reads(container, activation):
    X, y = load_digits(return_X_y=True)
    net = ScratchMLPClassifier((6, 5), activation, **FIVE_EPOCHS)
    net.fit(container(X), y)
    last = net.hidden_activations(container(X))
    assert last.shape == (len(X), 5)
    assert_allclose(
        last @ net.coefs_[-1] + net.intercepts_[-1], net.decision_function(X), rtol=1e-9
    )
    first = net.hidden_activations(container(X), layer=0)
    a = first @ net.coefs_[1] + net.intercepts_[1]
    name = activation if isinstance(activation, str) else activation[-1]
    ACTIVATIONS[name].forward(a)
    assert_allclose(a, last, rtol=1e-9, atol=1e-12)
    assert_array_equal(first, net.hidden_activations(container(X), layer=-2))


@pytest.mark.parametrize("layer", [2, -3])
def test_a_hidden_layer_that_is_not_there_is_named(layer):
    X, y = load_digits(return_X_y=True)
    net = ScratchMLPClassifier((6, 5), **FIVE_EPOCHS).fit(X, y)
    with pytest.raises(ValueError, match=f"layer={layer} .* 2 hidden layers"):
        net.hidden_activations(X, layer=layer)

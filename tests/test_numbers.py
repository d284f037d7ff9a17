"""Numbers of any type and any size: parameters, weights, X and probabilities."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from sknet.activations import ACTIVATIONS
from sknet.gradient_check import check_gradients

# Each with a value that arithmetic in its own narrow type would get wrong.
WHOLE = {"max_iter": 100, "batch_size": 32, "n_iter_no_change": 100, "max_fun": 100}
REAL = {
    "alpha": 0.5,
    "learning_rate_init": 0.0078125,
    "tol": 0.00390625,
    "momentum": 0.5,
    "beta_1": 0.75,
    "beta_2": 0.9375,
    "epsilon": 0.0009765625,
    "power_t": 0.25,
    "validation_fraction": 0.25,
    "warmup": 0.25,
    "dropout": 0.25,
    "input_dropout": 0.125,
    "label_smoothing": 0.125,
    "weight_decay": 0.125,
    "max_grad_norm": 0.5,
}
SETTINGS = {
    "cosine": {"learning_rate": "cosine", "early_stopping": True},
    "plateau": {"solver": "sgd", "learning_rate": "reduce_on_plateau"},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive"},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "adamw": {"solver": "adamw", "learning_rate": "one_cycle"},
    "lbfgs": {"solver": "lbfgs", "dropout": 0, "input_dropout": 0}
    | {"max_grad_norm": None},
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    ("whole", "real"),
    [(np.uint8, np.float16), (np.int8, np.float32), (np.int64, np.longdouble)],
)
def test_numbers_of_numpy_train_like_those_of_python(iris, name, whole, real):
    X, y = iris
    plain = {"hidden_layer_sizes": 100, "random_state": 5, **WHOLE, **REAL}
    plain |= SETTINGS[name]
    given = {
        name: whole(value)
        if type(value) is int
        else real(value)
        if type(value) is float
        else np.bool_(value)
        if type(value) is bool
        else np.str_(value)
        if type(value) is str
        else value
        for name, value in plain.items()
    }
    net = ScratchMLPClassifier(**given).fit(X, y)
    expected = ScratchMLPClassifier(**plain).fit(X, y)
    assert net.n_iter_ == expected.n_iter_
    assert net.loss_curve_ == expected.loss_curve_
    assert_array_equal(net.predict_proba(X), expected.predict_proba(X))
    assert all(net.get_params()[name] is value for name, value in given.items())
    if plain.get("learning_rate") == "invscaling":
        for one in net, expected:
            one.partial_fit(X, y)
        assert_array_equal(net.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize(
    "dtype", [np.dtype("float32"), np.dtype("<f8"), np.float32, float, "float64"]
)
def test_a_type_is_named_in_any_of_its_ways(iris, dtype):
    X, y = iris
    net = ScratchMLPClassifier(
        dtype=dtype, max_iter=2, tol=0, n_iter_no_change=np.inf, warm_start=True
    )
    assert net.fit(X, y).fit(X, y).coefs_[0].dtype == dtype
    assert net.get_params()["dtype"] is dtype


@pytest.mark.parametrize("dtype", [np.dtype("int64"), np.dtype("float16"), int])
def test_a_type_that_is_none_of_the_two_is_refused(iris, dtype):
    with pytest.raises(ValueError, match="dtype"):
        ScratchMLPClassifier(dtype=dtype).fit(*iris)


def test_layers_and_dropout_come_in_any_array(iris):
    net = ScratchMLPClassifier(
        np.array([5, np.int8(3)], dtype=object),
        dropout=np.array([0.25, 0.5], dtype=object),
        max_iter=1,
        tol=0,
        n_iter_no_change=np.inf,
    )
    assert [len(b) for b in net.fit(*iris).intercepts_] == [5, 3, 3]
    for wrong in (
        [True],
        np.array([5, True], dtype=object),
        [5, 2.5],
        np.array([5, None]),
        ["5"],
    ):
        with pytest.raises(ValueError, match="hidden_layer_sizes"):
            net.set_params(hidden_layer_sizes=wrong).fit(*iris)


# -- underflow -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "activation",
    list(ACTIVATIONS),
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_underflow_is_no_error(iris, solver, activation, dtype):
    X, y = iris
    X = (X * 300).astype(dtype)
    net = ScratchMLPClassifier(
        (5, 5), activation, solver=solver, max_iter=5, tol=0, random_state=0
    )
    if solver == "adam":
        net.set_params(n_iter_no_change=np.inf)
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of lbfgs
        net.fit(X, y, X_val=X, y_val=y)
        for rows in X, X[:1], sparse.csr_matrix(X):
            net.predict(rows)
            net.decision_function(rows)
            net.predict_proba(rows)
            net.predict_log_proba(rows)
            net.hidden_activations(rows)
        net.score(X, y)
        check_gradients(net, X, y)
        if solver == "adam":
            net.partial_fit(X, y, sample_weight=np.full(len(y), 1e-10))


def test_underflow_of_weights_by_hand_and_of_a_warm_start_is_no_error(iris):
    X, y = iris
    net = ScratchMLPClassifier(
        (5,),
        dtype="float32",
        max_iter=3,
        tol=0,
        n_iter_no_change=np.inf,
        warm_start=True,
    )
    tiny = [np.full((4, 5), 1e-300), np.full((5, 3), 1e-300)]
    with np.errstate(all="raise"):
        for _ in range(2):
            net.fit(X * 1e3, y, X_val=X * 1e3, y_val=y, coef_init=tiny)
            net.fit(X * 1e3, y, X_val=X * 1e3, y_val=y)
    assert (net.intercepts_[1] != 0).all()


# -- what is too large -----------------------------------------------------------------


def network(**parameters):
    settings = {"max_iter": 5, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}
    return ScratchMLPClassifier((5,), **{**settings, **parameters})


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, list])
def test_what_a_narrow_type_cannot_hold_is_infinity_to_it(iris, form):
    X, y = iris
    net = network(dtype="float32").fit(X, y)
    before = net.predict_proba(X)
    spoilt = X.copy()
    spoilt[3, 1] = np.finfo(float).max
    spoilt = form(spoilt)
    methods = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
    calls = [getattr(net, name) for name in [*methods, "hidden_activations"]]
    calls += [
        lambda X: net.fit(X, y),
        lambda X: net.partial_fit(X, y),
        lambda X: net.fit(iris[0], y, X_val=X, y_val=y),
        lambda X: net.score(X, y),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="too large for float32"):
            call(spoilt)
    assert_array_equal(net.predict_proba(X), before)
    largest = np.finfo(np.float32).max  # still is a number
    assert np.isfinite(net.predict_proba(np.full((1, 4), 1e-10 * largest))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_that_overflow_are_an_error_not_nan(iris, dtype):
    X, y = iris
    net = network(dtype=dtype, activation="identity").fit(X, y)
    huge = np.array([[1, -1, 1, -1]]) * np.finfo(dtype).max
    net.coefs_[0] = np.full((4, 5), 10.0)
    for method in net.predict, net.predict_proba, net.decision_function:
        with pytest.raises(ValueError, match=f"overflow {np.dtype(dtype)}: scale X"):
            method(huge.astype(dtype))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "logistic", "multilabel"])
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [(np.float32, 1e7), (np.float32, 1e20), (np.float64, 1e16), (np.float64, 1e200)],
)
def test_probabilities_are_above_0_at_any_scale(iris, kind, dtype, scale):
    X, y = iris
    if kind == "binary":
        y = y > 0
    elif kind == "multilabel":
        y = np.column_stack([y > 0, y > 1]).astype(int)
    out_activation = "logistic" if kind == "logistic" else "auto"
    net = network(dtype=dtype, out_activation=out_activation, max_iter=50).fit(X, y)
    proba = net.predict_proba((X * scale).astype(dtype))
    assert proba.dtype == dtype
    assert (proba > 0).all()
    assert (proba < 1).all()
    assert (proba == np.finfo(dtype).smallest_subnormal).any()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_are_checked_in_the_type_that_they_get(iris, dtype):
    X, y = iris
    net = network(dtype=dtype).fit(X, y)
    before = net.predict_proba(X)
    too_large = 1e300 if dtype == "float32" else np.inf
    for value in too_large, np.nan:
        coefs = [np.full((4, 5), value), np.ones((5, 3))]
        with pytest.raises(ValueError, match="coefs_ must be finite"):
            net.fit(X, y, coef_init=coefs)
        with pytest.raises(ValueError, match="coefs_ must be finite"):
            net.coefs_ = coefs
        with pytest.raises(ValueError, match="must be finite"):
            net.coefs_[0] = coefs[0]
        with pytest.raises(ValueError, match="intercepts_ must be finite"):
            net.intercepts_ = [np.full(5, value), np.ones(3)]
    assert_array_equal(net.predict_proba(X), before)


# -- inputs are never changed ----------------------------------------------------------


def untidy(X):
    """X as CSR with every entry split in two and the columns in falling order."""
    n, k = X.shape
    columns = np.tile(np.repeat(np.arange(k)[::-1], 2), n)
    data = np.repeat(X[:, ::-1], 2, axis=1).ravel() / 2
    indptr = np.arange(0, 2 * n * k + 1, 2 * k)
    return sparse.csr_matrix((data, columns.astype(np.int32), indptr), X.shape)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("scale", [1.0, 1e300])
def test_an_untidy_matrix_stays_as_it_is(iris, solver, scale):
    X, y = iris
    given = untidy(X * scale)
    before = given.data.copy(), given.indices.copy(), given.indptr.copy()
    net = network(solver=solver, input_dropout=0.1 if solver == "adam" else 0)
    if solver == "lbfgs":
        net.set_params(tol=1e-4, n_iter_no_change=10, max_iter=500, alpha=1)
    if scale == 1:
        net.fit(given, y, X_val=given, y_val=y)
        for method in net.predict, net.predict_proba, net.hidden_activations:
            assert_array_equal(method(given).shape[0], len(y))
        check_gradients(net, given, y)
    else:
        with pytest.raises(ValueError, match="diverged"):
            net.fit(given, y)
    if solver != "lbfgs" and scale == 1:
        net.set_params(early_stopping=True)
        net.fit(given, y, sample_weight=(y > 0) * 1.0)
        net.set_params(early_stopping=False).partial_fit(given, y)
    after = given.data, given.indices, given.indptr
    for one, other in zip(before, after, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinities_of_both_signs_are_refused_without_a_warning(iris, cls, dtype):
    """Their sum, by which scikit-learn looks for them, is no number."""
    X, y = iris[0][:80], iris[1][:80].astype(dtype)
    net = cls(hidden_layer_sizes=(3,), solver="lbfgs").fit(X, y)
    bad = np.tile(np.array([np.inf, -np.inf], dtype), 40)
    for refused in (
        lambda: net.fit(X, y, sample_weight=bad),
        lambda: net.score(X, y, sample_weight=bad),
        lambda: net.score(X, bad),
    ):
        with pytest.raises(ValueError, match="contains infinity"):
            refused()


def quartic(h, y):
    return (h - y) ** 4 / 4


def cubic(h, y):
    return (h - y) ** 3


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("loss", ["squared_error", (quartic, cubic)])
def test_a_loss_that_overflows_on_new_validation_rows_is_no_warning(iris, loss):
    """Before the first epoch of a warm start, too."""
    X, y = iris[0], iris[1].astype(float)
    net = ScratchMLPRegressor(loss, hidden_layer_sizes=(3,), max_iter=3)
    net.set_params(warm_start=True, random_state=0).fit(X, y)
    net.fit(X, y, X_val=X, y_val=np.where(y == 2, 1e300, y))
    assert np.inf in net.history_["val_loss"]
    assert np.isfinite(net.predict(X)).all()

"""The regressor: targets, their scale, its losses in use, and going on."""

import ast
import copy
import pickle
import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import (
    d2_pinball_score,
    mean_absolute_error,
    r2_score,
)
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sknet
from sknet import ScratchMLPRegressor, check_gradients
from support import (
    ENDLESS,
    NO_EFFECT,
    STEPPERS,
    assert_same_fit,
    assert_same_weights,
    assert_trains_on_alike,
    flat,
    regressor,
    short,
    unconverged,
)

REAL_LOSSES = {
    "squared_error": {},
    "absolute_error": {"loss": "absolute_error"},
    "huber": {"loss": "huber", "delta": 0.5},
    "quantile": {"loss": "quantile", "quantile": 0.8},
    "quantiles": {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]},
    "own": {
        "loss": (lambda h, y: (h - y) ** 4 / 4, lambda h, y: (h - y) ** 3),
    },
}
LOSSES = {**REAL_LOSSES, "poisson": {"loss": "poisson"}, "gamma": {"loss": "gamma"}}


def data(loss="squared_error", n_targets=None, n_samples=150, seed=0):
    """Samples of 4 features and targets of size 1 in the loss's domain."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 4))
    y = X @ rng.normal(size=(4, n_targets or 1)) / 2 + np.sin(2 * X[:, :1])
    y += 0.3 * rng.normal(size=y.shape)
    if loss == "poisson":
        y = rng.poisson(np.exp(y / 2)).astype(float)
    if loss == "gamma":
        y = np.exp(y / 2)
    return X, y if n_targets else y[:, 0]


# -- gradients -------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize(
    "activation", ["identity", "logistic", "tanh", "relu", "leaky_relu", "gelu"]
)
@pytest.mark.parametrize(
    ("loss", "n_targets"),
    [
        *((loss, None) for loss in LOSSES),
        *((loss, 3) for loss in LOSSES if not loss.startswith("quantile")),
    ],
)
def test_the_gradient_of_every_loss(loss, n_targets, activation, alpha, weighted):
    X, y = data(loss, n_targets, n_samples=30)
    weights = np.random.default_rng(1).uniform(0, 2, len(X)) if weighted else None
    net = regressor(activation=activation, alpha=alpha, **LOSSES[loss])
    assert check_gradients(net, X, y, weights).max_relative_error < 1e-7


@pytest.mark.parametrize("loss", REAL_LOSSES)
def test_the_gradient_with_scaled_targets(loss):
    X, y = data(loss, n_samples=50)
    net = regressor(target_scaling="standard", **LOSSES[loss])
    assert check_gradients(net, X, 1e4 * y).max_relative_error < 1e-7
    assert check_gradients(net.fit(X, y), X, y).max_relative_error < 1e-7


# -- targets of every shape ------------------------------------------------------------


def test_predictions_have_the_shape_of_targets():
    X, y = data()
    assert regressor().fit(X, y).predict(X).shape == y.shape
    with pytest.warns(UserWarning, match="column-vector"):
        column = regressor().fit(X, y[:, np.newaxis])
    assert_same_fit(column, regressor().fit(X, y))
    assert column.predict(X).shape == y.shape
    X, Y = data(n_targets=3)
    net = regressor().fit(X, Y)
    assert net.n_outputs_ == 3
    assert net.predict(X).shape == Y.shape
    assert_allclose(net.score(X, Y), r2_score(Y, net.predict(X)))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_frames_of_targets(method):
    X, Y = data(n_targets=2)
    frames = pd.DataFrame(X, columns=list("abcd")), pd.DataFrame(Y, columns=["u", "v"])
    by_frames = getattr(regressor(), method)(*frames)
    assert_same_fit(by_frames, getattr(regressor(), method)(X, Y))
    assert list(by_frames.feature_names_in_) == list("abcd")


@pytest.mark.parametrize("dtype", [int, bool, object, np.float32])
def test_targets_of_other_types(dtype):
    X, y = data()
    y = (y > 0).astype(dtype)
    assert_same_fit(regressor().fit(X, y), regressor().fit(X, y.astype(float)))


def test_sparse_samples_and_float32_and_memory_maps(tmp_path):
    X, y = data()
    X[np.abs(X) < 0.5] = 0
    dense, thin = regressor().fit(X, y), regressor().fit(sparse.csr_matrix(X), y)
    assert_allclose(thin.predict(sparse.csr_matrix(X)), dense.predict(X), rtol=1e-9)
    small = regressor().fit(X.astype(np.float32), y)
    assert {a.dtype for a in small.coefs_} == {np.dtype(np.float32)}
    assert small.predict(X.astype(np.float32)).dtype == np.float32
    assert_allclose(small.predict(X), dense.predict(X), atol=1e-3)
    joblib.dump((X, y), tmp_path / "data")
    mapped = regressor().fit(*joblib.load(tmp_path / "data", mmap_mode="r"))
    assert_same_fit(mapped, dense)


# -- the scale of targets --------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("loss", REAL_LOSSES)
@short
@unconverged
def test_the_unit_of_targets_changes_nothing(loss, solver):
    """Neither a factor nor, but for rounding, an offset."""
    X, y = data()
    settings = {"target_scaling": "standard", "max_iter": 20, **REAL_LOSSES[loss]}
    net = regressor(solver, **settings).fit(X, y)
    for factor, offset in (1e4, 0), (1e-4, 0), (1, 9):
        other = regressor(solver, **settings).fit(X, factor * y + offset)
        assert_allclose(other.loss_curve_, net.loss_curve_, rtol=1e-6)
        assert_allclose(
            (other.predict(X) - offset) / factor, net.predict(X), rtol=1e-6, atol=1e-6
        )
        assert_allclose(other.score(X, factor * y + offset), net.score(X, y), rtol=1e-6)


@pytest.mark.parametrize("n_targets", [None, 3])
def test_scaling_is_that_of_scikit_learn(n_targets):
    """The same model as with a scaler around it."""
    X, y = data(n_targets=n_targets)
    y = y * ([1e3, 1.0, 1e-3] if n_targets else 1e3) + 50
    net = regressor(target_scaling="standard").fit(X, y)
    around = TransformedTargetRegressor(regressor(), transformer=StandardScaler())
    around.fit(X, y)
    assert_allclose(net.predict(X), around.predict(X), rtol=1e-9)
    assert_allclose(net.target_mean_, around.transformer_.mean_)
    assert_allclose(net.target_scale_, around.transformer_.scale_)
    assert_allclose(net.loss_curve_, around.regressor_.loss_curve_)
    assert regressor().fit(X, y).target_scale_ is None


def test_the_scale_is_weighted_and_rows_without_weight_do_not_count():
    X, y = data()
    weights = np.arange(150.0) % 3
    net = regressor(target_scaling="standard").fit(X, y, weights)
    repeated = np.repeat(y, weights.astype(int))
    assert_allclose(net.target_mean_, repeated.mean())
    assert_allclose(net.target_scale_, repeated.std())
    y[weights == 0] = 1e300
    again = regressor(target_scaling="standard").fit(X, y, weights)
    assert_same_fit(again, net)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9, 1e300])
def test_a_constant_target_is_learned(constant):
    X, y = data()
    Y = np.column_stack([y, np.full(150, constant)])
    net = regressor(target_scaling="standard", alpha=0.0).fit(X, Y)
    assert net.target_scale_[1] == 1
    assert net.target_mean_[1] == constant
    assert_allclose(net.predict(X)[:, 1], constant, atol=1)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_targets_too_small_or_too_large_to_be_squared_have_a_scale(size):
    X, y = data()
    net = regressor(target_scaling="standard").fit(X, size * y)
    assert_allclose(net.target_scale_, size * y.std())
    usual = regressor(target_scaling="standard").fit(X, y)
    assert_allclose(net.predict(X) / size, usual.predict(X), rtol=1e-9)


def test_partial_fit_keeps_the_scale_of_its_first_call():
    X, y = data()
    net = regressor(target_scaling="standard").partial_fit(X[:50], y[:50])
    assert_allclose(net.target_scale_, y[:50].std())
    net.partial_fit(X[50:], 100 * y[50:])
    assert_allclose(net.target_scale_, y[:50].std())


def test_a_warm_start_keeps_the_scale_and_refuses_another_kind_of_it():
    X, y = data()
    net = regressor(target_scaling="standard", warm_start=True).fit(X, y)
    assert_allclose(net.fit(X, 3 * y).target_scale_, y.std())
    before = copy.deepcopy(net)
    with pytest.raises(ValueError, match="target_scaling was 'standard' and is now"):
        net.set_params(target_scaling=None).fit(X, y)
    assert_same_fit(net, before)
    net = regressor(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="target_scaling was None and is now"):
        net.set_params(target_scaling="standard").fit(X, y)


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_targets_that_must_be_positive_are_not_scaled(loss):
    with pytest.raises(ValueError, match=f"does not go with loss='{loss}'"):
        regressor(loss=loss, target_scaling="standard").fit(*data(loss))


def test_losses_are_in_units_of_training_and_scores_in_those_of_y():
    X, y = data()
    X_val, y_val = data(seed=1)
    y, y_val = 1e3 * y, 1e3 * y_val
    net = regressor(target_scaling="standard", alpha=0.0)
    net.fit(X, y, X_val=X_val, y_val=y_val)
    best = net.best_iteration_ - 1
    errors = (net.predict(X_val) - y_val) / net.target_scale_
    assert_allclose(net.history_["val_loss"][best], (errors**2).mean() / 2)
    assert_allclose(net.history_["val_score"][best], net.score(X_val, y_val))
    by_name = regressor(target_scaling="standard", scoring="neg_mean_absolute_error")
    by_name.fit(X, y, X_val=X_val, y_val=y_val)
    error = mean_absolute_error(y_val, by_name.predict(X_val))
    assert_allclose(-by_name.best_validation_score_, error)
    assert error > 10


# -- bad targets -----------------------------------------------------------------------


def with_one(y, value):
    y = y.copy()
    y[7] = value
    return y


BAD = {
    "below 0": ({"loss": "poisson"}, lambda y: with_one(y, -1.0), "of at least 0"),
    "not above 0": ({"loss": "gamma"}, lambda y: with_one(y, 0.0), "above 0"),
    "nan": ({}, lambda y: with_one(y, np.nan), "NaN"),
    "inf": ({}, lambda y: with_one(y, np.inf), "infinity"),
    "too large for float32": (
        {"dtype": "float32"},
        lambda y: with_one(y, -1e39),
        "y has -1e\\+39, which the network's type, float32, cannot hold",
    ),
    "too large for float32, scaled": (
        {"dtype": "float32", "target_scaling": "standard"},
        lambda y: 1e39 * y,
        "float32, cannot hold",
    ),
    "sparse": ({}, lambda y: sparse.csr_matrix(y[:, np.newaxis]), "y is sparse|sparse"),
    "words": (
        {},
        lambda y: np.full(len(y), "many"),
        "y of type <U4 is not made of numbers .* labels are for",
    ),
    "none": (
        {},
        lambda y: y[:, np.newaxis][:, :0],
        r"shape \(150, 0\) has no targets|0 feature",
    ),
    "several for quantiles": (
        {"loss": "quantile"},
        lambda y: np.column_stack([y, y]),
        r"a single target(, y has 2|:)",
    ),
    "too few": ({}, lambda y: y[1:], "inconsistent numbers of samples"),
}


@pytest.mark.parametrize(("parameters", "spoil", "message"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("method", ["fit", "warm fit", "partial_fit"])
def test_bad_targets_are_named_and_leave_a_network_as_it_was(
    method, parameters, spoil, message
):
    X, y = data("gamma")
    net = regressor(warm_start=True, **parameters).fit(X, y)
    before = pickle.dumps(net)
    net.set_params(warm_start=method == "warm fit")
    with pytest.raises(ValueError, match=message):
        getattr(net, method.removeprefix("warm "))(X, spoil(y))
    assert pickle.dumps(net.set_params(warm_start=True)) == before


@pytest.mark.parametrize(("parameters", "spoil", "message"), BAD.values(), ids=BAD)
def test_bad_targets_to_validate_on_are_named(parameters, spoil, message):
    X, y = data("gamma")
    with pytest.raises(ValueError, match=message.replace("y has", "y_val has")):
        regressor(**parameters).fit(X, y, X_val=X, y_val=spoil(y))


def test_another_number_of_targets_cannot_go_on():
    X, Y = data(n_targets=3)
    net = regressor(warm_start=True).fit(X, Y)
    for y in Y[:, 0], Y[:, :2]:
        for method in net.fit, net.partial_fit:
            with pytest.raises(ValueError, match="first trained on 3 targets"):
                method(X, y)
        with pytest.raises(ValueError, match=r"y_val.*first trained on 3 targets"):
            net.fit(X, Y, X_val=X, y_val=y)
    net = regressor().partial_fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="first trained on a single target:"):
        net.partial_fit(X, Y)


def test_a_bad_target_without_weight_does_not_matter():
    X, y = data("poisson")
    weights = np.ones(len(y))
    weights[7] = 0
    net = regressor(loss="poisson")
    a = clone(net).fit(X, with_one(y, -1.0), weights)
    assert_same_fit(a, clone(net).fit(X, y, weights))


@pytest.mark.parametrize(
    "quantile",
    [[], [0.9, 0.1], [0.5, 0.5], [0.5, 1.0], [0, 0.5], ["a"], [None]],
    ids=str,
)
def test_bad_quantiles_are_named(quantile):
    net = regressor(loss="quantile", quantile=quantile)
    with pytest.raises(ValueError, match=re.escape(f"quantile={quantile!r} must be")):
        net.fit(*data())


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("squared", "The 'loss' parameter"),
        ((np.square,), "tuple of two functions"),
        (("a", "b"), "tuple of two functions"),
        ((lambda h, y: (h - y) ** 2, lambda h, y: h - y), "derivative of the loss"),
    ],
)
def test_a_bad_loss_is_named(loss, message):
    with pytest.raises(ValueError, match=message):
        regressor(loss=loss).fit(*data())


def test_parameters_of_another_loss_have_no_effect():
    X, y = data()
    with pytest.warns(UserWarning, match=rf"{NO_EFFECT}: delta=2 \(loss='squared"):
        regressor(delta=2.0).fit(X, y)
    for quantile in 0.1, [0.1, 0.9], np.array([0.1, 0.9]):
        with pytest.warns(UserWarning, match=f"{NO_EFFECT}: quantile="):
            regressor(loss="huber", quantile=quantile).fit(X, y)
    regressor(loss="quantile", quantile=np.array([0.1, 0.9])).fit(X, y)


# -- what each loss learns -------------------------------------------------------------


def with_outliers():
    X, y = data(n_samples=400)
    spoiled = y.copy()
    spoiled[::10] += 30
    return X, spoiled, y


@short
def test_outliers_pull_less_where_errors_count_less():
    X, spoiled, y = with_outliers()
    errors = {
        loss: np.abs(
            regressor(max_iter=150, **REAL_LOSSES[loss]).fit(X, spoiled).predict(X) - y
        ).mean()
        for loss in ("squared_error", "absolute_error", "huber")
    }
    assert errors["huber"] < 0.4 * errors["squared_error"]
    assert errors["absolute_error"] < 0.4 * errors["squared_error"]


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_predictions_are_positive_and_their_mean_is_that_of_the_targets(loss):
    """As the derivative of the last bias is the mean of h - y, or of 1 - y / h."""
    X, y = data(loss)
    net = ScratchMLPRegressor(
        loss,
        hidden_layer_sizes=(5,),
        solver="lbfgs",
        alpha=0.0,
        max_iter=2000,
        tol=1e-7,
        random_state=0,
    )
    h = net.fit(X, y).predict(X)
    assert net.out_activation_ == "exp"
    assert (h > 0).all()
    mean, expected = (h.mean(), y.mean()) if loss == "poisson" else ((y / h).mean(), 1)
    assert_allclose(mean, expected, rtol=1e-3)


def test_one_network_gives_an_interval_that_covers_and_never_crosses():
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, (3000, 1))
    y = np.sin(X[:, 0]) + (0.1 + 0.3 * np.abs(X[:, 0])) * rng.normal(size=3000)
    net = ScratchMLPRegressor(
        "quantile",
        hidden_layer_sizes=(50,),
        quantile=[0.05, 0.5, 0.95],
        learning_rate="cosine",
        learning_rate_init=0.01,
        max_iter=60,
        random_state=0,
    ).fit(X[:2000], y[:2000])
    low, median, high = net.predict(X[2000:]).T
    assert (low <= median).all()
    assert (median <= high).all()
    covered = (low <= y[2000:]) & (y[2000:] <= high)
    assert 0.86 < covered.mean() < 0.94
    assert abs((y[2000:] < median).mean() - 0.5) < 0.05
    wide = np.abs(X[2000:, 0]) > 2
    assert 0.82 < covered[wide].mean() < 0.97
    assert (high - low)[wide].mean() > 2 * (high - low)[~wide].mean()


def test_the_score_of_several_quantiles_is_their_mean_d2():
    X, y = data()
    levels = [0.1, 0.5, 0.9]
    net = regressor(loss="quantile", quantile=levels).fit(X, y)
    h, weights = net.predict(X), np.arange(len(y)) % 3
    assert h.shape == (len(y), 3)
    scores = [
        d2_pinball_score(y, h[:, j], sample_weight=weights, alpha=level)
        for j, level in enumerate(levels)
    ]
    assert_allclose(net.score(X, y, weights), np.mean(scores))
    net.set_params(quantile=[0.2, 0.3, 0.4], loss="huber")  # of a fit to come
    assert_allclose(net.score(X, y, weights), np.mean(scores))
    one = regressor(loss="quantile", quantile=[0.9]).fit(X, y)
    assert one.predict(X).shape == y.shape
    assert_allclose(one.score(X, y), r2_score(y, one.predict(X)))


def test_another_loss_of_a_fit_to_come_changes_no_prediction():
    X, y = data("gamma")
    net = regressor(loss="gamma").fit(X, y)
    h = net.predict(X)
    assert_array_equal(net.set_params(loss="squared_error").predict(X), h)


@pytest.mark.parametrize("loss", LOSSES)
def test_weights_are_as_repeats(loss):
    X, y = data(loss)
    weights = np.arange(150) % 3
    plain = {"momentum": 0.0, "alpha": 0.1, **LOSSES[loss]}
    n_rows = {"batch_size": int((weights > 0).sum())}
    weighted = regressor("sgd", **n_rows, **plain).fit(X, y, weights)
    repeated = regressor("sgd", batch_size=int(weights.sum()), **plain)
    repeated.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert_allclose(flat(weighted), flat(repeated), rtol=1e-9, atol=1e-12)


# -- validation ------------------------------------------------------------------------


def test_rows_are_held_out_without_regard_to_their_targets():
    X, y = data()
    seen = []

    def score(net, X, y):
        seen.append(X)
        return len(seen)

    holding_out = {"early_stopping": True, "validation_fraction": 0.2}
    for targets in y, -y:
        net = regressor(scoring=score, max_iter=1, **holding_out).fit(X, targets)
        assert len(net.validation_scores_) == net.n_iter_
    assert_array_equal(*seen)


def test_one_sample_has_no_r2_to_validate_by():
    X, y = data()
    with pytest.raises(ValueError, match=r"R² needs two samples.*scoring='loss'"):
        regressor().fit(X, y, X_val=X[:1], y_val=y[:1])
    net = regressor(scoring="loss").fit(X, y, X_val=X[:1], y_val=y[:1])
    assert np.isfinite(net.validation_scores_).all()


def test_a_score_of_classes_cannot_be_had_of_a_regressor():
    X, y = data()
    net = regressor().fit(X, y)
    before = pickle.dumps(net)
    net.set_params(scoring="roc_auc")
    with pytest.raises(ValueError, match=r"'roc_auc' asks for .*predict_proba.*: use"):
        net.fit(X, y, X_val=X, y_val=y > 0)
    assert pickle.dumps(net.set_params(scoring=None)) == before


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e150, 1e300])
@pytest.mark.parametrize("loss", ["squared_error", "quantiles"])
def test_the_unit_of_targets_changes_no_score(loss, size):
    """Not even one whose squares are no numbers."""
    X, y = data(loss)
    parameters = {**LOSSES[loss], "target_scaling": "standard"}
    net, expected = regressor(**parameters).fit(X, y * size), regressor(**parameters)
    expected = expected.fit(X, y).score(X, y)
    assert_allclose(net.score(X, y * size), expected, rtol=1e-6)
    assert_allclose(net.score(X, y * size, np.full(len(y), 1e300)), expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:X_val is not scaled like X")
def test_predictions_beyond_all_numbers_are_the_worst_and_end_nothing():
    """The exponential of one overflows on the validation set only."""
    X, y = data("poisson")
    far = 1e4 * X
    net = regressor(loss="poisson").fit(X, y, X_val=far, y_val=y)
    assert net.n_iter_ == 6
    assert -np.inf in net.validation_scores_


# -- going on --------------------------------------------------------------------------

KINDS = {
    "squared error": {},
    "scaled": {"target_scaling": "standard"},
    "quantiles": {"loss": "quantile", "quantile": [0.1, 0.9]},
    "huber": {"loss": "huber"},
    "poisson": {"loss": "poisson"},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stepper", STEPPERS)
@short  # an adaptive rate is not endless
def test_going_on_is_as_if_there_had_been_no_break(stepper, kind):
    X, y = data("poisson")
    settings = {**ENDLESS, **STEPPERS[stepper], **KINDS[kind]}
    whole = regressor(**settings).fit(X, y)
    halves = regressor(max_iter=3, warm_start=True, **settings).fit(X, y)
    halves = pickle.loads(pickle.dumps(halves)).fit(X, y)
    assert_same_weights(whole, halves)
    calls = regressor(**settings)
    for _ in range(6):
        calls = copy.deepcopy(calls.partial_fit(X, y))
    assert_same_weights(whole, calls)
    assert whole.loss_curve_ == halves.loss_curve_ == calls.loss_curve_
    assert_array_equal(whole.predict(X), calls.predict(X))
    assert_trains_on_alike(halves, calls, X, y)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_goes_on_to_the_same_bits(kind, tmp_path):
    callback = pytest.importorskip("sklearn.callback")
    from sknet.callbacks import Checkpoint

    class PowerCut(callback.FitCallback):
        def on_fit_task_end(self, estimator, context):
            if context.task_id == 4:
                raise RuntimeError("dark")

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

    X, y = data("poisson")
    whole = regressor(**KINDS[kind]).fit(X, y)
    path = tmp_path / "net.joblib"
    net = regressor(**KINDS[kind]).set_callbacks(Checkpoint(path, every=2), PowerCut())
    with pytest.raises(RuntimeError, match="dark"):
        net.fit(X, y)
    resumed = joblib.load(path)
    assert resumed.n_iter_ == 4
    resumed.set_params(warm_start=True).fit(X, y)
    assert_same_fit(whole, resumed)
    assert resumed.n_iter_ == 6
    assert_array_equal(whole.predict(X), resumed.predict(X))


def test_another_measure_begins_patience_anew_and_another_link_is_refused():
    X, y = data("gamma")
    net = regressor(warm_start=True, tol=10.0, n_iter_no_change=4, max_iter=3)
    with pytest.warns(ConvergenceWarning):
        net.fit(X, y)
    for change in {"loss": "huber"}, {"delta": 0.5}:
        with pytest.warns(ConvergenceWarning):
            net.set_params(**change).fit(X, y)
        assert net._training["n_without_improvement"] == 2
    with pytest.raises(ValueError, match="training can only go on"):
        net.set_params(loss="poisson").fit(X, y)


# -- advice ----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_large_targets_ask_for_their_scale(solver):
    X, y = data()
    patience = {"tol": 1e-4, "n_iter_no_change": 10} if solver == "adam" else {}
    with pytest.warns(ConvergenceWarning, match="set target_scaling='standard', as"):
        regressor(solver, **patience).fit(X, 1e6 * y)
    for parameters, factor in ({"target_scaling": "standard"}, 1e6), ({}, 1):
        with pytest.warns(ConvergenceWarning) as caught:
            regressor(solver, **patience, **parameters).fit(X, factor * y)
        assert "target_scaling" not in str(caught[0].message)


def test_a_loss_that_diverges_on_large_targets_asks_for_their_scale():
    X, y = data()
    net = regressor("sgd", learning_rate_init=1.0, max_iter=50)
    with pytest.raises(ValueError, match=r"set target_scaling='standard', as the"):
        net.fit(X, 1e3 * y)


# -- among others ----------------------------------------------------------------------


@short
def test_a_search_over_pipelines():
    X, y = load_diabetes(return_X_y=True)
    net = ScratchMLPRegressor(
        hidden_layer_sizes=(10,), target_scaling="standard", learning_rate_init=0.01,
        max_iter=30, random_state=0,
    )  # fmt: skip
    model = make_pipeline(StandardScaler(), net)
    grid = {"scratchmlpregressor__loss": ["squared_error", "huber"]}
    search = GridSearchCV(model, grid, cv=3).fit(X, y)
    assert search.best_score_ > 0.4


@short
def test_scaled_targets_are_learned_where_they_are_not_without():
    """The issue of who calls MLPRegressor with all defaults."""
    X, y = make_friedman1(300, random_state=0)
    y = 1e4 * y
    net = ScratchMLPRegressor(random_state=0)
    model = make_pipeline(StandardScaler(), net)
    assert cross_val_score(model, X, y, cv=3).mean() < 0
    net.set_params(target_scaling="standard")
    assert cross_val_score(model, X, y, cv=3).mean() > 0.8


def test_an_autoencoder():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(300, 2))
    X = codes @ rng.normal(size=(2, 8))
    net = ScratchMLPRegressor(
        hidden_layer_sizes=(2,), activation="identity", solver="lbfgs", random_state=0,
        max_iter=1000,
    ).fit(X, X)  # fmt: skip
    assert net.score(X, X) > 0.999
    assert net.hidden_activations(X).shape == (300, 2)


def test_pictures_of_scikit_learn_and_ours():
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib.figure import Figure
    from sklearn.metrics import PredictionErrorDisplay

    from sknet.displays import HistoryDisplay

    X, y = data()
    net = regressor().fit(X, y)
    ax = Figure().subplots()
    display = PredictionErrorDisplay.from_estimator(net, X, y, ax=ax)
    assert_array_equal(display.y_pred, net.predict(X))
    history = HistoryDisplay.from_estimator(net, ax=Figure().subplots())
    (line,) = history.lines_.values()
    assert_array_equal(line.get_ydata(), net.history_["loss"])


# -- shape -----------------------------------------------------------------------------


def test_the_regressor_is_small_and_shared_code_asks_for_no_kind_of_estimator():
    package = Path(sknet.__file__).parent
    text = (package / "regressor.py").read_text("utf-8")
    documented = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0]
            if ast.get_docstring(node) is not None:
                documented |= set(range(first.lineno, first.end_lineno + 1))
    lines = text.splitlines()
    code = [
        n for n, line in enumerate(lines, 1) if line.strip() and n not in documented
    ]
    assert len(code) <= 200
    for path in (package / "_sklearn").glob("*.py"):
        assert not re.search(r"is_classifier|is_regressor", path.read_text("utf-8"))


def test_outputs_that_overflow_are_an_error():
    X, y = data()
    net = regressor(activation="identity").fit(X, y)
    net.coefs_ = [1e200 * W for W in net.coefs_]
    with pytest.raises(ValueError, match="makes the outputs of this network overflow"):
        net.predict(X)


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e37), ("float64", 1e307)])
def test_estimates_that_overflow_in_the_units_of_y_are_an_error(dtype, size):
    X, y = data()
    y = size * y / np.abs(y).max()
    parameters = {"target_scaling": "standard", "activation": "identity"}
    net = regressor(dtype=dtype, **parameters).fit(X, y)
    with pytest.raises(ValueError, match="an estimate, in the units of y, overflows"):
        net.predict(1e6 * X)


def test_targets_too_wide_to_be_scaled_are_named():
    X, y = data()
    y[:2] = 1.7e308, -1.7e308
    with pytest.raises(ValueError, match="too wide to be scaled"):
        regressor(target_scaling="standard").fit(X, y)


def test_a_pair_of_functions_need_not_be_hashable():
    class Squares:
        __hash__ = None

        def __call__(self, h, y):
            return (h - y) ** 2

    X, y = data()
    net = regressor(loss=(Squares(), lambda h, y: 2 * (h - y))).fit(X, y)
    assert np.isfinite(net.predict(X)).all()


def test_a_positive_target_that_is_0_in_float32_is_named():
    X, y = data("gamma")
    y[0] = 1e-50
    with pytest.raises(ValueError, match="needs targets above 0"):
        regressor(loss="gamma", dtype="float32").fit(X, y)


@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 0)])
def test_scores_of_complex_numbers_are_refused(shape):
    X = np.arange(6.0)[:, np.newaxis]
    net = regressor(batch_size=6).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="Complex data not supported"):
        net.score(X, np.full(shape, 1 + 1j))

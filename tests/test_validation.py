"""Validation sets of one's own, the rows that are held out, and scoring by both."""

import copy
import pickle
import warnings
from functools import partial

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version

import support
from sknet import ScratchMLPClassifier
from support import (
    NO_EFFECT,
    assert_same_weights,
    assert_trains_on_alike,
    flat,
    unconverged,
)

# Twelve epochs, so that the best is not the last.
network = partial(support.network, max_iter=12)
SOLVERS = ["adam", "adamw", "sgd", "lbfgs"]
for_each_solver = pytest.mark.parametrize("solver", SOLVERS)


def fit(net, data, **more):
    X, X_val, y, y_val = data
    return net.fit(X, y, X_val=X_val, y_val=y_val, **more)


def best_epoch(scores):
    """Number, from 1, of the first epoch with the best score."""
    return 1 + int(np.argmax(scores))


# -- the weights that are kept -----------------------------------------------------


@unconverged
@for_each_solver
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_a_validation_set_does_not_affect_training(noise, solver, scoring):
    X, _, y, _ = noise
    net = fit(network(solver, scoring=scoring), noise)
    plain = network(solver).fit(X, y)
    for name in "loss", "penalty", "learning_rate", "grad_norm":
        assert_array_equal(net.history_[name], plain.history_[name])
    assert net.loss_curve_ == plain.loss_curve_
    assert net.n_iter_ == plain.n_iter_ == 12
    if solver != "lbfgs":  # the memory of the optimizer and the random streams
        assert_trains_on_alike(net, plain, X, y, same_weights=False)


@unconverged
@for_each_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_weights_kept_are_those_of_the_first_epoch_with_the_best_score(
    noise, solver, early_stopping
):
    X, X_val, y, y_val = noise
    if solver == "lbfgs" and early_stopping:
        pytest.skip("lbfgs has no early stopping")
    net = fit(network(solver, early_stopping=early_stopping), noise)
    plain = [network(solver, max_iter=n_epochs).fit(X, y) for n_epochs in range(1, 13)]
    scores = [one.score(X_val, y_val) for one in plain]
    assert net.validation_scores_ == net.history_["val_score"] == scores
    best = best_epoch(scores)
    assert best < 12  # or the last weights would do
    assert net.best_iteration_ == best
    assert net.best_validation_score_ == max(scores) == net.score(X_val, y_val)
    assert_same_weights(net, plain[best - 1])


def test_of_equal_scores_the_first_is_kept(noise):
    net = fit(network(scoring=lambda net, X, y: 0.5), noise)
    assert net.best_iteration_ == 1
    assert_same_weights(net, network(max_iter=1).fit(noise[0], noise[2]))


def test_early_stopping_monitors_the_validation_set_and_holds_nothing_out(noise):
    """A feature for each row shows which rows were trained on."""
    _, X_val, y, y_val = noise
    X, X_val = np.eye(120), np.zeros((60, 120))
    one_step = {"alpha": 0, "max_iter": 1, "batch_size": 108, "early_stopping": True}

    def n_rows_trained_on(**validation):
        net = network(**one_step).fit(X, y, **validation)
        start = network(**one_step, learning_rate_init=1e-300).fit(X, y, **validation)
        return (net.coefs_[0] != start.coefs_[0]).any(axis=1).sum()

    assert n_rows_trained_on(X_val=X_val, y_val=y_val) == 120
    assert n_rows_trained_on() == 108  # the test can tell


@for_each_solver
def test_patience_is_that_of_the_score_only_with_early_stopping(noise, solver):
    if solver == "lbfgs":
        pytest.skip("lbfgs has no patience")
    impatient = {"tol": 0, "n_iter_no_change": 3, "max_iter": 200}
    scores = fit(network(solver, max_iter=200), noise).validation_scores_
    net = fit(network(solver, early_stopping=True, **impatient), noise)
    best = count = 0
    for n_epochs, score in enumerate(scores, start=1):  # MLPClassifier's rule
        count = count + 1 if score < best else 0
        best = max(score, best)
        if count > 3:
            assert net.n_iter_ == n_epochs
            assert net.best_iteration_ == best_epoch(scores[:n_epochs])
            return
    pytest.fail("patience never ran out")


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_the_loss_decides_without_early_stopping(iris, solver):
    X, y = iris
    impatient = {"tol": 0.05, "n_iter_no_change": 2, "max_iter": 200}
    plain = network(solver, **impatient).fit(X, y)
    assert plain.n_iter_ < 200
    net = network(solver, scoring=lambda net, X, y: 0.5, **impatient)
    net.fit(X, y, X_val=X, y_val=y)  # by a score that never improves
    assert net.n_iter_ == plain.n_iter_
    assert net.best_loss_ == plain.best_loss_ == min(plain.loss_curve_)


# -- however training ends ---------------------------------------------------------


def n_epochs_past_the_best(noise, solver="adam"):
    """A number of epochs of which the last is not the best."""
    scores = fit(network(solver, max_iter=30), noise).validation_scores_
    return next(n for n in range(4, 30) if best_epoch(scores[:n]) < n)


def assert_best_weights(net, noise, n_epochs, solver="adam"):
    X, X_val, y, y_val = noise
    assert net.n_iter_ == len(net.validation_scores_) == n_epochs
    assert net.best_iteration_ == best_epoch(net.validation_scores_) < n_epochs
    assert net.best_validation_score_ == net.score(X_val, y_val)
    best = network(solver, max_iter=net.best_iteration_).fit(X, y)
    assert_same_weights(net, best)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_best_weights_after_ctrl_c(noise, solver, pressing_ctrl_c):
    n_epochs = n_epochs_past_the_best(noise, solver)
    net = network(solver, random_state=pressing_ctrl_c(at=n_epochs + 1), max_iter=40)
    with pytest.warns(UserWarning, match=r"Ctrl-C .*did best on the validation set"):
        fit(net, noise)
    assert_best_weights(net, noise, n_epochs, solver)


def test_ctrl_c_before_the_first_score_keeps_the_last_whole_step(
    noise, pressing_ctrl_c
):
    X, _, y, _ = noise
    full = {"batch_size": 120}
    net = network(random_state=pressing_ctrl_c(at=1), **full)
    with pytest.warns(UserWarning, match="last complete step"):
        fit(net, noise)
    assert net.best_iteration_ is None
    assert net.n_iter_ == 0
    assert_same_weights(net, network(max_iter=1, **full).fit(X, y))


def interrupted_scorer(at):
    """A scorer in which Ctrl-C is pressed at call number ``at``."""
    calls = []

    def scorer(net, X, y):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return accuracy_score(y, net.predict(X))

    return scorer


@unconverged
@for_each_solver
def test_ctrl_c_while_it_scores_leaves_lists_of_equal_length(noise, solver):
    n_epochs = n_epochs_past_the_best(noise, solver)
    net = network(solver, scoring=interrupted_scorer(n_epochs + 1), max_iter=40)
    with pytest.warns(UserWarning, match=r"Ctrl-C .*did best on the validation set"):
        fit(net, noise)
    assert_best_weights(net, noise, n_epochs, solver)
    lengths = {len(values) for values in net.history_.values()}
    assert lengths == {len(net.loss_curve_)} == {n_epochs}


@unconverged
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_best_weights_after_a_callbacks_stop(noise, solver):
    callback = pytest.importorskip("sklearn.callback")

    class Stop(callback.FitCallback):
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            return context.task_name == "epoch" and context.task_id + 1 == n_epochs

        def teardown(self, estimator, context):
            pass

    n_epochs = n_epochs_past_the_best(noise, solver)
    net = fit(network(solver, max_iter=40).set_callbacks(Stop()), noise)
    assert_best_weights(net, noise, n_epochs, solver)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_best_weights_after_divergence(noise, solver):
    n_epochs = n_epochs_past_the_best(noise, solver)

    def explodes(fraction):
        return 1.0 if fraction < n_epochs / 40 else 1e308

    net = network(solver, learning_rate=explodes, max_iter=40)
    with pytest.raises(ValueError, match=r"diverged.*did best on the validation set"):
        fit(net, noise)
    assert_best_weights(net, noise, n_epochs, solver)


@pytest.mark.parametrize("rate", [1e100, 1e150, 1e300])
def test_weights_about_to_diverge_are_never_the_best(noise, rate):
    """By accuracy they may well be, although their loss is infinite."""
    scores = iter(range(100))  # the last is always the best
    settings = {"batch_size": 120, "hidden_layer_sizes": (6, 6, 6)}
    net = network(
        "sgd",
        scoring=lambda net, X, y: next(scores),
        learning_rate=lambda fraction: rate if fraction > 0.6 else 1.0,
        activation="identity",
        **settings,
        max_iter=4,
    )
    with pytest.raises(ValueError, match=r"diverged in epoch 4.*did best on the vali"):
        fit(net, noise)
    assert net.validation_scores_ == [0, 1, 2]
    plain = network("sgd", activation="identity", **settings, max_iter=3)
    assert_same_weights(net, plain.fit(noise[0], noise[2]))


# -- the loss and the score ----------------------------------------------------------


def task(kind):
    """X, X_val, y, y_val of that kind, parameters of the network, and its loss."""
    if kind == "multilabel":
        X, y = make_multilabel_classification(120, n_classes=3, random_state=0)
        X = (X - X.mean()) / X.std()
    else:
        X, y = make_classification(
            120,
            n_informative=5,
            n_classes=2 if kind == "binary" else 3,
            random_state=0,
        )
    parameters = {"out_activation": "logistic"} if kind == "article" else {}
    return train_test_split(X, y, random_state=0), parameters


def reference_loss(kind, net, X, y, sample_weight):
    if kind in ("binary", "multiclass"):
        return log_loss(y, net.predict_proba(X), sample_weight=sample_weight)
    Y = np.eye(3)[y] if kind == "article" else y
    h = expit(net.decision_function(X))
    cost = -(Y * np.log(h) + (1 - Y) * np.log(1 - h)).sum(axis=1)
    return np.average(cost, weights=sample_weight)


@unconverged
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["binary", "multiclass", "article", "multilabel"])
def test_loss_and_accuracy_are_those_of_scikit_learn(kind, weighted, solver):
    (X, X_val, y, y_val), parameters = task(kind)
    w = np.random.default_rng(0).integers(0, 4, len(y_val)) if weighted else None
    n_iter = 3
    net = network(solver, max_iter=n_iter, **parameters)
    net.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=w)
    for i in range(n_iter):
        plain = network(solver, max_iter=i + 1, **parameters).fit(X, y)
        loss = reference_loss(kind, plain, X_val, y_val, w)
        assert net.history_["val_loss"][i] == pytest.approx(loss, rel=1e-12)
        score = plain.score(X_val, y_val, w)
        assert net.history_["val_score"][i] == pytest.approx(score, rel=1e-12)
    assert net.best_validation_score_ == pytest.approx(net.score(X_val, y_val, w))


def test_dropout_smoothing_and_augmentation_stay_out_of_validation(noise):
    _, X_val, _, y_val = noise
    net = network(
        dropout=0.5,
        input_dropout=0.3,
        label_smoothing=0.2,
        augment=lambda X, rng: X + rng.normal(size=X.shape),
        scoring="loss",
    )
    fit(net, noise)
    loss = log_loss(y_val, net.predict_proba(X_val))
    assert min(net.history_["val_loss"]) == pytest.approx(loss, rel=1e-12)


def test_weights_of_0_leave_rows_out(noise):
    X, X_val, y, y_val = noise
    w = np.ones(60)
    w[::3] = 0
    net = network(scoring="roc_auc_ovr")
    net.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=w)
    rest = network(scoring="roc_auc_ovr")
    rest.fit(X, y, X_val=X_val[w > 0], y_val=y_val[w > 0])
    assert_allclose(net.history_["val_loss"], rest.history_["val_loss"], rtol=1e-12)
    assert_allclose(net.history_["val_score"], rest.history_["val_score"], rtol=1e-12)


def test_class_weight_is_in_the_validation_weights_too(noise):
    X, X_val, y, y_val = noise
    factors = np.array([3.0, 1.0, 0.5])
    net = fit(network(class_weight=dict(enumerate(factors))), noise)
    by_hand = network().fit(
        X,
        y,
        factors[y],
        X_val=X_val,
        y_val=y_val,
        sample_weight_val=factors[y_val],
    )
    assert_same_weights(net, by_hand)
    assert net.history_["val_loss"] == by_hand.history_["val_loss"]
    assert net.history_["val_score"] == by_hand.history_["val_score"]


def test_balanced_takes_its_factors_from_the_training_samples(noise):
    _, X_val, y, y_val = noise
    factors = len(y) / (3 * np.bincount(y))
    net = fit(network(class_weight="balanced"), noise)
    loss = reference_loss("multiclass", net, X_val, y_val, factors[y_val])
    best = net.history_["val_loss"][net.best_iteration_ - 1]
    assert best == pytest.approx(loss, rel=1e-12)


# -- containers and labels -------------------------------------------------------------


def frame_of(library):
    def frame(X):
        return library.DataFrame({f"f{i}": column for i, column in enumerate(X.T)})

    return frame


CONTAINERS = {
    "list": lambda X: X.tolist(),
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "pandas": frame_of(pd),
    "polars": frame_of(pl),
    "fortran": np.asfortranarray,
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("scoring", [None, "loss", "neg_log_loss", "balanced_accuracy"])
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_containers_make_the_same_model_without_a_warning(
    noise, container, scoring, early_stopping
):
    X, X_val, y, y_val = noise
    names = np.array(["low", "mid", "top"], dtype=object)
    settings = {"scoring": scoring, "early_stopping": early_stopping, "max_iter": 5}
    expected = fit(network(**settings), noise)
    net = network(**settings).fit(
        container(X), names[y], X_val=container(X_val), y_val=names[y_val]
    )
    for coef, expected_coef in zip(net.coefs_, expected.coefs_, strict=True):
        assert_allclose(coef, expected_coef, rtol=1e-9, atol=1e-12)
    assert_allclose(net.history_["val_loss"], expected.history_["val_loss"])
    assert_allclose(net.history_["val_score"], expected.history_["val_score"])


def test_sparse_validation_samples_beside_dense_training_samples(noise):
    X, X_val, y, y_val = noise
    net = network().fit(X, y, X_val=sparse.csr_array(X_val), y_val=y_val)
    expected = fit(network(), noise)
    assert_same_weights(net, expected)
    assert_allclose(net.history_["val_loss"], expected.history_["val_loss"])


@pytest.mark.parametrize("scoring", [None, "loss", "f1_macro", "roc_auc"])
@pytest.mark.parametrize("sparse_labels", [False, True])
def test_multilabel(scoring, sparse_labels):
    (X, X_val, y, y_val), _ = task("multilabel")
    container = sparse.csr_matrix if sparse_labels else np.asarray
    net = network(scoring=scoring)
    net.fit(X, container(y), X_val=X_val, y_val=container(y_val))
    expected = {
        None: net.score(X_val, container(y_val)),
        "loss": -reference_loss("multilabel", net, X_val, y_val, None),
        "f1_macro": f1_score(y_val, net.predict(X_val), average="macro"),
        "roc_auc": roc_auc_score(y_val, net.predict_proba(X_val)),
    }[scoring]
    assert net.best_validation_score_ == pytest.approx(expected, rel=1e-12)


def test_float32(noise):
    _, X_val, _, y_val = noise
    net = network(dtype="float32", scoring="loss")
    fit(net, noise)
    assert net.predict_proba(X_val).dtype == np.float32
    score = net.predict_log_proba(X_val)[np.arange(60), y_val].mean()
    assert net.best_validation_score_ == pytest.approx(score, rel=1e-5)
    assert all(type(value) is float for value in net.history_["val_loss"])


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (["X_val"], r"X_val alone"),
        (["y_val"], r"y_val alone"),
        (["sample_weight_val"], r"sample_weight_val alone"),
        (["X_val", "sample_weight_val"], r"X_val and sample_weight_val alone"),
        (["y_val", "sample_weight_val"], r"y_val and sample_weight_val alone"),
    ],
    ids=lambda names: "+".join(names) if isinstance(names, list) else "",
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_half_a_validation_set_is_refused(noise, names, given, solver):
    X, X_val, y, y_val = noise
    whole = {"X_val": X_val, "y_val": y_val, "sample_weight_val": np.ones(60)}
    net = network(solver)
    with pytest.raises(ValueError, match=f"needs both X_val and y_val.*{given}") as e:
        net.fit(X, y, **{name: whole[name] for name in names})
    assert "\n" not in str(e.value)
    assert not hasattr(net, "coefs_")


BAD = {
    "NaN": ({"X_val": np.full((60, 4), np.nan)}, "NaN"),
    "infinite": ({"X_val": np.full((60, 4), np.inf)}, "infinity"),
    "width": ({"X_val": np.ones((60, 3))}, "3 features.*expecting 4"),
    "no rows": ({"X_val": np.ones((0, 4)), "y_val": []}, "0 sample"),
    "one row": ({"X_val": np.ones(4)}, "2D array"),
    "words": ({"X_val": [["a"] * 4] * 60}, "could not convert"),
    "unseen": ({"y_val": np.arange(60) % 3 + 5}, r"labels \[5, 6, 7\]"),
    "unseen word": ({"y_val": ["low"] * 60}, r"labels \['low'\]"),
    "one-hot": ({"y_val": np.eye(3)[np.arange(60) % 3]}, r"y_val of shape \(60, 3\)"),
    "NaN label": ({"y_val": np.full(60, np.nan)}, "NaN"),
    "lengths": ({"y_val": np.zeros(59, int)}, r"\[60, 59\]"),
    "negative weight": ({"sample_weight_val": -np.ones(60)}, "Negative"),
    "weights of 0": ({"sample_weight_val": np.zeros(60)}, "at least one non-zero"),
    "NaN weight": ({"sample_weight_val": np.full(60, np.nan)}, "NaN"),
    "weight length": ({"sample_weight_val": np.ones(120)}, r"\(120,\).*\(60,\)"),
}


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(("spoilt", "message"), BAD.values(), ids=BAD)
@unconverged
def test_a_bad_validation_set_is_named_and_changes_nothing(
    noise, spoilt, message, solver, warm_start
):
    X, X_val, y, y_val = noise
    net = fit(network(solver, warm_start=warm_start), noise)
    before = pickle.dumps(net)
    with pytest.raises(ValueError, match=rf"(?s)X_val, y_val.*{message}"):
        net.fit(X, y, **{"X_val": X_val, "y_val": y_val, **spoilt})
    assert pickle.dumps(net) == before


def test_names_of_features_must_be_those_of_x(noise):
    X, X_val, y, y_val = noise
    frame = pd.DataFrame(X, columns=list("abcd"))
    with pytest.raises(ValueError, match=r"(?s)X_val.*feature names should match"):
        network().fit(
            frame, y, X_val=pd.DataFrame(X_val, columns=list("abce")), y_val=y_val
        )


def test_classes_of_weight_0_cannot_validate(noise):
    X, X_val, y, y_val = noise
    net = network(class_weight={0: 0})
    with pytest.raises(ValueError, match=r"X_val.*class_weight=\{0: 0\} gives all"):
        net.fit(X, y, X_val=X_val[y_val == 0], y_val=y_val[y_val == 0])


def test_partial_fit_has_no_validation_set(noise):
    X, X_val, y, y_val = noise
    with pytest.raises(TypeError, match="X_val"):
        network().partial_fit(X, y, classes=[0, 1, 2], X_val=X_val, y_val=y_val)


# -- training that goes on -------------------------------------------------------------


@unconverged
@for_each_solver
def test_a_warm_start_goes_on_from_the_best_weights(noise, solver):
    _, X_val, _, y_val = noise
    net = fit(network(solver, warm_start=True), noise)
    first, n_first = net.best_validation_score_, net.best_iteration_
    weights = flat(net)
    fit(net, noise)
    assert len(net.validation_scores_) == len(net.loss_curve_) == 24
    assert net.best_validation_score_ == max(net.validation_scores_)
    assert net.best_validation_score_ == net.score(X_val, y_val)
    if net.best_validation_score_ == first:
        assert net.best_iteration_ == n_first
        assert_array_equal(flat(net), weights)
    else:
        assert net.best_iteration_ == best_epoch(net.validation_scores_) > 12


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_warm_start_that_finds_nothing_better_keeps_what_it_had(
    noise, early_stopping
):
    net = fit(network(warm_start=True, early_stopping=early_stopping), noise)
    weights, best = flat(net), net.best_iteration_
    fit(net.set_params(learning_rate_init=1e-12), noise)
    assert_array_equal(flat(net), weights)
    assert net.best_iteration_ == best


def test_another_validation_set_judges_the_weights_that_it_finds(noise):
    X, X_val, y, y_val = noise
    net = fit(network(warm_start=True, batch_size=16), noise)
    wrong = 2 - y_val  # on which a net that learned something does badly
    weights, start = flat(net), net.score(X_val, wrong)
    assert start < net.best_validation_score_
    net.set_params(learning_rate_init=1e-12)
    net.fit(X, y, X_val=X_val, y_val=wrong)
    assert net.best_validation_score_ == start == net.score(X_val, wrong)
    assert_array_equal(flat(net), weights)
    net.set_params(learning_rate_init=0.05, max_iter=60)
    net.fit(X, 2 - y, X_val=X_val, y_val=wrong)
    assert net.best_iteration_ > 24
    assert net.best_validation_score_ == net.score(X_val, wrong) > start


def test_a_validation_set_that_comes_later_judges_the_weights_that_it_finds(noise):
    X, X_val, y, y_val = noise
    net = network(warm_start=True).fit(X, y)
    assert net.best_iteration_ is None
    start = net.score(X_val, y_val)
    fit(net.set_params(learning_rate_init=1e-12), noise)
    assert net.best_validation_score_ == start
    assert net.best_iteration_ == 12
    assert len(net.validation_scores_) == 12
    assert len(net.history_["val_score"]) == 24


GOES_ON = {
    "fit": lambda net, X, y: net.fit(X, y),
    "partial_fit": lambda net, X, y: net.partial_fit(X, y),
}


@pytest.mark.parametrize("method", GOES_ON.values(), ids=GOES_ON)
def test_training_on_without_a_validation_set_leaves_no_best_score(noise, method):
    """The weights are then not those that had it."""
    X, X_val, y, y_val = noise
    net = method(fit(network(warm_start=True), noise), X, y)
    assert net.validation_scores_ is None
    assert net.best_validation_score_ is None
    assert net.best_iteration_ is None
    fit(net.set_params(learning_rate_init=1e-12), noise)
    assert net.best_validation_score_ == net.score(X_val, y_val)


@pytest.mark.parametrize("between", ["nothing", "own set"])
def test_a_best_score_before_other_training_is_not_that_of_these_weights(iris, between):
    """Rows that were held out, and trained on since, begin a new history."""
    X, y = iris
    net = network(early_stopping=True, warm_start=True, max_iter=80).fit(X, y)
    assert net.best_validation_score_ >= 0.8
    if between == "nothing":
        net.set_params(early_stopping=False).fit(X, 2 - y)
    else:
        net.fit(X, 2 - y, X_val=X, y_val=2 - y)
    net.set_params(early_stopping=True, learning_rate_init=1e-12).fit(X, y)
    assert len(net.validation_scores_) == 80
    # Its rows are a tenth of all: the score of all tells how the weights do.
    assert net.score(X, y) < 0.6
    assert net.best_validation_score_ < 0.7


def test_a_scorer_that_cannot_be_leaves_a_fitted_network_whole(noise):
    X, _, y, _ = noise
    net = network(warm_start=True).fit(X, y)
    before = pickle.dumps(net)
    net.set_params(early_stopping=True, scoring=accuracy_score)
    with pytest.raises(ValueError, match="metric function"):
        net.fit(X, y)
    net.set_params(early_stopping=False, scoring=None)
    assert pickle.dumps(net) == before
    net.set_params(early_stopping=True).fit(X, y)
    assert len(net.validation_scores_) == 12


RESUMABLE = {
    "kept": {"max_iter": 20},
    "monitored": {"early_stopping": True, "n_iter_no_change": 8, "max_iter": 100},
    "loss": {"scoring": "loss", "max_iter": 20},
    "scorer": {"scoring": "neg_log_loss", "early_stopping": True, "max_iter": 20},
    "adamw": {"solver": "adamw", "max_iter": 20},
}


@pytest.mark.filterwarnings("ignore:Training reached max_iter")
@pytest.mark.parametrize("parameters", RESUMABLE.values(), ids=RESUMABLE)
def test_training_resumed_from_a_checkpoint_is_training_uninterrupted(
    noise, parameters, tmp_path
):
    pytest.importorskip("sklearn.callback")
    from sknet import callbacks

    class Fails(callbacks.FitCallback):
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            if context.task_id == 8:
                raise RuntimeError("in epoch 9")

        def teardown(self, estimator, context):
            pass

    path = tmp_path / "net.joblib"
    net = fit(network(**parameters), noise)
    assert net.n_iter_ > 9
    checkpoint = callbacks.Checkpoint(path, every=7)
    stopped = network(**parameters).set_callbacks(checkpoint, Fails())
    with pytest.raises(RuntimeError, match="in epoch 9"):
        fit(stopped, noise)
    other = joblib.load(path)
    assert other.n_iter_ == 7
    fit(other.set_params(warm_start=True), noise)
    assert_same_weights(other, net)
    for name in "n_iter_", "best_iteration_", "best_validation_score_", "loss_":
        assert getattr(other, name) == getattr(net, name), name
    assert other.validation_scores_ == net.validation_scores_
    assert other.history_["val_loss"] == net.history_["val_loss"]
    assert other.history_["loss"] == net.history_["loss"]


def test_a_finished_checkpoint_given_a_first_validation_set(noise, tmp_path):
    pytest.importorskip("sklearn.callback")
    from sknet import callbacks

    path = tmp_path / "net.joblib"
    settings = {"tol": 1e-4, "max_iter": 6, "n_iter_no_change": 50}
    net = network(**settings).set_callbacks(callbacks.Checkpoint(path))
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        net.fit(noise[0], noise[2])
    other = joblib.load(path).set_params(warm_start=True, early_stopping=True)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        fit(other, noise)
    assert other.validation_scores_ == []
    assert other.best_validation_score_ == other.score(noise[1], noise[3])


def test_snapshots_have_the_best_weights_so_far(noise):
    callback = pytest.importorskip("sklearn.callback")
    snapshots = []

    class Keep(callback.FitCallback):
        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            snapshots.append(fitted_estimator)
            by_both = [
                one.predict_proba(noise[0]) for one in (estimator, snapshots[-1])
            ]
            np.testing.assert_array_equal(*by_both)

        def teardown(self, estimator, context):
            pass

    fit(network().set_callbacks(Keep()), noise)
    for n_epochs, snapshot in enumerate(snapshots[:-1], start=1):
        expected = fit(network(max_iter=n_epochs), noise)
        assert_same_weights(snapshot, expected)
        assert snapshot.best_iteration_ == expected.best_iteration_
    assert n_epochs == 12


# -- scoring ---------------------------------------------------------------------------


def top_two(estimator, X, y, sample_weight=None):
    """Whether the label is one of the two most probable."""
    order = estimator.classes_[np.argsort(-estimator.predict_proba(X), axis=1)]
    return np.average((y == order[:, :2].T).any(axis=0), weights=sample_weight)


def recall(y_true, y_pred, sample_weight):
    return balanced_accuracy_score(y_true, y_pred, sample_weight=sample_weight)


SCORES = {
    "accuracy": lambda net, X, y, w: net.score(X, y, w),
    "neg_log_loss": lambda net, X, y, w: (
        -log_loss(y, net.predict_proba(X), sample_weight=w)
    ),
    "balanced_accuracy": lambda net, X, y, w: recall(y, net.predict(X), w),
    "f1_macro": lambda net, X, y, w: f1_score(
        y, net.predict(X), average="macro", sample_weight=w
    ),
    "top_two": top_two,
}


@unconverged
@for_each_solver
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SCORES)
def test_a_scorer_is_called_with_the_weights_of_each_epoch(
    noise, name, weighted, solver
):
    X, X_val, y, y_val = noise
    w = np.linspace(0.1, 3, 60) if weighted else None
    scoring = top_two if name == "top_two" else name
    net = network(solver, scoring=scoring, max_iter=4)
    net.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=w)
    for n_epochs in range(1, 5):
        plain = network(solver, max_iter=n_epochs).fit(X, y)
        expected = SCORES[name](plain, X_val, y_val, w)
        assert net.validation_scores_[n_epochs - 1] == pytest.approx(expected, rel=1e-9)
    best = best_epoch(net.validation_scores_)
    assert net.best_iteration_ == best
    assert_same_weights(net, network(solver, max_iter=best).fit(X, y))


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"], [False, True]], ids=str)
def test_the_area_under_the_curve_of_labels_of_any_type(labels):
    (X, X_val, y, y_val), _ = task("binary")
    labels = np.array(labels)
    net = network(scoring="roc_auc")
    net.fit(X, labels[y], X_val=X_val, y_val=labels[y_val])
    expected = roc_auc_score(y_val, net.predict_proba(X_val)[:, 1])
    assert net.best_validation_score_ == expected == max(net.validation_scores_)


def test_a_callable_gets_labels_samples_and_a_network_as_the_user_knows_them(noise):
    X, X_val, y, y_val = noise
    names = np.array(["low", "mid", "top"], dtype=object)
    seen = []

    def scorer(estimator, X, y):
        seen.append((X.copy(), y.copy(), estimator.predict(X), type(estimator)))
        return np.float32(0.5)

    frame = frame_of(pd)
    net = network(scoring=scorer, max_iter=2)
    net.fit(frame(X), names[y], X_val=frame(X_val), y_val=names[y_val])
    assert len(seen) == 2
    for samples, labels, predicted, kind in seen:
        assert_array_equal(samples, X_val)
        assert_array_equal(labels, names[y_val])
        assert set(predicted) <= set(names)
        assert kind is ScratchMLPClassifier
    assert net.validation_scores_ == [0.5, 0.5]
    assert list(net.feature_names_in_) == ["f0", "f1", "f2", "f3"]


@pytest.mark.parametrize("early_stopping", [False, True])
def test_neg_log_loss_and_loss_pick_the_same_epoch(noise, early_stopping):
    by_name, by_loss = (
        fit(network(scoring=scoring, early_stopping=early_stopping, max_iter=30), noise)
        for scoring in ("neg_log_loss", "loss")
    )
    assert by_name.best_iteration_ == by_loss.best_iteration_ < 30
    assert_same_weights(by_name, by_loss)
    assert by_loss.validation_scores_ == [-x for x in by_loss.history_["val_loss"]]


@unconverged
def test_a_copy_that_a_scorer_keeps_can_be_trained_on(noise):
    """Though the network was fitted before, with a memory of another size."""
    X, X_val, y, y_val = noise
    kept = []

    def scoring(net, X, y):
        kept.append(copy.deepcopy(net))
        return np.mean(net.predict(X) == y)

    net = network(max_iter=2).fit(X, y)
    net.set_params(hidden_layer_sizes=(9,), scoring=scoring)
    net.fit(X, y, X_val=X_val, y_val=y_val)
    last = kept[-1].set_params(scoring=None, warm_start=True)
    with pytest.warns(UserWarning, match="memory"):
        last.fit(X, y)
    assert last.coefs_[0].shape == (4, 9)


@pytest.mark.parametrize(
    "bad",
    [np.nan, np.inf, "good", None, np.array([0.5])],
    ids=["nan", "inf", "word", "none", "array"],
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_score_that_is_no_finite_number_is_refused(noise, bad, solver):
    X, _, y, _ = noise
    scores = iter([0.5, 0.7, 0.6, bad])
    net = network(solver, scoring=lambda net, X, y: next(scores))
    with pytest.raises(ValueError, match=r"scoring=.* gave .* on the validation set"):
        fit(net, noise)
    assert net.validation_scores_ == [0.5, 0.7, 0.6]
    assert net.best_iteration_ == 2
    assert net.n_iter_ == len(net.loss_curve_) == len(net.history_["seconds"]) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the shorter lbfgs did not converge
        assert_same_weights(net, network(solver, max_iter=2).fit(X, y))


@pytest.mark.filterwarnings("ignore:X_val is not scaled like X")
def test_an_infinite_loss_is_no_score(noise):
    X, X_val, y, y_val = noise
    net = network(scoring="loss")
    with pytest.raises(ValueError, match="scoring='loss' gave -inf"):
        net.fit(X, y, X_val=X_val * 1e307, y_val=y_val)


def test_an_error_in_a_scorer_leaves_the_best_weights(noise):
    X, _, y, _ = noise
    scores = iter([0.5, 0.7, 0.6])
    net = network(scoring=lambda net, X, y: next(scores))
    with pytest.raises(StopIteration):
        fit(net, noise)
    assert_same_weights(net, network(max_iter=2).fit(X, y))


@pytest.mark.parametrize("scoring", ["accurate", 3, ["accuracy"]], ids=str)
def test_a_scoring_that_is_none_is_refused(noise, scoring):
    with pytest.raises(ValueError, match="'scoring' parameter"):
        fit(network(scoring=scoring), noise)


def test_scoring_without_a_validation_set_is_named(noise):
    X, _, y, _ = noise
    with pytest.warns(UserWarning, match=f"{NO_EFFECT}: .*scoring='loss'"):
        network(scoring="loss").fit(X, y)
    with pytest.warns(UserWarning, match="validation_fraction=0.3"):
        fit(network(validation_fraction=0.3, early_stopping=True), noise)
    net = network("lbfgs", early_stopping=True, scoring="loss", max_iter=1000, tol=0.1)
    with pytest.warns(UserWarning, match="early_stopping=True.*solver='lbfgs'") as w:
        fit(net, noise)
    assert "scoring" not in str(w[0].message)


@pytest.mark.parametrize("scoring", ["loss", "f1_macro", "roc_auc_ovr", top_two])
@pytest.mark.parametrize("frame", [False, True])
def test_rows_held_out_are_scored_likewise(iris, scoring, frame):
    """Twelve rows of iris, four of each class, found by the labels that are scored."""
    X, y = iris
    names = np.array(["a", "b", "c"], dtype=object)
    labels = []

    def scorer(net, X, y):
        labels.append(y)
        return 0.5

    samples = frame_of(pd)(X) if frame else X
    settings = {"early_stopping": True, "validation_fraction": 0.08}
    network(scoring=scorer, **settings).fit(samples, names[y])
    assert sorted(labels[0]) == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    net = network(scoring=scoring, **settings).fit(samples, names[y])
    assert net.best_validation_score_ == max(net.validation_scores_)
    assert len(net.history_["val_loss"]) == 12


# -- pipelines, searches, calibration --------------------------------------------------


def test_a_pipeline_scales_the_validation_set_too(noise):
    X, X_val, y, y_val = noise
    X, X_val = 100 * X + 7, 100 * X_val + 7
    w = np.linspace(0, 1, 60)
    with sklearn.config_context(enable_metadata_routing=True):
        net = network().set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
        model = Pipeline(
            [("scale", StandardScaler()), ("net", net)], transform_input=["X_val"]
        ).fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=w)
    scaler = StandardScaler().fit(X)
    by_hand = network().fit(
        scaler.transform(X),
        y,
        X_val=scaler.transform(X_val),
        y_val=y_val,
        sample_weight_val=w,
    )
    assert_same_weights(model[-1], by_hand)
    assert model[-1].history_["val_loss"] == by_hand.history_["val_loss"]
    assert by_hand.best_iteration_ < 12


def test_routing_refuses_a_validation_set_that_nobody_asked_for(noise):
    X, X_val, y, y_val = noise
    with sklearn.config_context(enable_metadata_routing=True):
        model = Pipeline([("net", network())])
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="X_val"):
            model.fit(X, y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "balanced_accuracy"])
def test_scorers_with_weights_under_metadata_routing(noise, scoring):
    w = np.linspace(0.1, 1, 60)
    expected = fit(network(scoring=scoring), noise, sample_weight_val=w)
    with sklearn.config_context(enable_metadata_routing=True):
        net = fit(network(scoring=scoring), noise, sample_weight_val=w)
    assert net.validation_scores_ == expected.validation_scores_


def rows_scored(net, X, y, sample_weight=None):
    """A score that tells how many rows there were."""
    return float(len(y))


class TestSearch:
    """A search cuts whatever has as many rows as X into its folds."""

    def n_rows_validated_on(self, noise, **given):
        X, _, y, _ = noise
        search = GridSearchCV(
            network(scoring=rows_scored, max_iter=2),
            {"alpha": [0.1]},
            scoring=lambda net, X, y: net.best_validation_score_,
            cv=3,
            refit=False,
        ).fit(X, y, **given)
        return [search.cv_results_[f"split{i}_test_score"][0] for i in range(3)]

    def test_as_many_rows_as_x_are_cut(self, noise):
        """The trap: two thirds of the validation set are used, and nobody says so."""
        X, _, y, _ = noise
        assert self.n_rows_validated_on(noise, X_val=X, y_val=y) == [80] * 3

    def test_any_other_number_of_rows_is_passed_whole(self, noise):
        X, X_val, y, y_val = noise
        n_rows = self.n_rows_validated_on
        assert n_rows(noise, X_val=X_val, y_val=y_val) == [60] * 3
        assert n_rows(noise, X_val=X[1:], y_val=y[1:]) == [119] * 3

    def test_a_row_of_weight_0_makes_it_another_number(self, noise):
        X, _, y, _ = noise
        padded = {
            "X_val": np.vstack([X, X[:1]]),
            "y_val": np.append(y, y[0]),
            "sample_weight_val": np.append(np.ones(120), 0.0),
        }

        assert self.n_rows_validated_on(noise, **padded) == [120] * 3


def test_a_search_over_scoring_by_names(noise):
    X, X_val, y, y_val = noise
    grid = {"scoring": [None, "loss", "neg_log_loss"], "early_stopping": [True]}
    search = GridSearchCV(network(max_iter=3), grid, cv=2)
    search.fit(X, y, X_val=X_val, y_val=y_val)
    assert search.best_estimator_.best_iteration_ is not None


def test_calibration_mends_the_log_loss_of_smoothed_labels():
    X, y = make_classification(
        1500, n_informative=6, n_classes=3, class_sep=2.0, flip_y=0.0, random_state=0
    )
    X, X_new, y, y_new = train_test_split(X, y, test_size=0.5, random_state=0)
    temperature = parse_version(sklearn.__version__) >= parse_version("1.8")
    method = "temperature" if temperature else "sigmoid"
    net = network(label_smoothing=0.3, batch_size=50, max_iter=30)
    calibrated = CalibratedClassifierCV(net, method=method, cv=3).fit(X, y)
    plain = log_loss(y_new, net.fit(X, y).predict_proba(X_new))
    assert log_loss(y_new, calibrated.predict_proba(X_new)) < 0.8 * plain

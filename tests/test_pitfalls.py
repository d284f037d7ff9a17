"""Bugs that users of other multilayer perceptrons met, and that this one has not.

A test is named after its pitfall, P1 to P33; its docstring says what goes wrong
elsewhere.  With one feature per sample, X the identity matrix, the rows of the first
layer's coefficients tell which samples were trained on: several tests read that off.
"""

import inspect
import pickle
import re
import signal
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.datasets import (
    load_digits,
    make_classification,
    make_multilabel_classification,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

import sknet._fitting
from sknet import ScratchMLPClassifier, check_gradients

# For fits that are meant to be short.
short = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PLAIN_SGD = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1}


@pytest.fixture(scope="module")
def multilabel():
    X, y = make_multilabel_classification(n_samples=100, n_classes=4, random_state=0)
    return StandardScaler().fit_transform(X), y


def make_net(**parameters):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 10, "random_state": 0}
    return ScratchMLPClassifier(**{**defaults, **parameters})


def make_full_batch_sgd(**parameters):
    return make_net(**{**PLAIN_SGD, "batch_size": 150, **parameters})


def assert_same_coefs(a, b):
    for name in ("coefs_", "intercepts_"):
        for x, y in zip(getattr(a, name), getattr(b, name), strict=True):
            assert_array_equal(x, y)


# The rate is high enough, and the activation smooth, so that every row moves.
TRACED = {**PLAIN_SGD, "hidden_layer_sizes": 5, "activation": "tanh", "alpha": 0.0}


def untouched_samples(net, X, y):
    """Fit on X, with a feature for each sample: those that were not trained on."""
    n_outputs = len(np.unique(y)) if len(np.unique(y)) > 2 else 1
    coef = np.random.RandomState(0).uniform(-1, 1, (X.shape[1], 5))
    net.fit(
        X,
        y,
        coef_init=[coef, np.linspace(-1, 1, 5 * n_outputs).reshape(5, n_outputs)],
        intercept_init=[np.zeros(5), np.zeros(n_outputs)],
    )
    return np.flatnonzero((net.coefs_[0] == coef)[: len(y)].all(axis=1))


# -- P1 to P8 -------------------------------------------------------------------------


@short
@pytest.mark.parametrize("batch_size", [1, 10, 40, 150])
def test_p1_penalty_is_alpha_over_the_rows_of_the_batch(batch_size):
    """Where the data say nothing, a step is W *= 1 - rate * alpha / rows."""
    alpha, rate = 0.5, 0.1
    X, y = np.zeros((150, 3)), np.arange(150) % 2
    parameters = {**PLAIN_SGD, "hidden_layer_sizes": (), "alpha": alpha, "max_iter": 2}
    coef = np.array([[1.0], [-2.0], [3.0]])
    net = make_net(**parameters, batch_size=batch_size)
    net.fit(X, y, coef_init=[coef], intercept_init=[[0.0]])
    rows = [min(batch_size, 150 - start) for start in range(0, 150, batch_size)]
    shrunk = np.prod([1 - rate * alpha / n for n in rows]) ** 2
    assert_allclose(net.coefs_[0], coef * shrunk, rtol=1e-12)


@short
def test_p2_one_hot_labels_are_warned_of(iris):
    """One-hot classes silently become independent labels."""
    X, y = iris
    with pytest.warns(UserWarning, match=r"exactly one 1 in every row.*argmax"):
        net = make_net().fit(X, np.eye(3)[y])
    assert net.out_activation_ == "logistic"  # it is trained as asked for all the same
    with pytest.warns(UserWarning, match="exactly one 1 in every row"):
        make_net().partial_fit(X, np.eye(3, dtype=bool)[y], classes=[0, 1, 2])


@short
def test_p2_true_multilabel_is_not_warned_of(multilabel):
    make_net().fit(*multilabel)
    X, y = multilabel
    make_net().partial_fit(X[:1], y[:1], classes=np.arange(4))


@short
@pytest.mark.parametrize("random_state", [0, None])
def test_p3_partial_fit_does_not_repeat_its_shuffle(iris, random_state):
    """With batches of one, the weights tell in which order the samples came."""
    X, y = iris
    parameters = {**PLAIN_SGD, "batch_size": 1, "alpha": 0.0}
    net = make_net(**parameters, random_state=random_state)
    net.partial_fit(X, y, classes=[0, 1, 2])
    start = [c.copy() for c in net.coefs_], [b.copy() for b in net.intercepts_]
    ends = []
    for _ in range(4):
        net.coefs_, net.intercepts_ = start
        ends.append(net.partial_fit(X, y).coefs_[0].copy())
    for i, end in enumerate(ends):
        assert not any(np.allclose(end, other, rtol=1e-9) for other in ends[:i])


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_p3_calls_of_partial_fit_are_epochs_even_through_a_pickle(iris, solver):
    X, y = iris
    net = make_net(solver=solver, batch_size=20)
    for _ in range(5):
        net.partial_fit(X, y, classes=[0, 1, 2])
        net = pickle.loads(pickle.dumps(net))
    assert_same_coefs(net, make_net(solver=solver, batch_size=20, max_iter=5).fit(X, y))


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_p4_warm_start_keeps_the_optimizer_and_counts_calls_and_epochs(iris, solver):
    """Elsewhere it forgot the momentum, ran one epoch, or ignored max_iter."""
    X, y = iris
    net = make_net(solver=solver, batch_size=20, max_iter=5, warm_start=True).fit(X, y)
    net.fit(X, y)
    assert_same_coefs(net, make_net(solver=solver, batch_size=20).fit(X, y))
    assert (net.n_iter_, len(net.loss_curve_), net.t_) == (5, 10, 1500)
    net.set_params(max_iter=3).fit(X, y)
    assert (net.n_iter_, len(net.loss_curve_), net.t_) == (3, 13, 1950)


@short
def test_p4_the_optimizer_matters_there(iris):
    """So that the test above cannot pass by chance: Adam begun anew differs."""
    X, y = iris
    half = make_net(batch_size=150, max_iter=5).fit(X, y)
    anew = make_net(batch_size=150, max_iter=5).fit(
        X, y, coef_init=half.coefs_, intercept_init=half.intercepts_
    )
    whole = make_net(batch_size=150).fit(X, y)
    assert not np.allclose(anew.coefs_[0], whole.coefs_[0], atol=1e-4)


@short
def test_p5_warm_start_refuses_a_changed_architecture(iris):
    """Elsewhere the change is silently ignored."""
    X, y = iris
    net = make_net(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"4, 6, 3.*4, 8, 3"):
        net.set_params(hidden_layer_sizes=(8,)).fit(X, y)
    assert [coef.shape for coef in net.coefs_] == [(4, 6), (6, 3)]


@short
@pytest.mark.parametrize("n_classes", [2, 3])
def test_p6_warm_start_keeps_the_held_out_samples(n_classes):
    """Elsewhere they are drawn again, from samples that were trained on."""
    y = np.arange(120) % n_classes
    # A feature for each sample, and one for each class to learn from.
    X = np.hstack([np.eye(120), 2 * np.eye(n_classes)[y]])
    net = make_net(
        **TRACED,
        early_stopping=True,
        warm_start=True,
        random_state=None,
        max_iter=1,
        n_iter_no_change=100,
    )
    held_out = untouched_samples(net, X, y)
    assert len(held_out) == 12
    net.set_params(learning_rate_init=0.5, max_iter=30)
    start = net.coefs_[0].copy()
    for _ in range(3):
        net = pickle.loads(pickle.dumps(net)).fit(X, y)
        assert_array_equal(net.coefs_[0][held_out], start[held_out])
    trained = np.setdiff1d(np.arange(120), held_out)
    assert (net.coefs_[0][trained] != start[trained]).all()
    assert len(net.validation_scores_) == 91
    assert net.best_validation_score_ == max(net.validation_scores_)


@short
def test_p6_a_new_split_begins_a_new_history(iris):
    """A best score must not come from samples that are no longer held out."""
    X, y = iris
    net = make_net(early_stopping=True, warm_start=True, max_iter=60).fit(X, y)
    net.set_params(max_iter=1).fit(X[::2], 2 - y[::2])  # all that it knows is wrong
    assert len(net.validation_scores_) == 1
    assert net.best_validation_score_ == net.validation_scores_[0] < 0.7


@short
@pytest.mark.parametrize(
    "parameters",
    [
        {"solver": "lbfgs"},
        *(
            {"solver": solver, "batch_size": batch_size, "early_stopping": stopping}
            for solver in ("sgd", "adam")
            for batch_size in (10, 150)
            for stopping in (False, True)
        ),
    ],
    ids=str,
)
def test_p7_a_weight_of_zero_removes_the_row(iris, parameters):
    """Elsewhere a batch of such rows divides by zero."""
    X, y = iris
    X, y = X[::-1], y[::-1]
    weights = np.random.RandomState(0).uniform(0.5, 2.0, 150)
    weights[:30] = 0  # whole batches, were it not shuffled
    weights[::3] = 0
    kept = weights > 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "batch_size=150 is more than")
        net = make_net(**parameters).fit(X, y, weights)
        expected = make_net(**parameters)
        expected.fit(X[kept], y[kept], weights[kept])
    assert_same_coefs(net, expected)
    assert net.loss_curve_ == expected.loss_curve_
    assert net.validation_scores_ == expected.validation_scores_


@short
def test_p7_batches_of_weight_zero_in_order(iris):
    X, y = iris
    order = np.random.RandomState(0).permutation(150)
    weights = np.r_[np.zeros(50), np.ones(100)]
    net = make_net(batch_size=10, shuffle=False)
    net.fit(X[order], y[order], weights)
    expected = make_net(batch_size=10, shuffle=False).fit(X[order[50:]], y[order[50:]])
    for a, b in zip(net.coefs_, expected.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-12)


@short
@pytest.mark.parametrize("target", ["multiclass", "multilabel"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_p7_an_integer_weight_repeats_the_row(iris, multilabel, solver, target):
    """On a full batch, the penalty included."""
    X, y = iris if target == "multiclass" else multilabel
    weights = np.random.RandomState(0).randint(0, 4, len(X))
    parameters = {"solver": solver, "alpha": 0.3}
    if solver != "lbfgs":
        parameters["batch_size"] = weights.sum()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "batch_size=")
        net = make_net(**parameters).fit(X, y, weights)
    repeated = make_net(**parameters)
    repeated.fit(X.repeat(weights, axis=0), y.repeat(weights, axis=0))
    for a, b in zip(net.coefs_, repeated.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    assert_allclose(net.loss_curve_, repeated.loss_curve_, rtol=1e-9)


@short
@pytest.mark.parametrize("factor", [1000, 1e-3])
@pytest.mark.parametrize("parameters", [{"batch_size": 10}, {"solver": "lbfgs"}])
def test_p7_the_scale_of_the_weights_does_not_matter(iris, parameters, factor):
    """Without penalty, which is weighed against the sum of the weights."""
    X, y = iris
    weights = np.random.RandomState(0).uniform(0.1, 2.0, 150)
    net = make_net(alpha=0.0, **parameters).fit(X, y, weights)
    scaled = make_net(alpha=0.0, **parameters).fit(X, y, factor * weights)
    for a, b in zip(net.coefs_, scaled.coefs_, strict=True):
        assert_allclose(a, b, rtol=1e-7, atol=1e-10)
    assert_allclose(net.loss_curve_, scaled.loss_curve_, rtol=1e-9)


@short
def test_p7_weights_do_not_depend_on_the_company():
    """Divided by the sum of their batch, weights of 100 and of 1 act the same."""
    X = np.eye(6)
    y = np.array([0, 1, 0, 1, 0, 1])
    weights = np.array([100, 100, 100, 1, 1, 1])
    net = make_net(
        hidden_layer_sizes=(), **PLAIN_SGD, batch_size=3, shuffle=False, alpha=0.0
    ).set_params(max_iter=1, learning_rate_init=1e-6)
    net.fit(X, y, weights, coef_init=[np.zeros((6, 1))], intercept_init=[[0.0]])
    moved = np.abs(net.coefs_[0][:, 0])
    assert_allclose(moved[:3] / moved[3:], 100, rtol=1e-3)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_p7_weights_of_zero_alone_are_refused(iris, method):
    X, y = iris
    net = make_net()
    classes = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match="at least one non-zero"):
        getattr(net, method)(X, y, np.zeros(150), **classes)


@short
@pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("batch_size", [7, 40])
@pytest.mark.parametrize("weighted", [False, True])
def test_p8_the_loss_is_the_weighted_mean_over_all_rows(
    iris, multilabel, target, batch_size, weighted
):
    """At a rate that changes nothing; a short last batch counts by its rows."""
    X, y = multilabel if target == "multilabel" else iris
    y = y > 0 if target == "binary" else y
    weights = np.random.RandomState(0).uniform(0.1, 3, len(X)) if weighted else None
    net = make_net(batch_size=batch_size, alpha=0.0, max_iter=2, **PLAIN_SGD)
    net.set_params(learning_rate_init=1e-300).fit(X, y, weights)
    proba = net.predict_proba(X)
    if target == "multilabel":
        expected = sum(
            log_loss(y[:, k], proba[:, k], sample_weight=weights) for k in range(4)
        )
    else:
        expected = log_loss(y, proba, sample_weight=weights)
    assert_allclose(net.loss_curve_, expected, rtol=1e-12)


@short
def test_p8_the_penalty_is_that_of_the_documented_cost(iris):
    X, y = iris
    weights = np.random.RandomState(0).uniform(0.1, 3, 150)
    net = make_full_batch_sgd(alpha=2.0, max_iter=1, learning_rate_init=1e-300)
    net.fit(X, y, weights)
    squares = sum((coef**2).sum() for coef in net.coefs_)
    expected = log_loss(y, net.predict_proba(X), sample_weight=weights)
    expected += 2.0 / (2 * weights.sum()) * squares
    assert net.loss_ == pytest.approx(expected, rel=1e-12)


# -- P9 to P16 ------------------------------------------------------------------------


@short
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("frame", [False, True])
@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "b", "c"]),
        np.array(["a", "b", "c"], dtype=object),
        np.array([False, True, True]),
        np.array([4, -1, 7]),
    ],
    ids=["str", "object", "bool", "int"],
)
def test_p9_labels_and_feature_names_with_early_stopping(
    iris, labels, frame, early_stopping
):
    """Elsewhere words crash it, and names of features warn at each epoch."""
    X, y = iris
    X = pd.DataFrame(X, columns=list("abcd")) if frame else X
    net = make_net(early_stopping=early_stopping, learning_rate_init=0.05, max_iter=30)
    assert net.fit(X, labels[y]).score(X, labels[y]) > 0.8
    assert (net.validation_scores_ is not None) == early_stopping


@pytest.mark.parametrize("fraction", [0.001, 1e-9])
def test_p9_a_validation_set_of_one_row_is_refused(iris, fraction):
    with pytest.raises(ValueError, match="validation_fraction"):
        make_net(early_stopping=True, validation_fraction=fraction).fit(*iris)


def test_p10_partial_fit_with_early_stopping_is_refused(iris):
    X, y = iris
    net = make_net(early_stopping=True)
    with pytest.raises(ValueError, match="partial_fit does not support early_stop"):
        net.partial_fit(X, y, classes=[0, 1, 2])


@short
@pytest.mark.parametrize("warm_start", [False, True])
def test_p10_batches_may_lack_classes(iris, warm_start):
    X, y = iris
    net = make_net(warm_start=warm_start, learning_rate_init=0.05)
    net.partial_fit(X[:60], y[:60], classes=[0, 1, 2])
    net.partial_fit(X[:50], y[:50])
    for _ in range(50):
        net.partial_fit(X[100:], y[100:]).partial_fit(X[:100], y[:100])
    assert set(net.predict(X)) == {0, 1, 2}
    with pytest.raises(ValueError, match=r"\[3\].*not among the classes \[0, 1, 2\]"):
        net.partial_fit(X, y + 1)


@short
def test_p10_multilabel_batches_may_lack_labels(multilabel):
    X, y = multilabel
    net = make_net(learning_rate_init=0.05)
    net.partial_fit(X[:30], y[:30] & [1, 1, 0, 0], classes=[0, 1, 2, 3])
    net.partial_fit(X[:30], np.zeros((30, 4), dtype=int))
    for _ in range(100):
        net.partial_fit(X, y, classes=[0, 1, 2, 3])
    assert accuracy_score(y, net.predict(X)) > 0.7  # all four labels must be right


@pytest.mark.parametrize(("solver", "n_calls"), [("sgd", 300), ("adam", 2000)])
def test_p11_the_model_does_not_grow_under_partial_fit(solver, n_calls):
    X, y = np.eye(4), np.array([0, 1, 0, 1])
    net = make_net(hidden_layer_sizes=(2,), solver=solver)
    sizes = []
    for n in (150, n_calls - 150):
        for _ in range(n):
            net.partial_fit(X, y, classes=[0, 1])
        sizes.append(len(pickle.dumps(net)))
    assert net.t_ == 4 * n_calls
    assert len(net.loss_curve_) <= 150
    assert max(sizes) - min(sizes) < 16  # a larger count takes a byte or two more


def test_p12_probabilities_are_not_squashed_twice():
    """A softmax of a softmax never exceeds e / (e + 2) = 0.576 for three classes."""
    X = np.repeat(np.eye(3), 20, axis=0)
    y = np.arange(3).repeat(20)
    for parameters in ({}, {"out_activation": "logistic"}):
        net = make_net(solver="lbfgs", max_iter=500, alpha=0.0, **parameters)
        proba = net.fit(X, y).predict_proba(X)
        assert (proba.max(axis=1) > 0.99).all()
        assert_allclose(proba.sum(axis=1), 1)


# A value that changes the result, and the other parameters it needs for that.
CHANGES = {
    "hidden_layer_sizes": ((7,), {}),
    "activation": ("tanh", {}),
    "solver": ("sgd", {}),
    "alpha": (1.0, {}),
    "batch_size": (20, {}),
    "learning_rate": ("invscaling", {}),
    "learning_rate_init": (0.01, {}),
    "power_t": (0.1, {"learning_rate": "invscaling"}),
    "max_iter": (11, {}),
    "shuffle": (False, {"batch_size": 20}),
    "random_state": (1, {}),
    "tol": (1.0, {"n_iter_no_change": 3}),
    "momentum": (0.5, {"solver": "sgd"}),
    "nesterovs_momentum": (False, {"solver": "sgd"}),
    "early_stopping": (True, {}),
    "validation_fraction": (0.3, {"early_stopping": True}),
    "beta_1": (0.5, {}),
    "beta_2": (0.9, {}),
    "epsilon": (0.1, {}),
    "n_iter_no_change": (2, {"tol": 1.0, "max_iter": 50}),
    "max_fun": (3, {"solver": "lbfgs"}),
    "weight_init": ("uniform", {}),
    "out_activation": ("logistic", {}),
    "dtype": ("float32", {}),
    "warmup": (0.2, {"learning_rate": "cosine"}),
    "class_weight": ({0: 2.0}, {}),
    "dropout": (0.5, {}),
    "input_dropout": (0.5, {}),
    "label_smoothing": (0.1, {}),
    "weight_decay": (0.5, {"solver": "adamw"}),
    "max_grad_norm": (0.1, {}),
    "augment": (lambda X, rng: X + rng.normal(size=X.shape), {}),
    "scoring": ("loss", {"early_stopping": True, "learning_rate_init": 0.1}),
}


@short
@pytest.mark.parametrize("name", [*CHANGES, "verbose", "warm_start"])
def test_p12_every_parameter_changes_something(iris, capsys, name):
    """Elsewhere some are accepted and unused."""
    X, y = iris
    if name == "verbose":
        make_net(verbose=True).fit(X, y)
        assert capsys.readouterr().out
        return
    if name == "warm_start":
        assert len(make_net(warm_start=True).fit(X, y).fit(X, y).loss_curve_) == 20
        return
    value, others = CHANGES[name]
    before = make_net(**others).fit(X, y).predict_proba(X)
    after = make_net(**{**others, name: value}).fit(X, y).predict_proba(X)
    assert not np.array_equal(before, after)


def test_p12_no_parameter_is_left_out_above():
    tested = {*CHANGES, "verbose", "warm_start"}
    assert tested == set(inspect.signature(ScratchMLPClassifier).parameters)


@short
def test_p12_fit_leaves_the_parameters_alone(iris):
    sizes = [6, 5]
    net = make_net(hidden_layer_sizes=sizes, random_state=np.random.RandomState(0))
    before = net.get_params()
    net.fit(*iris).partial_fit(*iris)
    after = net.get_params()
    assert before.keys() == after.keys()
    for name in before:
        assert after[name] is before[name], name
    assert sizes == [6, 5]


@short
@pytest.mark.parametrize(
    "labels", [[1, 2, 3], [-1, 1, 1], ["x", "y", "z"], [10, 20, 300]]
)
def test_p12_classes_are_the_labels_and_no_others(iris, labels):
    """Elsewhere the labels 1, 2 and 3 make a class 0."""
    X, y = iris
    net = make_net().fit(X, np.array(labels)[y])
    assert net.classes_.tolist() == sorted(set(labels))
    assert net.predict_proba(X).shape == (150, len(set(labels)))


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize(
    ("target", "out_activation"),
    [("multiclass", "softmax"), ("multiclass", "logistic"), ("multilabel", "auto")],
)
@pytest.mark.parametrize("hidden_layer_sizes", [(), (5,), (5, 4, 3)])
def test_p13_the_gradient_is_that_of_the_cost(
    iris, multilabel, activation, target, out_activation, hidden_layer_sizes
):
    """With penalty and weights: elsewhere factors and derivatives were missing."""
    X, y = multilabel if target == "multilabel" else iris
    net = make_net(
        hidden_layer_sizes=hidden_layer_sizes,
        activation=activation,
        out_activation=out_activation,
        alpha=0.7,
    )
    weights = np.random.RandomState(0).uniform(0.1, 3, len(X))
    for sample_weight in (None, weights):
        check = check_gradients(net, X, y, sample_weight)
        assert check.max_relative_error < 1e-7


@short
@pytest.mark.parametrize("target", ["binary", "multiclass", "multilabel"])
def test_p14_lbfgs_gets_the_gradient_of_the_function_it_gets(
    iris, multilabel, target, monkeypatch
):
    X, y = multilabel if target == "multilabel" else iris
    y = y > 0 if target == "binary" else y
    weights = np.random.RandomState(0).uniform(0.1, 3, len(X))
    minimize = sknet._fitting.minimize
    errors = []

    def checked(function, x0, **options):
        grad = function(x0)[1].copy()
        for i in range(len(x0)):
            step = 1e-6 * np.eye(len(x0))[i]
            slope = (function(x0 + step)[0] - function(x0 - step)[0]) / 2e-6
            errors.append(abs(slope - grad[i]))
        return minimize(function, x0, **options)

    monkeypatch.setattr(sknet._fitting, "minimize", checked)
    # Not relu: a difference across its kink is no derivative.
    net = make_net(solver="lbfgs", activation="tanh", alpha=0.7).fit(X, y, weights)
    assert len(errors) == sum(c.size for c in net.coefs_ + net.intercepts_)
    assert max(errors) < 1e-8


def test_p15_lbfgs_keeps_a_history_and_does_as_it_is_told(iris, capsys):
    """Elsewhere: no loss_curve_, no output, max_iter taken for evaluations."""
    X, y = iris
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        net = make_net(solver="lbfgs", max_iter=5, verbose=2, alpha=1.0).fit(X, y)
    assert net.n_iter_ == len(net.loss_curve_) == 5
    assert net.loss_ == net.loss_curve_[-1] == min(net.loss_curve_)
    assert len(capsys.readouterr().out.splitlines()) == 5
    squares = sum((coef**2).sum() for coef in net.coefs_)
    expected = log_loss(y, net.predict_proba(X)) + 1.0 / 300 * squares
    assert net.loss_ == pytest.approx(expected, rel=1e-12)

    net.set_params(max_iter=1000, verbose=False).fit(X, y)  # converges: no warning
    assert 5 < net.n_iter_ < 1000
    assert (np.diff(net.loss_curve_) <= 0).all()


def test_p15_lbfgs_stops_at_max_fun(iris):
    with pytest.warns(ConvergenceWarning, match="max_fun"):
        net = make_net(solver="lbfgs", max_iter=1000, max_fun=10).fit(*iris)
    assert net.n_iter_ <= 10


# Solver, parameters that do nothing beside it, and parameters that do something.
EFFECTS = {
    "adam": (
        {
            "power_t": 0.1,
            "momentum": 0.5,
            "nesterovs_momentum": False,
            "max_fun": 10,
            "validation_fraction": 0.3,
            "warmup": 0.2,
            "weight_decay": 0.1,
            "scoring": "loss",
        },
        {
            "learning_rate": "adaptive",
            "learning_rate_init": 0.01,
            "beta_1": 0.8,
            "beta_2": 0.9,
            "epsilon": 1e-4,
            "batch_size": 20,
            "shuffle": False,
            "early_stopping": True,
            "n_iter_no_change": 2,
            "tol": 0.1,
        },
    ),
    "adamw": (
        {"momentum": 0.5, "nesterovs_momentum": False, "max_fun": 10},
        {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4, "weight_decay": 0.1},
    ),
    "sgd": (
        {
            "beta_1": 0.8,
            "beta_2": 0.9,
            "epsilon": 1e-4,
            "max_fun": 10,
            "power_t": 0.1,
            "validation_fraction": 0.3,
            "warmup": 0.2,
            "weight_decay": 0.1,
            "scoring": "loss",
        },
        {
            "learning_rate": "adaptive",
            "momentum": 0.5,
            "nesterovs_momentum": False,
            "learning_rate_init": 0.01,
            "batch_size": 20,
            "shuffle": False,
            "early_stopping": True,
            "n_iter_no_change": 2,
        },
    ),
    "lbfgs": (
        {
            "learning_rate": "adaptive",
            "learning_rate_init": 0.01,
            "power_t": 0.1,
            "momentum": 0.5,
            "nesterovs_momentum": False,
            "beta_1": 0.8,
            "beta_2": 0.9,
            "epsilon": 1e-4,
            "batch_size": 20,
            "shuffle": False,
            "early_stopping": True,
            "n_iter_no_change": 2,
            "validation_fraction": 0.3,
            "warmup": 0.2,
            "weight_decay": 0.1,
            "scoring": "loss",
        },
        {"max_fun": 10, "tol": 1e-3, "alpha": 0.1},
    ),
}


@short
@pytest.mark.parametrize(
    ("solver", "name", "value"),
    [(s, *item) for s, (idle, _) in EFFECTS.items() for item in idle.items()],
)
def test_p16_a_parameter_without_effect_is_named_once(iris, solver, name, value):
    """And it has none: the model is the same without it."""
    X, y = iris
    net = make_net(solver=solver, warm_start=True, **{name: value})
    with pytest.warns(UserWarning, match=f"Without effect: {name}=") as record:
        net.fit(X, y)
    assert sum("Without effect" in str(w.message) for w in record) == 1
    assert_same_coefs(net, make_net(solver=solver).fit(X, y))
    net.fit(X, y)  # going on, it is not said again


@short
@pytest.mark.parametrize(
    ("solver", "name", "value"),
    [(s, *item) for s, (_, used) in EFFECTS.items() for item in used.items()],
)
def test_p16_a_parameter_with_an_effect_is_not_warned_of(iris, solver, name, value):
    make_net(solver=solver, **{name: value}).fit(*iris)


@short
@pytest.mark.parametrize("learning_rate", ["adaptive", "invscaling"])
def test_p16_a_learning_rate_that_adam_ignores_elsewhere_has_an_effect(
    iris, learning_rate
):
    # No epoch meets the tolerance, so that "adaptive" lowers the rate every second one.
    parameters = {"tol": 100.0, "n_iter_no_change": 1, "max_iter": 4}
    parameters |= {"hidden_layer_sizes": (6,), "random_state": 0}
    theirs, ours = (
        [
            cls(**parameters, learning_rate=kind).fit(*iris).coefs_[0]
            for kind in ("constant", learning_rate)
        ]
        for cls in (MLPClassifier, ScratchMLPClassifier)
    )
    assert_array_equal(*theirs)
    assert not np.array_equal(*ours)


@short
@pytest.mark.parametrize("solver", EFFECTS)
def test_p16_several_parameters_without_effect_make_one_warning(iris, solver):
    X, y = iris
    idle = EFFECTS[solver][0]
    net = make_net(solver=solver, **idle)
    with pytest.warns(UserWarning, match="Without effect") as record:
        net.fit(X, y)
    assert len([w for w in record if w.category is UserWarning]) == 1
    assert all(f"{name}=" in str(record[0].message) for name in idle)


@short
@pytest.mark.parametrize(
    ("kind", "setting"), [("invscaling", {"power_t": 0.1}), ("cosine", {"warmup": 0.2})]
)
def test_p16_lbfgs_has_no_use_for_the_settings_of_a_learning_rate(iris, kind, setting):
    (name,) = setting
    net = make_net(solver="lbfgs", learning_rate=kind, **setting)
    with pytest.warns(UserWarning, match=f"{name}=.* with solver='lbfgs'"):
        net.fit(*iris)


@short
@pytest.mark.parametrize("solver", EFFECTS)
def test_p16_the_defaults_never_warn(iris, solver):
    net = ScratchMLPClassifier(solver=solver).fit(*iris)
    if solver != "lbfgs":
        net.partial_fit(*iris)
    ScratchMLPClassifier(solver="sgd", learning_rate="invscaling", power_t=0.1)
    ScratchMLPClassifier(early_stopping=True, validation_fraction=0.3).fit(*iris)


# -- P17 to P24 -----------------------------------------------------------------------


@short
def test_p17_invscaling_counts_samples_and_says_so():
    """MLPClassifier's rule, kept: (samples seen + 1) ** power_t."""
    X, y = np.zeros((20, 1)), np.arange(20) % 2
    parameters = {**PLAIN_SGD, "hidden_layer_sizes": (), "batch_size": 20, "alpha": 4.0}
    parameters |= {"learning_rate": "invscaling", "power_t": 0.7, "max_iter": 3}
    net = make_net(**parameters).set_params(learning_rate_init=0.5)
    net.fit(X, y, coef_init=[[[1.0]]], intercept_init=[[0.0]])
    rates = [0.5 / (seen + 1) ** 0.7 for seen in (0, 20, 40)]
    # Where X says nothing, the weight shows the rates: w *= 1 - rate alpha / rows.
    expected = np.prod([1 - rate * 4.0 / 20 for rate in rates])
    assert net.coefs_[0][0, 0] == pytest.approx(expected, rel=1e-12)
    assert "number of samples" in " ".join(ScratchMLPClassifier.__doc__.split())


@pytest.mark.parametrize("n_iter_no_change", [1, 5])
def test_p18_patience_is_that_of_mlpclassifier(iris, n_iter_no_change):
    """The first epoch sets the best, n may fail, and one more ends training."""
    X, y = iris
    parameters = {**PLAIN_SGD, "learning_rate_init": 1e-300, "hidden_layer_sizes": ()}
    net = make_net(**parameters, n_iter_no_change=n_iter_no_change, max_iter=50)
    assert net.fit(X, y).n_iter_ == n_iter_no_change + 2
    shared = inspect.signature(MLPClassifier).parameters
    peer = MLPClassifier(**{name: getattr(net, name) for name in shared})
    assert peer.fit(X, y).n_iter_ == net.n_iter_


@short
def test_p19_of_equal_scores_the_first_is_kept(iris):
    X, y = iris
    net = make_net(early_stopping=True, max_iter=40, n_iter_no_change=100)
    net.set_params(learning_rate_init=0.05).fit(X, y)
    best = np.flatnonzero(net.validation_scores_ == np.max(net.validation_scores_))
    assert len(best) > 1  # or there is nothing to see here
    assert_same_coefs(net, clone(net).set_params(max_iter=int(best[0]) + 1).fit(X, y))


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("label", [0, "a", True])
def test_p20_one_class_is_refused(iris, solver, label):
    """Elsewhere it is fitted, with two columns of probabilities."""
    X, _ = iris
    y = np.array([label] * len(X))
    with pytest.raises(ValueError, match="one class"):
        make_net(solver=solver).fit(X, y)
    if solver != "lbfgs":
        with pytest.raises(ValueError, match="one class"):
            make_net(solver=solver).partial_fit(X, y, classes=[label])


@short
@pytest.mark.parametrize(
    "labels", [["a", "b", "c"], [5, 1, 3], [True, False, False]], ids=str
)
@pytest.mark.parametrize("seed", range(3))
def test_p20b_the_held_out_samples_are_stratified(labels, seed):
    """Elsewhere three classes are not: the rarest may be missing."""
    counts = np.array([170, 20, 10])
    y = np.array(labels)[np.arange(3).repeat(counts)]
    y = np.random.RandomState(seed).permutation(y)
    net = make_net(**TRACED, early_stopping=True, random_state=seed, max_iter=1)
    held_out = untouched_samples(net, np.eye(200), y)
    for label in set(labels):
        assert np.sum(y[held_out] == label) == round(0.1 * np.sum(y == label))


@short
def test_p20b_a_class_of_one_sample_is_trained_on():
    y = np.r_[np.zeros(60), np.ones(39), 2].astype(int)
    net = make_net(**TRACED, early_stopping=True, max_iter=1)
    with pytest.warns(UserWarning, match="one sample only"):
        held_out = untouched_samples(net, np.eye(100), y)
    assert len(held_out) == 10
    assert 99 not in held_out


@short
@pytest.mark.parametrize(
    "labels", [[100, 101, 105], ["no", "perhaps", "yes"], [-3, 0, 3]], ids=str
)
def test_p21_predict_returns_labels_not_indices(iris, labels):
    X, y = iris
    labels = np.array(labels)
    net = make_net(learning_rate_init=0.05, max_iter=30).fit(X, labels[y])
    assert accuracy_score(labels[y], net.predict(X)) > 0.9
    assert net.score(X, labels[y]) > 0.9


@short
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 100.0, 1e4])
@pytest.mark.parametrize(
    ("target", "out_activation"),
    [
        ("binary", "auto"),
        ("multiclass", "softmax"),
        ("multiclass", "logistic"),
        ("multilabel", "auto"),
    ],
)
def test_p22_probabilities_of_any_confidence(
    iris, multilabel, target, out_activation, size, dtype
):
    """Raw outputs of this size: elsewhere the logarithm of 0 is taken."""
    X, y = multilabel if target == "multilabel" else iris
    y = y > 0 if target == "binary" else y
    X = X.astype(dtype)
    net = make_net(
        hidden_layer_sizes=(),
        out_activation=out_activation,
        **PLAIN_SGD,
        max_iter=2,
        warm_start=True,
    ).fit(X, y)
    net.coefs_[0][...] *= size / np.abs(net.decision_function(X)).max()
    net.intercepts_[0][...] = 0
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        raw = net.decision_function(X)
        proba, log_proba = net.predict_proba(X), net.predict_log_proba(X)
        net.fit(X, y)
    assert size / 2 < np.abs(raw).max() < 2 * size
    assert raw.dtype == proba.dtype == log_proba.dtype == dtype
    assert (proba > 0).all()
    assert (proba < 1).all()
    assert np.isfinite(log_proba).all()
    assert np.isfinite(net.loss_curve_).all()
    # With the logarithms taken by themselves, in double precision:
    z = raw.astype(float)
    if target == "binary":
        z = np.column_stack([-z, z])
    log_h = -np.logaddexp(0, -z)  # of the logistic function
    if out_activation == "softmax":
        log_h = z
    if target == "multiclass":
        log_h = log_h - np.logaddexp.reduce(log_h, axis=1, keepdims=True)
    rtol = 1e-4 if dtype == np.float32 else 1e-12
    assert_allclose(log_proba, log_h, rtol=rtol, atol=100 * np.finfo(dtype).eps)
    # Exact down to the least normal number of the type.
    normal = log_h > np.log(np.finfo(dtype).tiny)
    assert_allclose(proba[normal], np.exp(log_h[normal]), rtol=100 * rtol, atol=1e-6)
    if target != "multilabel":
        assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


DIVERGING = {
    "rate": ({"learning_rate_init": 1e200, "activation": "identity"}, 1.0, r"1e\+200"),
    "rate, deep": (
        {"learning_rate_init": 1e100, "hidden_layer_sizes": (5, 5, 5)},
        1.0,
        r"1e\+100",
    ),
    "X": ({"activation": "identity"}, 1e200, r"e\+200"),
    "X, float32": ({"dtype": "float32"}, 1e200, r"e\+200"),
    "X, adam": ({"solver": "adam"}, 1e200, r"e\+200"),
    "X, early stopping": ({"early_stopping": True}, 1e200, r"e\+200"),
    "X, mini-batches": ({"batch_size": 10}, 1e200, r"e\+200"),
}


@pytest.mark.parametrize(
    ("parameters", "scale", "named"), DIVERGING.values(), ids=DIVERGING
)
def test_p23_divergence_stops_at_once_and_says_what_to_do(
    iris, parameters, scale, named
):
    """Elsewhere it trains on with NaN, and says so at the end or never."""
    X, y = iris
    net = make_net(**{"solver": "sgd", "max_iter": 200, **parameters})
    with pytest.raises(ValueError, match=r"diverged in epoch \d+.*learning rate") as e:
        net.fit(X * scale, y)
    assert "X of size up to" in str(e.value)
    assert re.search(named, str(e.value))
    assert net.n_iter_ < 20
    assert all(np.isfinite(a).all() for a in net.coefs_ + net.intercepts_)
    assert set(net.predict(X)) <= {0, 1, 2}
    assert np.isfinite(net.predict_proba(X)).all()


def test_p23_lbfgs_names_the_scale_of_x(iris):
    X, y = iris
    net = make_net(solver="lbfgs")
    with pytest.raises(ValueError, match=r"X of size up to .*e\+200"):
        net.fit(X * 1e200, y)
    assert np.isfinite(net.predict_proba(X)).all()


@short
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_p23_training_goes_on_after_a_divergence(iris, solver, method):
    """One bad batch must not spoil the optimizer's memory nor lose the shuffles."""
    X, y = iris
    net = make_net(solver=solver, warm_start=True)
    net.partial_fit(X, y, classes=[0, 1, 2])
    net.coefs_[0][0] = 10
    before = net.predict_proba(X)
    spoilt = X.copy()
    spoilt[0, 0] = 1e308  # and 10 times that overflows
    with pytest.raises(ValueError, match="diverged"):
        net.partial_fit(spoilt, y)
    assert_array_equal(net.predict_proba(X), before)
    for _ in range(5):
        getattr(net, method)(X, y)
    assert np.isfinite(net.loss_)


@short
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_p23_a_rate_that_was_too_high_can_be_lowered(iris, solver):
    """The step overflows: neither weights nor the optimizer's memory may keep it."""
    X, y = iris
    net = make_net(solver=solver).partial_fit(X, y, classes=[0, 1, 2])
    rate, before = net.learning_rate_init, net.predict_proba(X)
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .*rate of 1.79e\+308"):
        net.set_params(learning_rate_init=1.79e308).partial_fit(X * 1e4, y)
    assert_array_equal(net.predict_proba(X), before)
    net.set_params(learning_rate_init=rate).partial_fit(X, y)
    assert np.isfinite(net.predict_proba(X)).all()


@short
def test_p23_a_first_fit_that_diverges_can_go_on(iris):
    X, y = iris
    net = make_net(solver="sgd", activation="identity", warm_start=True)
    with pytest.raises(ValueError, match="diverged"):
        net.fit(X * 1e200, y)
    start = net.fit(
        X,
        y,
        coef_init=[np.full((4, 6), 0.1), np.full((6, 3), 0.1)],
        intercept_init=[np.zeros(6), np.zeros(3)],
    )
    assert np.isfinite(start.loss_)


@short
@pytest.mark.parametrize("n_samples", [2, 19, 20, 21, 40])
@pytest.mark.parametrize("batch_size", ["auto", 20])
def test_p24_any_number_of_samples_makes_batches(iris, n_samples, batch_size):
    X, y = iris
    rows = np.linspace(0, 149, n_samples).astype(int)
    net = make_net(batch_size=batch_size, max_iter=2)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        net.fit(X[rows], y[rows])
    said = [str(w.message) for w in record if "batch_size" in str(w.message)]
    assert len(said) == (batch_size == 20 and n_samples < 20)
    assert all("batch_size=20 is more than" in message for message in said)
    assert net.t_ == 2 * n_samples


@short
@pytest.mark.parametrize("batch_size", ["auto", 1])
def test_p24_one_sample_in_partial_fit(iris, batch_size):
    X, y = iris
    net = make_net(batch_size=batch_size)
    for i in range(0, 150, 10):
        net.partial_fit(X[i : i + 1], y[i : i + 1], classes=[0, 1, 2])
    assert net.t_ == 15


# -- P25 to P33 -----------------------------------------------------------------------


@short
def test_p25_targets_of_many_classes_take_little_memory():
    """One-hot float64 targets of all rows would take 160 MB."""
    n_samples, n_classes = 20_000, 1000
    X = np.random.RandomState(0).uniform(size=(n_samples, 1))
    y = np.arange(n_samples) % n_classes
    net = make_net(hidden_layer_sizes=(2,), max_iter=1)
    tracemalloc.start()
    try:
        net.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40e6


@short
def test_p26_search_in_several_processes(iris):
    net = make_net(learning_rate_init=0.05, max_iter=30)
    search = GridSearchCV(net, {"alpha": [1e-4, 1.0]}, cv=2, n_jobs=2)
    assert search.fit(*iris).best_score_ > 0.8


def test_p27_a_citizen_of_scikit_learn():
    """The order of its parents matters from scikit-learn 1.7 on."""
    parents = ScratchMLPClassifier.__mro__
    assert parents.index(ClassifierMixin) < parents.index(BaseEstimator)
    assert is_classifier(ScratchMLPClassifier())
    tags = get_tags(ScratchMLPClassifier())
    assert tags.estimator_type == "classifier"
    assert tags.classifier_tags.multi_label
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    assert tags.non_deterministic == get_tags(MLPClassifier()).non_deterministic


@short
def test_p28_a_clone_is_unfitted_and_lists_are_copied(iris):
    sizes = [6]
    net = make_net(hidden_layer_sizes=sizes).fit(*iris)
    twin = clone(net)
    assert not [name for name in vars(twin) if name.endswith("_")]
    assert twin.get_params() == net.get_params()
    assert twin.hidden_layer_sizes is not sizes
    sizes.append(5)
    assert net.predict(iris[0]).shape == (150,)
    assert_same_coefs(twin.fit(*iris), net)


@short
@pytest.mark.parametrize("max_iter", [1, 2, 30])
def test_p29_the_restored_weights_are_those_that_scored_best(max_iter):
    """Elsewhere they are those of the epoch after."""
    X, y = make_classification(
        200, n_features=200, n_informative=2, flip_y=0.1, random_state=0
    )
    # Multiples of a basis: what is trained on shows in the coefficients.
    X = np.eye(200) * (1 + np.abs(X[:, :1]))
    net = make_net(
        **TRACED, early_stopping=True, validation_fraction=0.3, max_iter=max_iter
    )
    held_out = untouched_samples(net, X, y)
    assert len(held_out) == 60
    assert net.score(X[held_out], y[held_out]) == net.best_validation_score_
    assert net.best_validation_score_ == max(net.validation_scores_)


@short
def test_p30_silent_unless_asked(iris, capsys):
    for parameters in ({}, {"early_stopping": True}, {"solver": "lbfgs"}):
        make_net(**parameters).fit(*iris)
    assert capsys.readouterr() == ("", "")
    make_net(verbose=2).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert all("loss" in line for line in lines)


@short
@pytest.mark.parametrize(
    "parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str
)
def test_p32_no_training_data_in_a_pickle(parameters):
    X, y = load_digits(return_X_y=True)
    sizes = []
    for n_samples in (200, 1797):
        net = make_net(max_iter=3, **parameters).fit(X[:n_samples], y[:n_samples])
        sizes.append(len(pickle.dumps(net)))
    assert abs(sizes[0] - sizes[1]) < 16


@short
def test_p33_an_interrupted_step_is_finished(iris):
    """Ctrl-C between two updates of one step would leave a mix of both."""

    class PressesCtrlC(np.random.RandomState):
        left = 3

        def shuffle(self, x):
            super().shuffle(x)
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)

    X, y = iris
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        net = make_full_batch_sgd(random_state=PressesCtrlC(0))
        with pytest.warns(UserWarning, match="Ctrl-C"):
            net.fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert_same_coefs(net, make_full_batch_sgd(max_iter=3).fit(X, y))

"""Class weights, label smoothing, weight decay, clipping and augmentation in fit."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.utils.class_weight import compute_sample_weight

from sknet import check_gradients
from sknet._blas import norm_of
from sknet.augment import RandomAffine, RandomShift
from sknet.optimizers import clip
from support import (
    PLAIN_SGD,
    assert_same_fit,
    assert_same_weights,
    flat,
    network,
    unconverged,
)

SOLVERS = ["adam", "adamw", "sgd", "lbfgs"]


def uneven(iris):
    """Iris with 50, 20 and 5 samples of its classes."""
    X, y = iris
    rows = np.r_[0:50, 50:70, 100:105]
    return X[rows], y[rows]


# -- class weights ---------------------------------------------------------------------


@unconverged
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("labels", [[0, 1, 2], ["a", "b", "c"], [False, True, True]])
def test_class_weights_are_sample_weights(iris, solver, labels):
    X, y = uneven(iris)
    y = np.array(labels)[y]
    label = y[0].item()
    for class_weight in ("balanced", {label: 3.0}):
        net = network(solver=solver, class_weight=class_weight).fit(X, y)
        if class_weight != "balanced":
            class_weight = {**dict.fromkeys(np.unique(y), 1.0), **class_weight}
        weights = compute_sample_weight(class_weight, y)
        by_hand = network(solver=solver).fit(X, y, weights)
        assert_allclose(flat(net), flat(by_hand), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sample_weight", [None, "random"])
def test_balanced_classes_have_equal_total_weights(iris, sample_weight):
    X, y = uneven(iris)
    if sample_weight:
        sample_weight = np.random.RandomState(0).uniform(0.1, 3, len(y))
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    factors = weights.sum() / 3 / np.bincount(y, weights)
    by_hand = weights * factors[y]
    assert_allclose(np.bincount(y, by_hand), weights.sum() / 3)
    net = network(class_weight="balanced").fit(X, y, sample_weight)
    assert_allclose(
        flat(net), flat(network().fit(X, y, by_hand)), rtol=1e-9, atol=1e-12
    )


@unconverged
def test_balanced_weights_count_weights_not_rows(iris):
    """A row of weight 2 is two rows."""
    X, y = uneven(iris)
    weights = np.random.RandomState(0).randint(0, 3, len(y))
    parameters = {"class_weight": "balanced", "solver": "lbfgs", "max_iter": 30}
    weighted = network(**parameters).fit(X, y, weights)
    repeated = network(**parameters).fit(
        np.repeat(X, weights, 0), np.repeat(y, weights)
    )
    assert_allclose(flat(weighted), flat(repeated), rtol=1e-6, atol=1e-8)


def test_balanced_logistic_regression_is_that_of_scikit_learn(iris):
    X, y = uneven(iris)
    net = network(
        hidden_layer_sizes=(),
        solver="lbfgs",
        class_weight="balanced",
        alpha=1.0,
        tol=1e-8,
        max_iter=1000,
    ).fit(X, y)
    reference = LogisticRegression(C=1.0, class_weight="balanced", tol=1e-10)
    expected = reference.fit(X, y).predict_proba(X)
    assert_allclose(net.predict_proba(X), expected, atol=1e-4)


def test_a_rare_class_is_found_with_balanced_weights():
    rng = np.random.RandomState(0)
    y = (np.arange(1000) < 50).astype(int)
    X = rng.normal(size=(1000, 2)) + y[:, np.newaxis]
    recalls = [
        network(max_iter=60, class_weight=cw).fit(X, y).predict(X)[y == 1].mean()
        for cw in (None, "balanced")
    ]
    assert recalls[0] < 0.3 < 0.6 < recalls[1]


@pytest.mark.parametrize("class_weight", [None, {}, {0: 1, 1: 1.0, 2: 1.0}, "balanced"])
def test_equal_class_weights_change_nothing(iris, class_weight):
    X, y = iris  # balanced as it is
    assert_same_fit(network(class_weight=class_weight).fit(X, y), network().fit(X, y))


def test_a_class_of_weight_0_stays_a_class(iris):
    X, y = iris
    net = network(class_weight={2: 0}, max_iter=50).fit(X, y)
    assert net.classes_.tolist() == [0, 1, 2]
    assert net.t_ == 50 * 100  # its rows are as if they were not there
    assert 2 not in net.predict(X)


def test_the_factors_follow_the_weights_in_a_validation_set(iris):
    X, y = iris
    factors = {0: 1.0, 1: 3.0, 2: 0.5}
    net = network(class_weight=factors).fit(X, y, X_val=X[::2], y_val=y[::2])
    weights = compute_sample_weight(factors, y[::2])
    assert net.best_validation_score_ == pytest.approx(
        net.score(X[::2], y[::2], weights), rel=1e-12
    )


@unconverged
def test_dicts_go_with_partial_fit_and_balanced_does_not(iris):
    X, y = iris
    net = network(class_weight={1: 2.0})
    for _ in range(6):
        net.partial_fit(X, y, classes=[0, 1, 2])
    assert_same_fit(net, network(class_weight={1: 2.0}).fit(X, y))
    with pytest.raises(ValueError, match="partial_fit does not support class_weight"):
        net.set_params(class_weight="balanced").partial_fit(X, y)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({7: 1.0}, r"labels \[7\], which are not among the classes"),
        ({0: -1.0}, "-1.0 for the label 0: give finite numbers"),
        ({0: 10**400}, "0 for the label 0: give finite numbers"),
        ({0: "a"}, "'a' for the label 0"),
        ({0: [1.0]}, r"\[1.0\] for the label 0"),
        ({0: np.nan}, "finite numbers, 0 or more"),
        ({0: 0, 1: 0, 2: 0}, "all samples the weight 0"),
        ("balance", "class_weight"),
        ([1, 2, 3], "class_weight"),
    ],
)
def test_bad_class_weights_are_refused_and_change_nothing(iris, class_weight, message):
    net = network().fit(*iris)
    before = flat(net)
    with pytest.raises(ValueError, match=message):
        net.set_params(class_weight=class_weight).fit(*iris)
    assert_array_equal(flat(net), before)


def test_class_weights_of_multilabel_targets_are_refused(iris):
    y = np.random.RandomState(0).rand(150, 4) > 0.5
    with pytest.raises(ValueError, match="needs one class a sample"):
        network(class_weight="balanced").fit(iris[0], y)


def test_class_weights_may_know_more_classes_than_y(iris):
    X, y = iris
    weights = {0: 1.0, 1: 2.0, 2: 3.0, 7: 9.0}
    net = network(class_weight=weights).fit(X, y)
    del weights[7]
    assert_same_weights(net, network(class_weight=weights).fit(X, y))


# -- label smoothing -------------------------------------------------------------------


def optimum(X, y, n_outputs, smoothing, alpha):
    """Cost at the minimum of a linear model's cost, written down anew."""
    Y = np.eye(n_outputs)[y] if n_outputs > 1 else y[:, np.newaxis].astype(float)
    Y = (1 - smoothing) * Y + smoothing / max(2, n_outputs)

    def cost(w):
        W = w.reshape(1 + X.shape[1], n_outputs)
        z = X @ W[1:] + W[0]
        if n_outputs > 1:
            losses = -(Y * log_softmax(z, axis=1)).sum(axis=1)
        else:
            p = expit(z)
            losses = -(Y * np.log(p) + (1 - Y) * np.log(1 - p))[:, 0]
        return losses.mean() + alpha / (2 * len(X)) * (W[1:] ** 2).sum()

    start = np.zeros((1 + X.shape[1]) * n_outputs)
    return minimize(cost, start, method="BFGS", options={"gtol": 1e-5}).fun


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("smoothing", [0.1, 0.4])
def test_the_cost_at_the_minimum_is_that_of_smoothed_labels(iris, n_outputs, smoothing):
    X, y = iris
    y = y if n_outputs == 3 else (y == 1).astype(int)
    net = network(
        hidden_layer_sizes=(),
        solver="lbfgs",
        label_smoothing=smoothing,
        alpha=0.5,
        tol=1e-7,
        max_iter=1000,
    ).fit(X, y)
    expected = optimum(X, y, n_outputs, smoothing, alpha=0.5)
    assert net.loss_ == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel", "article"])
def test_gradients_with_smoothed_labels(iris, kind):
    X, y = iris
    if kind == "multilabel":
        y = np.random.RandomState(0).rand(150, 4) > 0.5
    net = network(
        label_smoothing=0.2,
        activation="tanh",
        alpha=0.3,
        out_activation="logistic" if kind == "article" else "auto",
    )
    y = (y > 0).astype(int) if kind == "binary" else y
    assert check_gradients(net, X, y).max_relative_error < 1e-7


def test_smoothing_bounds_the_confidence():
    """At the minimum a class that is sure has the probability of its target."""
    X, y = np.eye(3), np.arange(3)
    net = network(
        solver="lbfgs", alpha=0.0, label_smoothing=0.3, tol=1e-9, max_iter=1000
    )
    proba = net.fit(X, y).predict_proba(X)
    assert_allclose(proba, np.where(np.eye(3), 0.8, 0.1), atol=1e-4)


@unconverged
@pytest.mark.parametrize("solver", SOLVERS)
def test_smoothing_by_0_changes_nothing(iris, solver):
    assert_same_fit(
        network(solver=solver, label_smoothing=0).fit(*iris),
        network(solver=solver).fit(*iris),
    )


# -- the penalty, and weight decay -----------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 10, 40, 150])
def test_the_penalty_is_alpha_over_the_rows_of_the_batch(batch_size):
    """Where the data say nothing, a step is W *= 1 - rate * alpha / rows.

    As in MLPClassifier: the penalty of an epoch grows as batches shrink, see
    scikit-learn issue 6780.
    """
    alpha, rate = 0.5, 0.1
    X, y = np.zeros((150, 3)), np.arange(150) % 2
    parameters = {**PLAIN_SGD, "hidden_layer_sizes": (), "alpha": alpha, "max_iter": 2}
    coef = np.array([[1.0], [-2.0], [3.0]])
    net = network(**parameters, batch_size=batch_size)
    net.fit(X, y, coef_init=[coef], intercept_init=[[0.0]])
    rows = [min(batch_size, 150 - start) for start in range(0, 150, batch_size)]
    shrunk = np.prod([1 - rate * alpha / n for n in rows]) ** 2
    assert_allclose(net.coefs_[0], coef * shrunk, rtol=1e-12)


@pytest.mark.parametrize("batch_size", [150, 50, 7])
def test_decay_does_not_depend_on_the_batch(batch_size):
    """Where the data say nothing each step multiplies by 1 - rate * decay."""
    X, y = np.zeros((150, 3)), np.arange(150) % 2
    coef = np.array([[1.0], [-2.0], [3.0]])
    net = network(
        hidden_layer_sizes=(),
        solver="adamw",
        alpha=0.0,
        weight_decay=0.5,
        learning_rate_init=0.1,
        batch_size=batch_size,
        max_iter=2,
    )
    net.fit(X, y, coef_init=[coef], intercept_init=[[0.7]])
    n_steps = 2 * -(-150 // batch_size)
    assert_allclose(net.coefs_[0], coef * (1 - 0.1 * 0.5) ** n_steps, rtol=1e-12)
    plain = network(
        hidden_layer_sizes=(),
        alpha=0.0,
        learning_rate_init=0.1,
        batch_size=batch_size,
        max_iter=2,
    ).fit(X, y, coef_init=[coef], intercept_init=[[0.7]])
    assert_array_equal(net.intercepts_[0], plain.intercepts_[0])  # biases do not decay


def test_adamw_without_decay_is_adam(iris):
    net = network(solver="adamw", weight_decay=0.0).fit(*iris)
    assert_same_fit(net, network(solver="adam").fit(*iris))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_decay_reaches_every_weight_and_no_bias(iris, container):
    X, y = iris
    steps = {}
    for decay in (0.0, 0.5):
        net = network(
            solver="adamw",
            weight_decay=decay,
            learning_rate_init=0.1,
            max_iter=1,
            batch_size=150,
            hidden_layer_sizes=(5, 4),
        )
        steps[decay] = net.fit(container(X), y)
    start = network(
        hidden_layer_sizes=(5, 4), learning_rate=lambda fraction: 0.0, max_iter=1
    ).fit(container(X), y)
    for none, some, initial in zip(
        steps[0.0].coefs_, steps[0.5].coefs_, start.coefs_, strict=True
    ):
        assert_allclose(some - none, -0.1 * 0.5 * initial, atol=1e-12)
    for none, some in zip(steps[0.0].intercepts_, steps[0.5].intercepts_, strict=True):
        assert_array_equal(none, some)


# -- clipping --------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "adamw", "sgd"])
def test_a_limit_that_is_never_reached_changes_nothing(iris, solver):
    net = network(solver=solver, max_grad_norm=1e6).fit(*iris)
    assert_same_fit(net, network(solver=solver).fit(*iris))


def test_clipping_changes_the_step(iris):
    """Elsewhere gradients were clipped before they were there (pytabkit issue 34)."""
    X, y = iris
    parameters = {"solver": "sgd", "momentum": 0.0, "batch_size": 150, "max_iter": 1}
    start = network(**parameters, learning_rate=lambda fraction: 0.0).fit(X, y)
    free, held = (
        network(**parameters, learning_rate_init=0.1, max_grad_norm=limit).fit(X, y)
        for limit in (None, 0.05)
    )
    step, clipped = flat(free) - flat(start), flat(held) - flat(start)
    norm = np.linalg.norm(step) / 0.1
    assert norm > 0.1
    assert_allclose(np.linalg.norm(clipped), 0.1 * 0.05, rtol=1e-9)
    assert_allclose(clipped, step * 0.05 / norm, atol=1e-12)  # in the same direction
    for net in (free, held):  # the history has the norm from before
        assert net.history_["grad_norm"] == [pytest.approx(norm, rel=1e-9)]


def test_an_outlier_cannot_throw_the_weights_farther_than_its_step():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 3))
    y = (X[:, 0] > 0).astype(int)
    X[7], y[7] = [-1e4, 1e4, 1e4], 1
    parameters = {"solver": "sgd", "momentum": 0.0, "batch_size": 20}
    start = network(**parameters, learning_rate=lambda fraction: 0.0).fit(X, y)
    free, held = (
        network(**parameters, learning_rate_init=0.1, max_grad_norm=limit).fit(X, y)
        for limit in (None, 0.5)
    )
    farthest = 0.1 * 0.5 * 6 * 10  # learning rate, longest gradient, steps
    assert np.linalg.norm(flat(held) - flat(start)) <= farthest * (1 + 1e-12)
    assert np.linalg.norm(flat(free) - flat(start)) > 10 * farthest


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, "1"])
def test_bad_limits_are_refused(iris, value):
    with pytest.raises(ValueError, match="max_grad_norm"):
        network(max_grad_norm=value).fit(*iris)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fraction_of_range", [-0.95, -0.6, 0.0, 0.6, 0.95])
def test_gradients_of_any_size_are_clipped(dtype, fraction_of_range):
    """Their squares leave the type from half its range of exponents on."""
    size = 10.0 ** (fraction_of_range * np.log10(float(np.finfo(dtype).max)))
    direction = np.array([0.6, 0.0, -0.8])
    grad = (size * direction).astype(dtype)
    assert norm_of(grad) == pytest.approx(size, rel=1e-5)
    norm = clip(grad, max_norm=size / 4)
    assert norm == pytest.approx(size, rel=1e-5)
    np.testing.assert_allclose(grad, size / 4 * direction, rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_has_no_finite_norm(value):
    assert not np.isfinite(norm_of(np.array([1.0, value])))
    assert norm_of(np.zeros(3)) == 0.0


# -- augmentation ----------------------------------------------------------------------


def images(n_samples=90):
    rng = np.random.RandomState(0)
    return rng.rand(n_samples, 64), np.arange(n_samples) % 3


def unchanged(X, rng):
    """Nothing, with some random numbers drawn for it."""
    rng.random(100)
    return X


@pytest.mark.parametrize("batch_size", [20, 90])
@pytest.mark.parametrize("shuffle", [True, False])
def test_an_augmentation_that_does_nothing_changes_nothing(batch_size, shuffle):
    X, y = images()
    parameters = {"batch_size": batch_size, "shuffle": shuffle}
    net = network(**parameters, augment=unchanged).fit(X, y)
    plain = network(**parameters).fit(X, y)
    # Samples that are not augmented may be multiplied in another order of numbers.
    assert_allclose(flat(net), flat(plain), rtol=1e-9, atol=1e-12)
    for model in (net.set_params(augment=None), plain):
        model.partial_fit(X, y)  # which takes them in the order that comes next
    assert_allclose(flat(net), flat(plain), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch_size", [20, 90])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.usefixtures("memory_for_copies")
def test_each_batch_is_augmented_from_the_samples_as_they_are(batch_size, shuffle):
    """An augmentation may write into what it gets, and sees every sample each epoch."""
    X, y = images()
    X[:, 0] = np.arange(90)
    before = X.copy()
    seen = []

    def spoil(batch, rng):
        assert isinstance(rng, np.random.Generator)
        assert batch.shape[1] == 64
        seen.append(batch.copy())
        batch[...] = 0
        return batch

    net = network(batch_size=batch_size, shuffle=shuffle, augment=spoil).fit(X, y)
    assert_array_equal(X, before)
    assert {len(batch) for batch in seen} == {
        min(batch_size, 90),
        90 % batch_size or batch_size,
    }
    for epoch in np.split(np.concatenate(seen), 6):
        assert_array_equal(epoch[epoch[:, 0].argsort()], before)
    # The network has seen zeros only: nothing of X is in its first layer.
    start = network(learning_rate=lambda fraction: 0.0, alpha=0.0).fit(X, y)
    net = network(batch_size=batch_size, augment=spoil, alpha=0.0).fit(X, y)
    assert_array_equal(net.coefs_[0], start.coefs_[0])


def test_every_step_draws_anew_and_the_same_seed_draws_the_same():
    X, y = images()
    draws = []

    def noted(batch, rng):
        draws.append(rng.random())
        return batch

    for seed in (0, 0, 1):
        network(augment=noted, batch_size=30, random_state=seed).fit(X, y)
    first, again, other = np.split(np.array(draws), 3)
    assert_array_equal(first, again)
    assert len({*first, *other}) == 2 * len(first) == 2 * 3 * 6


@pytest.mark.parametrize(
    "augment", [RandomShift((8, 8)), RandomAffine((8, 8), shift=1)]
)
def test_calls_of_partial_fit_draw_as_the_epochs_of_fit(augment):
    X, y = images()
    net = network(augment=augment, batch_size=30)
    for _ in range(6):
        net.partial_fit(X, y, classes=[0, 1, 2])
        net = pickle.loads(pickle.dumps(net))
    assert_same_fit(net, network(augment=augment, batch_size=30).fit(X, y))


def test_augmentation_teaches_what_the_samples_do_not_show():
    """A bar is a bar wherever it stands."""
    rng = np.random.RandomState(0)
    X = np.zeros((200, 8, 8))
    y = np.arange(200) % 2
    X[y == 0, 3, 2:6] = 1  # lying
    X[y == 1, 2:6, 3] = 1  # standing
    X += 0.1 * rng.normal(size=X.shape)
    moved = np.roll(X, (2, 2), axis=(1, 2)).reshape(200, -1)
    X = X.reshape(200, -1)
    settings = {"hidden_layer_sizes": (50,), "max_iter": 60, "learning_rate_init": 0.01}
    plain = network(**settings).fit(X, y)
    shifted = network(**settings, augment=RandomShift((8, 8), 2)).fit(X, y)
    assert plain.score(X, y) == shifted.score(X, y) == 1
    assert plain.score(moved, y) < 0.9 < shifted.score(moved, y)


def test_augmentations_in_a_search():
    X, y = images()
    search = GridSearchCV(
        network(augment=RandomAffine((8, 8))),
        {"augment__rotation": [0, 10], "label_smoothing": [0.0, 0.1]},
        cv=2,
        n_jobs=2,
    )
    assert len(search.fit(X, y).cv_results_["params"]) == 4


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (lambda X, rng: X[:1], "returned an array of shape"),
        (lambda X, rng: X[:, :3], "returned an array of shape"),
        (lambda X, rng: None, "returned an array of shape"),
        (lambda X, rng: X.astype(str), "and type <U"),
        (RandomShift((4, 4)), "image_shape"),
        ("shift", "augment"),
    ],
    ids=["one row", "narrow", "nothing", "text", "other images", "no function"],
)
def test_bad_augmentations_are_refused(augment, message):
    X, y = images()
    with pytest.raises(ValueError, match=message):
        network(augment=augment, batch_size=30).fit(X, y)


@pytest.mark.parametrize(
    ("parameters", "container", "message"),
    [
        ({"solver": "lbfgs"}, np.asarray, "does not go with solver='lbfgs'"),
        ({}, sparse.csr_array, "needs a dense X"),
    ],
    ids=["lbfgs", "sparse"],
)
def test_where_augmentation_cannot_be_it_is_refused(parameters, container, message):
    X, y = images()
    net = network(augment=RandomShift((8, 8)), **parameters)
    with pytest.raises(ValueError, match=message):
        net.fit(container(X), y)
    assert not hasattr(net, "coefs_")


def test_clipping_by_lbfgs_is_refused(iris):
    with pytest.raises(ValueError, match="does not go with solver='lbfgs'"):
        network(solver="lbfgs", max_grad_norm=1.0).fit(*iris)


# -- in a search -----------------------------------------------------------------------

IN_A_SEARCH = {
    "class_weight": [None, "balanced"],
    "dropout": [0.0, 0.5],
    "input_dropout": [0.0, 0.5],
    "label_smoothing": [0.0, 0.3],
    "solver": ["adam", "adamw"],
    "max_grad_norm": [None, 1e-3],
    "augment__shift": [0, 3],
    "activation": ["relu", "silu"],
    "learning_rate": ["constant", "cosine"],
    "scoring": ["accuracy", "loss"],  # of the rows that early stopping holds out
}


@pytest.mark.parametrize("name", IN_A_SEARCH)
def test_a_search_reaches_every_feature_by_a_number_or_a_name(name):
    """And its candidates differ."""
    X, y = images()
    y = np.where(np.arange(90) < 60, y, 0)  # uneven classes
    net = network(learning_rate_init=0.02, early_stopping=name == "scoring")
    if name == "augment__shift":
        net.set_params(augment=RandomShift((8, 8)))
    search = GridSearchCV(net, {name: IN_A_SEARCH[name]}, cv=2, refit=False)
    search.set_params(scoring="neg_log_loss").fit(X, y)
    first, second = search.cv_results_["mean_test_score"]
    assert first != second


def test_large_batches_of_float16_are_finite():
    """Their sum is beyond float16, though no number is."""
    X, y = np.full((200, 784), 0.5), np.arange(200) % 3
    net = network(batch_size=200, max_iter=1, augment=lambda X, rng: X.astype("f2"))
    assert np.isfinite(net.fit(X, y).loss_)

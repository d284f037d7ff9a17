"""Early stopping: which rows are held out, and whose weights are kept."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_classification

from support import PLAIN_SGD, assert_same_weights, network, short

# With one feature per sample, X the identity matrix, the rows of the first layer's
# coefficients tell which samples were trained on.


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


@pytest.mark.parametrize(
    "labels", [["a", "b", "c"], [5, 1, 3], [True, False, False]], ids=str
)
@pytest.mark.parametrize("seed", range(3))
def test_the_held_out_samples_are_stratified(labels, seed):
    """Elsewhere three classes are not: the rarest may be missing."""
    counts = np.array([170, 20, 10])
    y = np.array(labels)[np.arange(3).repeat(counts)]
    y = np.random.RandomState(seed).permutation(y)
    net = network(**TRACED, early_stopping=True, random_state=seed, max_iter=1)
    held_out = untouched_samples(net, np.eye(200), y)
    for label in set(labels):
        assert np.sum(y[held_out] == label) == round(0.1 * np.sum(y == label))


def test_a_class_of_one_sample_is_trained_on():
    y = np.r_[np.zeros(60), np.ones(39), 2].astype(int)
    net = network(**TRACED, early_stopping=True, max_iter=1)
    with pytest.warns(UserWarning, match="one sample only"):
        held_out = untouched_samples(net, np.eye(100), y)
    assert len(held_out) == 10
    assert 99 not in held_out


@pytest.mark.parametrize(
    ("fraction", "n_rows", "message"),
    [(0.0, 150, "validation_fraction"), (0.5, 1, "1 sample")],
)
def test_a_split_that_cannot_be_made_changes_nothing(iris, fraction, n_rows, message):
    X, y = iris
    net = network().fit(X, y)
    before = net.predict_proba(X)
    net.set_params(early_stopping=True, validation_fraction=fraction)
    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(ValueError, match=message),
    ):
        net.fit(X[:n_rows], y[:n_rows])
    assert_array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize(
    ("fraction", "n_held_out"), [(1e-9, 1), (0.001, 1), (0.999, 149)]
)
@pytest.mark.filterwarnings("ignore:All samples of these classes are held out")
@pytest.mark.filterwarnings("ignore:batch_size=40 is more than the 1 training")
def test_one_row_is_enough_on_either_side(fraction, n_held_out):
    """A single validation row crashes MLPClassifier (scikit-learn issue 24713)."""
    net = network(
        **TRACED, early_stopping=True, validation_fraction=fraction, max_iter=1
    )
    held_out = untouched_samples(net, np.eye(150), np.repeat([0, 1, 2], 50))
    assert len(held_out) == n_held_out


@short
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_warm_start_keeps_the_held_out_samples(n_classes):
    """Elsewhere they are drawn again, from samples that were trained on."""
    y = np.arange(120) % n_classes
    # A feature for each sample, and one for each class to learn from.
    X = np.hstack([np.eye(120), 2 * np.eye(n_classes)[y]])
    net = network(
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


def test_a_new_split_begins_a_new_history(iris):
    """A best score must not come from samples that are no longer held out."""
    X, y = iris
    net = network(early_stopping=True, warm_start=True, max_iter=60).fit(X, y)
    net.set_params(max_iter=1).fit(X[::2], 2 - y[::2])  # all that it knows is wrong
    assert len(net.validation_scores_) == 1
    assert net.best_validation_score_ == net.validation_scores_[0] < 0.7


# -- the weights that are kept ---------------------------------------------------------


@pytest.mark.parametrize("max_iter", [1, 2, 30])
def test_the_restored_weights_are_those_that_scored_best(max_iter):
    """Elsewhere they are those of the epoch after (Keras issue 20323)."""
    X, y = make_classification(
        200, n_features=200, n_informative=2, flip_y=0.1, random_state=0
    )
    # Multiples of a basis: what is trained on shows in the coefficients.
    X = np.eye(200) * (1 + np.abs(X[:, :1]))
    net = network(
        **TRACED, early_stopping=True, validation_fraction=0.3, max_iter=max_iter
    )
    held_out = untouched_samples(net, X, y)
    assert len(held_out) == 60
    assert net.score(X[held_out], y[held_out]) == net.best_validation_score_
    assert net.best_validation_score_ == max(net.validation_scores_)


@short
def test_of_equal_scores_the_first_is_kept(iris):
    X, y = iris
    net = network(early_stopping=True, max_iter=40, batch_size="auto")
    net.set_params(learning_rate_init=0.05).fit(X, y)
    best = np.flatnonzero(net.validation_scores_ == np.max(net.validation_scores_))
    assert len(best) > 1  # or there is nothing to see here
    assert_same_weights(net, clone(net).set_params(max_iter=int(best[0]) + 1).fit(X, y))


def test_the_best_loss_is_that_of_the_curve_or_none_with_early_stopping(iris):
    net = network(warm_start=True).fit(*iris)
    assert net.best_loss_ == min(net.loss_curve_)
    assert net.set_params(early_stopping=True).fit(*iris).best_loss_ is None

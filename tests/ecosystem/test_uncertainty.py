"""MAPIE's intervals and sets, cleanlab's doubts about labels."""

import numpy as np
import pytest
from cleanlab.classification import CleanLearning
from cleanlab.filter import find_label_issues
from mapie.classification import SplitConformalClassifier
from mapie.regression import (
    ConformalizedQuantileRegressor,
    CrossConformalRegressor,
    SplitConformalRegressor,
)
from sklearn.model_selection import cross_val_predict

from sknet import ScratchMLPClassifier
from support import network, regressor


@pytest.fixture(scope="module")
def curve():
    """Noisy values of a curve: 600 to train on, 600 to conformalize, 2000 new ones."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, size=(3200, 1))
    y = np.sin(X[:, 0]) + rng.normal(size=3200) * (0.1 + 0.1 * abs(X[:, 0]))
    return [(X[part], y[part]) for part in np.split(np.arange(3200), [600, 1200])]


def coverage(intervals, y):
    low, high = intervals[:, 0, 0], intervals[:, 1, 0]
    return np.mean((low <= y) & (y <= high))


def test_split_conformal_intervals_cover_what_they_promise(curve):
    train, conform, (X, y) = curve
    net = regressor(max_iter=50).fit(*train)
    mapie = SplitConformalRegressor(net, confidence_level=0.9, prefit=True)
    mapie.conformalize(*conform)
    points, intervals = mapie.predict_interval(X)
    np.testing.assert_array_equal(points, net.predict(X))
    assert coverage(intervals, y) == pytest.approx(0.9, abs=0.03)


def test_cross_conformal_intervals_cover_what_they_promise(curve):
    train, _, (X, y) = curve
    mapie = CrossConformalRegressor(regressor(max_iter=50), confidence_level=0.9)
    mapie.fit_conformalize(*train)
    _, intervals = mapie.predict_interval(X)
    assert coverage(intervals, y) == pytest.approx(0.9, abs=0.04)


def test_conformalized_quantiles_cover_what_they_promise(curve):
    train, conform, (X, y) = curve
    nets = [
        regressor(max_iter=50, loss="quantile", quantile=q).fit(*train)
        for q in (0.05, 0.95, 0.5)
    ]
    mapie = ConformalizedQuantileRegressor(nets, confidence_level=0.9, prefit=True)
    mapie.conformalize(*conform)
    _, intervals = mapie.predict_interval(X)
    assert coverage(intervals, y) == pytest.approx(0.9, abs=0.03)
    widths = np.ptp(intervals[:, :, 0], axis=1)
    noisy = abs(X[:, 0]) > 2  # where y is noisier, intervals are wider
    assert widths[noisy].mean() > 1.5 * widths[~noisy].mean()


def test_conformal_sets_hold_the_class_as_often_as_they_promise(digits):
    X, y = digits[0] / 16, digits[1]
    net = network(max_iter=3).fit(X[:600], y[:600])  # poor, so that sets have a use
    mapie = SplitConformalClassifier(net, confidence_level=0.9, prefit=True)
    mapie.conformalize(X[600:1200], y[600:1200])
    guesses, sets = mapie.predict_set(X[1200:])
    np.testing.assert_array_equal(guesses, net.predict(X[1200:]))
    held = sets[np.arange(len(sets)), y[1200:], 0]
    assert held.mean() == pytest.approx(0.9, abs=0.05)


@pytest.fixture(scope="module")
def mislabelled(digits):
    """Digits, one in ten of which has the next digit as its label; and which ones."""
    X, y = digits[0] / 16, digits[1]
    wrong = np.arange(len(y)) % 10 == 0
    return X, np.where(wrong, (y + 1) % 10, y), wrong


def assert_finds(found, wrong):
    """Most of the wrong labels, and many more of them than chance: one in ten."""
    assert found[wrong].mean() > 0.8
    assert wrong[found].mean() > 0.6


def test_cleanlab_finds_wrong_labels_by_a_networks_probabilities(mislabelled):
    X, labels, wrong = mislabelled
    net = ScratchMLPClassifier((30,), max_iter=30, learning_rate_init=0.01)
    net.set_params(tol=0, n_iter_no_change=np.inf, random_state=0)
    probabilities = cross_val_predict(net, X, labels, method="predict_proba")
    found = find_label_issues(labels, probabilities)
    assert_finds(found, wrong)
    cleaned = CleanLearning(net, cv_n_folds=3).fit(X, labels)
    found = cleaned.get_label_issues()["is_label_issue"].to_numpy()
    assert_finds(found, wrong)
    truth = np.where(wrong, (labels - 1) % 10, labels)
    assert cleaned.score(X, truth) > 0.95

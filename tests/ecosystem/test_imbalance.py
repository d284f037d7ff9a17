"""imbalanced-learn and fairlearn: classes and groups that are not treated alike."""

import numpy as np
import pytest
from fairlearn.metrics import demographic_parity_difference
from fairlearn.postprocessing import ThresholdOptimizer
from fairlearn.reductions import DemographicParity, ExponentiatedGradient
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import clone
from sklearn.metrics import recall_score

from sknet import ScratchMLPClassifier
from support import assert_same_weights, network


@pytest.fixture(scope="module")
def rare():
    """Two overlapping classes, the second of which has 5 % of 1000 samples."""
    rng = np.random.default_rng(0)
    y = np.arange(1000) % 20 == 0
    return rng.normal(size=(1000, 2)) + 1.5 * y[:, None], y.astype(int)


@pytest.mark.parametrize("sampler", [RandomUnderSampler, RandomOverSampler])
def test_a_network_in_a_pipeline_trains_on_the_samples_drawn(rare, sampler):
    X, y = rare
    sampler, net = sampler(random_state=0), network(max_iter=20)
    drawn = clone(net).fit(*sampler.fit_resample(X, y))
    piped = make_pipeline(sampler, net).fit(X, y)
    assert_same_weights(piped[-1], drawn)
    assert len(piped.predict(X)) == len(y)
    plain = clone(net).fit(X, y)
    assert recall_score(y, piped.predict(X)) > recall_score(y, plain.predict(X)) + 0.2


def test_balanced_bagging_averages_networks_that_see_both_classes_alike(rare):
    X, y = rare
    bagging = BalancedBaggingClassifier(network(max_iter=20), n_estimators=3)
    bagging.set_params(random_state=0).fit(X, y)
    members = [member.predict_proba(X) for member in bagging.estimators_]
    np.testing.assert_allclose(bagging.predict_proba(X), np.mean(members, axis=0))
    # Balanced classes make the mean probability of the rare one far larger.
    assert bagging.predict_proba(X)[:, 1].mean() > 3 * y.mean()


@pytest.fixture(scope="module")
def unfair():
    """X, y, and a group of which most samples have y = 1."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, size=600)
    X = np.column_stack([rng.normal(size=600) + group, group])
    return X, (X[:, 0] + 0.3 * rng.normal(size=600) > 0.5).astype(int), group


def test_fairlearn_finds_networks_that_select_both_groups_alike(unfair):
    X, y, group = unfair
    net = ScratchMLPClassifier((5,), max_iter=30, learning_rate_init=0.02, tol=0)
    net.set_params(n_iter_no_change=np.inf, random_state=0)
    before = clone(net).fit(X, y).predict(X)
    fair = ExponentiatedGradient(net, DemographicParity(), max_iter=10)
    after = fair.fit(X, y, sensitive_features=group).predict(X, random_state=0)
    gaps = [
        demographic_parity_difference(y, guess, sensitive_features=group)
        for guess in (before, after)
    ]
    assert gaps[0] > 0.3
    assert gaps[1] < gaps[0] / 2


def test_fairlearn_moves_the_thresholds_of_a_fitted_network(unfair):
    X, y, group = unfair
    net = network(max_iter=30).fit(X, y)
    moved = ThresholdOptimizer(
        estimator=net, prefit=True, predict_method="predict_proba"
    ).fit(X, y, sensitive_features=group)
    after = moved.predict(X, sensitive_features=group, random_state=0)
    gap = demographic_parity_difference(y, after, sensitive_features=group)
    assert gap < 0.1

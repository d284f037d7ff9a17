"""Inside scikit-learn's own estimators that take another one."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    HalvingGridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils.fixes import parse_version

from sknet import ScratchMLPClassifier
from support import NAMES, assert_same_weights, network, regressor

version = parse_version(sklearn.__version__)


@pytest.fixture(scope="module")
def rare():
    """Two overlapping classes, "no" and "yes", the second with a tenth of 500."""
    rng = np.random.default_rng(0)
    yes = np.arange(500) % 10 == 0
    X = rng.normal(size=(500, 2)) + 1.5 * yes[:, None]
    return X, np.where(yes, "yes", "no")


# -- calibration and thresholds --------------------------------------------------------


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
def test_calibration_keeps_the_order_of_the_scores(rare, method):
    if method == "temperature" and version < parse_version("1.8"):
        pytest.skip("new in scikit-learn 1.8")
    X, y = rare
    net = network(max_iter=20).fit(X[:250], y[:250])
    calibrated = CalibratedClassifierCV(FrozenEstimator(net), method=method)
    probability = calibrated.fit(X[250:], y[250:]).predict_proba(X)
    assert_allclose(probability.sum(axis=1), 1)
    ordered = probability[np.argsort(net.decision_function(X)), 1]
    assert np.all(np.diff(ordered) >= -1e-12)


def test_a_fixed_threshold_is_one_on_the_probability_or_on_the_raw_output(rare):
    X, y = rare
    net = network(max_iter=20).fit(X, y)
    at = {"predict_proba": net.predict_proba(X)[:, 1]}
    at["decision_function"] = net.decision_function(X)
    for method, scores in at.items():
        threshold = np.quantile(scores, 0.7)
        moved = FixedThresholdClassifier(
            FrozenEstimator(net), threshold=threshold, response_method=method
        )
        guesses = np.where(scores >= threshold, "yes", "no")
        assert_array_equal(moved.fit(X, y).predict(X), guesses)


def test_a_tuned_threshold_is_better_by_its_own_measure(rare):
    X, y = rare
    net = network(max_iter=20).fit(X, y)
    tuned = TunedThresholdClassifierCV(
        FrozenEstimator(net), scoring="balanced_accuracy", cv="prefit", refit=False
    ).fit(X, y)
    before, after = (
        balanced_accuracy_score(y, model.predict(X)) for model in (net, tuned)
    )
    assert after > before + 0.1
    assert 0 < tuned.best_threshold_ < 0.5


# -- ensembles -------------------------------------------------------------------------


def test_stacking_gets_the_probabilities_of_each_network(iris):
    X, y = iris
    nets = [network(random_state=seed).fit(X, y) for seed in range(2)]
    members = [(str(i), net) for i, net in enumerate(nets)]
    stack = StackingClassifier(members, network(), cv="prefit").fit(X, y)
    by_hand = np.hstack([net.predict_proba(X) for net in nets])
    assert_array_equal(stack.transform(X), by_hand)
    again = StackingClassifier(members, network(max_iter=30)).fit(X, NAMES[y])
    assert again.score(X, NAMES[y]) > 0.9


def test_stacking_gets_the_estimates_of_each_network(iris):
    X, y = iris[0][:, :3], iris[0][:, 3]
    nets = [regressor(random_state=seed).fit(X, y) for seed in range(2)]
    members = [(str(i), net) for i, net in enumerate(nets)]
    stack = StackingRegressor(members, regressor(), cv="prefit").fit(X, y)
    assert_array_equal(stack.transform(X).T, [net.predict(X) for net in nets])


def test_bagging_averages_its_networks(iris):
    X, y = iris
    bagging = BaggingClassifier(network(), n_estimators=3, random_state=0).fit(X, y)
    members = [net.predict_proba(X) for net in bagging.estimators_]
    assert_allclose(bagging.predict_proba(X), np.mean(members, axis=0))
    assert abs(members[0] - members[1]).max() > 1e-3
    numbers = BaggingRegressor(regressor(), n_estimators=3, random_state=0)
    numbers.fit(X[:, :3], X[:, 3])
    members = [net.predict(X[:, :3]) for net in numbers.estimators_]
    assert_allclose(numbers.predict(X[:, :3]), np.mean(members, axis=0))


def test_boosting_weights_the_samples(rare):
    X, y = rare
    boosted = AdaBoostClassifier(network(), n_estimators=3, random_state=0).fit(X, y)
    weights = np.full(len(y), 1 / len(y))
    assert len(boosted.estimators_) >= 1
    first = clone(boosted.estimators_[0]).fit(X, y, sample_weight=weights)
    assert_same_weights(boosted.estimators_[0], first)


# -- several outputs -------------------------------------------------------------------


def test_one_network_for_each_output(multilabel):
    X, Y = multilabel
    many = MultiOutputClassifier(network()).fit(X, Y)
    assert_same_weights(many.estimators_[2], network().fit(X, Y[:, 2]))
    in_parts = MultiOutputClassifier(network())
    in_parts.partial_fit(X, Y, classes=[[0, 1]] * 4)
    alone = network().partial_fit(X, Y[:, 2], classes=[0, 1])
    assert_same_weights(in_parts.estimators_[2], alone)
    numbers = MultiOutputRegressor(regressor()).fit(X, X[:, :2])
    assert_same_weights(numbers.estimators_[1], regressor().fit(X, X[:, 1]))


def test_chains_pass_each_output_on(multilabel):
    X, Y = multilabel
    chain = ClassifierChain(network(), order=[1, 0, 2, 3]).fit(X, Y)
    second = network().fit(np.column_stack([X, Y[:, 1]]), Y[:, 0])
    assert_same_weights(chain.estimators_[1], second)
    numbers = RegressorChain(regressor()).fit(X, X[:, :2])
    second = regressor().fit(np.column_stack([X, X[:, 0]]), X[:, 1])
    assert_same_weights(numbers.estimators_[1], second)


def test_one_network_for_each_class(iris):
    X, y = iris
    rest = OneVsRestClassifier(network(max_iter=30)).fit(X, y)
    one = network(max_iter=30).fit(X, (y == 1).astype(int))
    assert_same_weights(rest.estimators_[1], one)
    assert_allclose(rest.decision_function(X)[:, 1], one.decision_function(X))


def test_transformed_targets_come_back_in_their_own_units(iris):
    X, y = iris[0][:, :3], 1e3 * iris[0][:, 3]
    scaled = TransformedTargetRegressor(regressor(), transformer=StandardScaler())
    unit = StandardScaler().fit_transform(y[:, None])[:, 0]
    by_hand = regressor().fit(X, unit).predict(X) * y.std() + y.mean()
    assert_allclose(scaled.fit(X, y).predict(X), by_hand)


# -- few labels, many looks ------------------------------------------------------------


def test_self_training_labels_most_of_what_has_no_label(digits):
    X, y = digits[0] / 16, digits[1]
    known = np.arange(len(y)) % 5 == 0
    net = ScratchMLPClassifier((30,), max_iter=40, learning_rate_init=0.01, tol=0)
    net.set_params(n_iter_no_change=np.inf, random_state=0)
    trained = SelfTrainingClassifier(net, threshold=0.9, max_iter=2)
    trained.fit(X, np.where(known, y, -1))
    assert_array_equal(trained.classes_, range(10))
    added = (trained.transduction_ != -1) & ~known
    assert added.sum() > 500
    assert (trained.transduction_[added] == y[added]).mean() > 0.95


def test_inspection_tells_what_a_network_makes_of_a_feature():
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = (X[:, 1] > 0).astype(int)
    net = network(max_iter=30).fit(X, y)
    importances = permutation_importance(net, X, y, random_state=0).importances_mean
    assert importances.argmax() == 1
    grid = partial_dependence(net, X, [1], grid_resolution=5, kind="average")
    for value, average in zip(grid["grid_values"][0], grid["average"][0], strict=True):
        moved = X.copy()
        moved[:, 1] = value
        assert average == pytest.approx(net.predict_proba(moved)[:, 1].mean())


def test_a_learning_curve_may_go_on_from_point_to_point(iris):
    X, y = iris
    sizes, _, scores = learning_curve(
        network(batch_size=10),
        X,
        y,
        exploit_incremental_learning=True,
        shuffle=True,
        random_state=0,
    )
    assert scores.shape == (len(sizes), 5)
    assert np.isfinite(scores).all()


# -- searches --------------------------------------------------------------------------


def test_a_halving_search_trains_the_better_half_for_longer(iris):
    """``max_iter`` is what they get more of; each score is that of a plain fit."""
    X, y = iris
    net = network(learning_rate_init=0.01)
    search = HalvingGridSearchCV(
        net,
        {"hidden_layer_sizes": [(1,), (3,), (6,)], "alpha": [1e-4, 1e-1, 10.0]},
        resource="max_iter",
        min_resources=2,
        max_resources=18,
        factor=3,
        cv=3,
        random_state=0,
    ).fit(X, y)
    results = search.cv_results_
    assert search.n_resources_ == [2, 6, 18]
    assert search.n_candidates_ == [9, 3, 1]
    for i in 0, 9, 12:  # the first of each round
        trained = clone(net).set_params(
            **{**results["params"][i], "max_iter": results["n_resources"][i]}
        )
        scores = cross_val_score(trained, X, y, cv=3)
        assert results["mean_test_score"][i] == scores.mean()
    assert search.best_estimator_.n_iter_ == 18

"""A single class in y: a warning, and a model that always predicts it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, VotingClassifier
from sklearn.model_selection import TimeSeriesSplit, cross_val_predict, cross_val_score
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.utils.estimator_checks import (
    check_classifiers_one_label,
    check_classifiers_one_label_sample_weights,
)

from sknet import ScratchMLPClassifier, check_gradients

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
one_class = pytest.mark.filterwarnings("ignore:y contains only one class")


def network(**parameters):
    defaults = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
    return ScratchMLPClassifier(**{**defaults, **parameters})


PARAMETERS = [
    {},
    {"solver": "sgd", "learning_rate_init": 10.0},
    {"solver": "lbfgs"},
    {"hidden_layer_sizes": ()},
    {"label_smoothing": 0.3},
    {"dropout": 0.5},
    {"early_stopping": True},
    {"out_activation": "softmax"},
    {"out_activation": "logistic"},
    {"class_weight": "balanced"},
    {"class_weight": {"yes": 2.0, "no": 3.0}},
    {"dtype": "float32"},
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_the_only_class_is_certain(iris, parameters):
    X, _ = iris
    net = network(**parameters)
    with pytest.warns(UserWarning, match=r"only one class, \['yes'\]"):
        net.fit(X, ["yes"] * 150)
    assert_array_equal(net.classes_, ["yes"])
    assert_array_equal(net.predict(X), ["yes"] * 150)
    assert_array_equal(net.predict_proba(X), np.ones((150, 1)))
    assert_array_equal(net.predict_log_proba(X), np.zeros((150, 1)))
    assert net.decision_function(X).shape == (150, 1)
    assert net.predict_proba(X).dtype == net.coefs_[0].dtype
    assert net.n_outputs_ == 1
    assert net.out_activation_ == "softmax"
    assert net.score(X, ["yes"] * 150) == 1.0
    assert not any(net.history_["loss"])  # -log 1


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_nothing_is_learned_of_certain_samples(iris, parameters):
    X, _ = iris
    few = network(alpha=0.0, **parameters)
    with pytest.warns(UserWarning, match="only one class"):
        few.fit(X, ["yes"] * 150)
    many = clone(few).set_params(max_iter=1)
    with pytest.warns(UserWarning, match="only one class"):
        many.fit(X, ["yes"] * 150)
    for W, same in zip(few.coefs_, many.coefs_, strict=True):
        assert_array_equal(W, same)


@one_class
@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
def test_the_gradient_is_that_of_the_penalty(iris, out_activation):
    X, _ = iris
    net = network(alpha=1.0, out_activation=out_activation, label_smoothing=0.2)
    net.fit(X, np.zeros(150))
    assert check_gradients(net, X, np.zeros(150)).max_relative_error < 1e-6


def test_classes_of_partial_fit(iris):
    X, _ = iris
    net = network()
    with pytest.warns(UserWarning, match=r"^classes contains only one class, \[3\]"):
        net.partial_fit(X, np.full(150, 3), classes=[3])
    net.partial_fit(X, np.full(150, 3))  # told once
    assert_array_equal(net.predict_proba(X), np.ones((150, 1)))
    with pytest.raises(ValueError, match=r"labels \[4\].* not among the classes \[3\]"):
        net.partial_fit(X, np.full(150, 4))


def test_two_classes_of_which_one_has_come_are_two(iris, recwarn):
    X, _ = iris
    net = network().partial_fit(X, np.zeros(150, int), classes=[0, 1])
    assert net.predict_proba(X).shape == (150, 2)
    assert not recwarn


@one_class
def test_a_warm_start_goes_on_with_the_class_alone(iris):
    X, y = iris
    net = network(warm_start=True).fit(X, y * 0).fit(X, y * 0)
    assert len(net.loss_curve_) == 10
    with pytest.raises(ValueError, match=r"y has \[0, 1, 2\], the model \[0\]"):
        net.fit(X, y)


@one_class
def test_a_constant_column_of_several_outputs(iris):
    X, y = iris
    Y = np.column_stack([y == 0, np.ones(150)]).astype(int)
    for wrapper in MultiOutputClassifier, ClassifierChain:
        model = wrapper(network(learning_rate_init=0.1, max_iter=50)).fit(X, Y)
        assert_array_equal(model.predict(X), Y)


@one_class
def test_a_fold_of_a_time_series_may_have_one_class(iris):
    X, y = iris
    folds = TimeSeriesSplit(5)  # y is sorted: the first two are class 0
    scores = cross_val_score(network(), X, y, cv=folds, error_score="raise")
    assert scores[0] == 1.0
    assert scores[1] == 0.0  # class 1 only


@one_class
def test_probabilities_of_a_fold_without_a_class_are_0(iris):
    X, y = iris
    folds = [
        (np.arange(100, 150), np.arange(100)),
        (np.arange(100), np.arange(100, 150)),
    ]
    with pytest.warns(RuntimeWarning, match="Number of classes in training fold"):
        h = cross_val_predict(network(), X, y, cv=folds, method="predict_proba")
    assert_array_equal(h[:100], np.tile([0.0, 0.0, 1.0], (100, 1)))


@one_class
@pytest.mark.parametrize("seed", range(4))
def test_bags_that_miss_the_only_positive(seed):
    X = np.random.default_rng(0).normal(size=(300, 3))
    y = (np.arange(300) == 7).astype(int)
    bags = BaggingClassifier(network(max_iter=2), 5, random_state=seed).fit(X, y)
    assert bags.predict_proba(X).shape == (300, 2)


def test_classes_are_those_of_all_of_y_whatever_their_weights(iris):
    X, y = iris
    weights = (y == 1).astype(float)
    net = network(max_iter=200, learning_rate_init=0.1).fit(X, y, weights)
    assert_array_equal(net.classes_, [0, 1, 2])
    assert_array_equal(net.predict(X[y == 1]), y[y == 1])
    votes = VotingClassifier(
        [("a", network()), ("b", network(random_state=1))], voting="soft"
    ).fit(X, y, sample_weight=weights)
    assert votes.predict_proba(X).shape == (150, 3)


@one_class
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_checks_of_scikit_learn(solver):
    net = network(solver=solver)
    check_classifiers_one_label("ScratchMLPClassifier", net)
    net.set_params(max_iter=200)
    check_classifiers_one_label_sample_weights("ScratchMLPClassifier", net)

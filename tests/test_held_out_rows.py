"""Validation sets of few rows, or without a class, and what a scorer is given."""

from inspect import signature

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import brier_score_loss, make_scorer

from sknet import ScratchMLPClassifier
from sknet._sklearn.validation import split_rows

pl = pytest.importorskip("polars")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network(**parameters):
    defaults = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    return ScratchMLPClassifier(**{**defaults, **parameters})


def noise(n_samples, n_features=3):
    return np.random.default_rng(0).normal(size=(n_samples, n_features))


# -- few rows, many classes --------------------------------------------------------

FEW = {
    "ten classes of two": (np.arange(20) % 10, 0.6),
    "two classes of one": ([0, 1, 2, 0], 0.5),
    "two classes of one, most held out": ([0, 1, 2, 0], 0.6),
    "all classes of one": (np.arange(20), 0.1),
    "two rows": ([0, 1], 0.1),
    "two rows, nearly all held out": ([0, 1], 0.999),
    "hardly any row held out": (np.arange(150) % 3, 0.001),
    "nearly all held out": (np.arange(150) % 3, 0.999),
}


@pytest.mark.parametrize("name", FEW)
@pytest.mark.filterwarnings("ignore:These classes have one sample only")
@pytest.mark.filterwarnings("ignore:All samples of these classes are held out")
def test_early_stopping_trains_if_a_row_can_be_held_out(name):
    y, fraction = FEW[name]
    X = noise(len(y))
    net = network(early_stopping=True, validation_fraction=fraction).fit(X, y)
    assert len(net.validation_scores_) == net.n_iter_ == 3
    assert net.t_ < 3 * len(y)  # some were held out


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_classes", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5, 0.6, 0.9, 0.99])
def test_every_row_is_on_one_side_and_classes_on_both_where_they_can_be(
    seed, n_classes, fraction
):
    rng = np.random.RandomState(seed)
    y = rng.randint(n_classes, size=20)
    training, held_out = split_rows(len(y), y, fraction, rng)
    assert_array_equal(np.sort(np.concatenate([training, held_out])), np.arange(20))
    assert min(len(training), len(held_out)) > 0
    counts = np.bincount(y)
    repeated = np.flatnonzero(counts > 1)
    # A class of one row is trained on as long as there are others to hold out.
    assert not set(np.flatnonzero(counts == 1)) & set(y[held_out])
    n_rows = counts[repeated].sum()
    n_held = int(np.ceil(fraction * n_rows))
    if len(repeated) <= min(n_held, n_rows - n_held):
        assert set(repeated) == set(y[held_out])
        assert set(range(len(counts))) & set(y) == set(y[training])


def test_classes_on_one_side_are_named():
    X, names = noise(4), np.array(["ash", "beech", "cedar"])
    net = network(early_stopping=True, validation_fraction=0.5)
    with pytest.warns(UserWarning, match=r"one sample only.*\['beech', 'cedar'\]"):
        net.fit(X, names[[0, 1, 2, 0]])
    net = network(early_stopping=True, validation_fraction=0.6)
    with pytest.warns(UserWarning, match="All samples of these classes") as warned:
        net.fit(noise(20), np.array(list("abcdefghij"))[np.arange(20) % 10])
    messages = [str(one.message) for one in warned]
    (message,) = [one for one in messages if "none trained on" in one]
    # The classes named are those that no training row has.
    _, y = np.unique(np.arange(20) % 10, return_inverse=True)
    training, _ = split_rows(len(y), y, 0.6, _after_weights(net, 3, 10))
    missing = sorted(set("abcdefghij") - {"abcdefghij"[one] for one in y[training]})
    assert missing
    assert f"none trained on: {missing}. " in message


def _after_weights(net, n_features, n_outputs):
    """The random stream as it is once the initial weights were drawn."""
    rng = np.random.RandomState(net.random_state)
    for fan_in, fan_out in (n_features, 4), (4, n_outputs):
        rng.uniform(size=(fan_in, fan_out))
        rng.uniform(size=fan_out)
    return rng


@pytest.mark.parametrize(
    ("y", "fraction"), [([0], 0.5), (np.arange(30) % 2, 0.0)], ids=["one row", "zero"]
)
@pytest.mark.filterwarnings("ignore:y contains only one class")
def test_where_no_row_can_be_held_out_the_remedy_is_named(y, fraction):
    net = network(early_stopping=True, validation_fraction=fraction)
    with pytest.raises(ValueError, match=r"of \d+ samples, which is none"):
        net.fit(noise(len(y)), y)
    assert not hasattr(net, "classes_")


# -- a class that the set lacks ----------------------------------------------------


@pytest.mark.parametrize(
    "scoring",
    ["neg_log_loss", "neg_brier_score", "top_k_accuracy", "roc_auc_ovo"],
)
@pytest.mark.parametrize("names", [np.arange(3), np.array(["a", "b", "c"])])
def test_a_metric_that_takes_labels_is_told_them(iris, scoring, names):
    X, y = iris
    if scoring == "neg_brier_score" and not _takes_labels():
        pytest.skip("brier_score_loss is for two classes before scikit-learn 1.7")
    net = network(scoring=scoring)
    net.fit(X, names[y], X_val=X[:100], y_val=names[y[:100]])
    assert len(net.validation_scores_) == 3


def _takes_labels():
    return "labels" in signature(brier_score_loss).parameters


def test_the_log_loss_of_a_set_without_a_class_is_right(iris):
    X, y = iris
    net = network(scoring="neg_log_loss").fit(X, y, X_val=X[:100], y_val=y[:100])
    h = net.predict_proba(X[:100])
    right = np.log(h[np.arange(100), y[:100]]).mean()
    assert_allclose(net.best_validation_score_, right)


def test_held_out_rows_may_lack_a_class():
    y = np.array([0] * 60 + [1] * 60 + [2] * 3)
    net = network(early_stopping=True, scoring="neg_log_loss").fit(noise(123, 4), y)
    assert_allclose(net.validation_scores_, -np.array(net.history_["val_loss"]))


def test_labels_that_the_user_gave_stay(iris):
    X, y = iris
    seen = []

    def metric(y_true, h, *, labels=None):
        seen.append(labels)
        return 1.0

    own = make_scorer(metric, response_method="predict_proba", labels=[2, 1, 0])
    network(scoring=own).fit(X, y, X_val=X, y_val=y)
    assert seen == [[2, 1, 0]] * 3
    seen.clear()
    of_classes = make_scorer(metric, response_method="predict")  # to average over
    network(scoring=of_classes).fit(X, y, X_val=X, y_val=y)
    assert seen == [None] * 3


@pytest.mark.parametrize("name", ["roc_auc_ovr", "average_precision"])
@pytest.mark.filterwarnings("ignore:Only one class is present in y_true")
def test_else_the_class_and_the_remedy_are_named(iris, name):
    X, y = iris
    names = np.array(["a", "b", "c"])
    net = network(scoring=name)
    with pytest.raises(ValueError, match=r"scoring='loss'.* of the class 'c', which"):
        net.fit(X, names[y], X_val=X[:100], y_val=names[y[:100]])


# -- frames ------------------------------------------------------------------------

COLUMNS = ["length", "width", "petal length", "petal width"]
FRAMES = {
    "pandas": lambda X: pd.DataFrame(X, columns=COLUMNS),
    "polars": lambda X: pl.DataFrame(np.array(X), schema=COLUMNS),
}


class Scorer:
    """Accuracy, and what it was called with."""

    def __init__(self):
        self.X = []

    def __call__(self, net, X, y, sample_weight=None):
        self.X.append(X)
        return float((net.predict(X) == y).mean())


@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("how", ["X_val", "weights of 0", "held out"])
def test_a_scorer_gets_the_rows_of_the_frame(iris, kind, how):
    X, y = iris
    frame, scorer = FRAMES[kind](X), Scorer()
    net = network(scoring=scorer)
    if how == "X_val":
        net.fit(frame, y, X_val=frame, y_val=y)
    elif how == "weights of 0":
        w = np.arange(150) % 2
        net.fit(frame, y, X_val=frame, y_val=y, sample_weight_val=w)
    else:
        w = (np.arange(150) >= 20).astype(float)
        net.set_params(early_stopping=True).fit(frame, y, w)
    given = scorer.X[0]
    assert type(given) is type(frame)
    assert list(given.columns) == COLUMNS
    rows = {tuple(row) for row in np.asarray(given)}
    if how == "X_val":
        assert_array_equal(np.asarray(given), X)
    elif how == "weights of 0":
        assert_array_equal(np.asarray(given), X[1::2])
    else:
        assert len(given) == 13
        assert rows <= {tuple(row) for row in X[20:]}


@pytest.mark.parametrize("kind", FRAMES)
def test_the_score_by_a_frame_is_that_by_an_array(iris, kind):
    X, y = iris
    frame = FRAMES[kind](X)
    by_frame = network(early_stopping=True, scoring="neg_log_loss").fit(frame, y)
    by_array = network(early_stopping=True, scoring="neg_log_loss").fit(X, y)
    assert_array_equal(by_frame.validation_scores_, by_array.validation_scores_)

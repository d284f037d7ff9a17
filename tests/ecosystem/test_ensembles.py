"""mlxtend, skrub and river: votes, tables, and one sample at a time."""

import numpy as np
import pandas as pd
from mlxtend.classifier import EnsembleVoteClassifier, StackingCVClassifier
from mlxtend.evaluate import bias_variance_decomp
from mlxtend.feature_selection import SequentialFeatureSelector
from river import compat, stream
from sklearn.linear_model import LogisticRegression
from skrub import TableVectorizer, tabular_pipeline

from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from support import network, regressor


def test_mlxtend_averages_the_probabilities_of_fitted_networks(iris):
    X, y = iris
    nets = [network(random_state=seed).fit(X, y) for seed in range(3)]
    vote = EnsembleVoteClassifier(nets, voting="soft", fit_base_estimators=False)
    averaged = np.mean([net.predict_proba(X) for net in nets], axis=0)
    np.testing.assert_allclose(vote.fit(X, y).predict_proba(X), averaged)


def test_mlxtend_stacks_networks(iris):
    X, y = iris
    stack = StackingCVClassifier(
        [network(max_iter=30), network(max_iter=30, random_state=1)],
        meta_classifier=LogisticRegression(),
        use_probas=True,
        random_state=0,
    )
    assert stack.fit(X, y).score(X, y) > 0.9


def test_mlxtend_selects_the_features_that_decide():
    X = np.random.default_rng(0).normal(size=(300, 5))
    y = (X[:, 1] + X[:, 3] > 0).astype(int)
    select = SequentialFeatureSelector(network(max_iter=20), k_features=2, cv=3)
    assert set(select.fit(X, y).k_feature_idx_) == {1, 3}


def test_mlxtend_splits_a_squared_error_into_bias_and_variance():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X[:, 0] + rng.normal(size=200)
    net = regressor(max_iter=20)
    loss, bias, variance = bias_variance_decomp(
        net, X[:100], y[:100], X[100:], y[100:], "mse", num_rounds=5, random_seed=0
    )
    assert loss > 0
    np.testing.assert_allclose(loss, bias + variance)


def table(n=400):
    rng = np.random.default_rng(0)
    town = rng.choice(["Oslo", "Lima", "Rome"], size=n)
    price = rng.normal(10, 3, size=n)
    price[::17] = np.nan
    day = pd.date_range("2026-01-01", periods=n, freq="h")
    X = pd.DataFrame({"town": town, "price": price, "day": day})
    return X, np.where(town == "Oslo", "north", "south")


def test_skrub_prepares_a_table_for_a_network():
    """Strings, dates and missing numbers."""
    X, y = table()
    settings = {"hidden_layer_sizes": (10,), "learning_rate_init": 0.01}
    net = ScratchMLPClassifier(**settings, random_state=0)
    piped = tabular_pipeline(net).fit(X, y)
    assert isinstance(piped[-1], ScratchMLPClassifier)
    assert piped.score(X, y) > 0.98  # the town decides
    net = ScratchMLPRegressor(**settings, random_state=0)
    height = np.where(y == "north", 10.0, 0.0)
    assert tabular_pipeline(net).fit(X, height).score(X, height) > 0.9


def test_a_network_takes_the_frame_that_skrub_makes():
    X, _ = table()
    frame = TableVectorizer().fit_transform(X).fillna(0)
    net = network().fit(frame, X["town"])
    assert list(net.feature_names_in_) == list(frame.columns)


def test_river_trains_a_network_as_partial_fit_does(iris):
    X, y = iris
    net = network(batch_size=1)
    online = compat.convert_sklearn_to_river(net, classes=[0, 1, 2])
    names = ["a", "b", "c", "d"]
    for row, label in stream.iter_array(X, y, feature_names=names):
        online.learn_one(row, int(label))
    for i in range(len(y)):
        net.partial_fit(X[i : i + 1], y[i : i + 1], classes=[0, 1, 2])
    row = dict(zip(names, X[0], strict=True))
    guess = online.predict_proba_one(row)
    np.testing.assert_allclose(list(guess.values()), net.predict_proba(X[:1])[0])
    assert max(guess, key=guess.get) == online.predict_one(row)

"""Warnings: they point to the user's line, and their advice helps."""

import inspect
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array, csr_matrix
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import ScratchMLPClassifier
from sknet._sklearn.scale import largest_feature
from sknet.gradient_check import check_gradients

pytestmark = pytest.mark.filterwarnings("default")


def caught(call, *args, **kwargs):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        call(*args, **kwargs)
    return record


def the_message(call, *args, **kwargs):
    (one,) = caught(call, *args, **kwargs)
    return str(one.message)


@pytest.mark.parametrize("through", ["fit", "pipeline", "search", "partial_fit"])
def test_a_warning_points_to_the_line_that_called(iris, through):
    X, y = iris
    net = ScratchMLPClassifier((3,), max_iter=2, batch_size=1000, momentum=0.5)
    record = caught(call, through, net, X, y)
    assert record
    assert {w.filename for w in record} == {__file__}
    texts = " ".join(str(w.message) for w in record)
    assert "batch_size=1000" in texts
    assert "momentum=0.5" in texts or through == "search"
    assert (through == "partial_fit") != ("max_iter=2" in texts)
    first = inspect.getsourcelines(call)[1]
    assert all(first < w.lineno < first + 20 for w in record)


def call(through, net, X, y):
    if through == "fit":
        net.fit(X, y)
    elif through == "partial_fit":
        net.partial_fit(X, y, classes=[0, 1, 2])
    elif through == "pipeline":
        make_pipeline(StandardScaler(), net).fit(X, y)
    else:
        GridSearchCV(net, {"alpha": [0.1]}, cv=2).fit(X, y)


@pytest.mark.parametrize("action", ["always", "default"])
def test_a_search_tells_once_what_has_no_effect(iris, action, monkeypatch):
    monkeypatch.setattr("sknet._sklearn.warn._told_in_searches", set())
    X, y = iris
    net = ScratchMLPClassifier((3,), max_iter=2, tol=0, n_iter_no_change=np.inf)
    draws = {
        "solver": ["sgd", "adam", "adamw"],
        "momentum": np.random.default_rng(0).uniform(size=50),
        "beta_1": np.random.default_rng(1).uniform(size=50),
    }
    search = RandomizedSearchCV(net, draws, n_iter=10, cv=3, random_state=0)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter(action)
        search.fit(X, y)
    texts = [str(w.message) for w in record if "no effect" in str(w.message)]
    whole = " ".join(texts)
    for topic in "solver='sgd'", "solver='adam'", "solver='adamw'":
        assert whole.count(f"({topic})") == 1
    assert len(texts) == 3
    assert all(len(text) < 100 for text in texts)
    assert "np." not in whole
    # Outside a search it is for the filters to say.
    net.set_params(momentum=np.float64(0.6658647759962094))
    for _ in range(2):
        assert "momentum=0.6659 (solver='adam')" in the_message(net.fit, X, y)


def test_cross_validation_is_a_search_too(iris, monkeypatch):
    monkeypatch.setattr("sknet._sklearn.warn._told_in_searches", set())
    net = ScratchMLPClassifier((3,), max_iter=2, tol=0, n_iter_no_change=np.inf)
    record = caught(cross_val_score, net.set_params(momentum=0.5), *iris, cv=5)
    assert len(record) == 1


# -- the remedy ------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_features_that_are_not_scaled_come_first(solver):
    X, y = load_wine(return_X_y=True)
    net = ScratchMLPClassifier((5,), solver=solver, max_iter=3, random_state=0)
    if solver == "sgd":
        net.set_params(learning_rate_init=1e-7)
    message = the_message(net.fit, X, y)
    assert "first scale X (StandardScaler)" in message
    assert "then raise max_iter" in message or "then lower" in message
    assert "scale" not in the_message(net.fit, StandardScaler().fit_transform(X), y)
    assert "scale" not in the_message(net.fit, *load_iris(return_X_y=True))


@pytest.mark.parametrize("n_samples", [1, 7, 999, 1000, 1001, 5000])
@pytest.mark.parametrize(
    "container",
    [np.asarray, csr_array, csr_matrix, np.float32],
    ids=lambda f: f.__name__,
)
def test_the_largest_feature_has_the_largest_root_mean_square(n_samples, container):
    X = np.random.default_rng(0).normal(2, 3, size=(n_samples, 4)) * [1, 1e30, -5, 0]
    rows = X[:: -(-n_samples // 1000)]
    expected = np.sqrt((rows**2).mean(axis=0)).max()
    assert largest_feature(container(X)) == pytest.approx(expected, rel=1e-6)


def test_a_rate_is_not_to_blame_while_the_loss_falls(iris):
    X, y = iris
    net = ScratchMLPClassifier(
        (8,), early_stopping=True, max_iter=8, random_state=0, learning_rate_init=1e-4
    )
    scores = iter([0.25, 0.5, 0.75, 0.5, 0.5, 0.5, 0.5, 0.5])
    net.set_params(scoring=lambda *args: next(scores))
    message = the_message(net.fit, X, y)
    assert "no better" in message
    assert message.endswith("raise max_iter: the loss still falls.")


def test_iterations_of_lbfgs_are_called_so(iris):
    net = ScratchMLPClassifier((5,), solver="lbfgs", max_iter=1)
    message = the_message(net.fit, *iris)
    assert "after 1 iteration without" in message
    assert "after the only iteration" in message
    message = the_message(net.set_params(max_iter=4).fit, *iris)
    assert "after 4 iterations without" in message
    assert "in the last iteration" in message
    assert "epoch" not in message


def test_one_epoch_is_not_epochs(iris):
    message = the_message(ScratchMLPClassifier((5,), max_iter=1).fit, *iris)
    assert "1 epochs" not in message


def test_a_validation_set_of_another_scale_is_noticed(iris):
    X, y = iris
    net = ScratchMLPClassifier(
        (5,), max_iter=2, tol=0, n_iter_no_change=np.inf, random_state=0
    )
    raw, _ = load_iris(return_X_y=True)
    for other in 16 * X, X / 16, X + 10, raw * 10:
        message = the_message(net.fit, X, y, X_val=other, y_val=y)
        assert "X_val is not scaled like X" in message
        assert not caught(net.fit, other, y, X_val=other, y_val=y)
    rows = np.random.default_rng(0).permutation(150)
    for some in rows[:100], rows[:2], rows[:1]:  # and a set of few rows is no fault
        assert not caught(net.fit, X, y, X_val=X[some], y_val=y[some])


# -- other sentences -------------------------------------------------------------------


def test_a_network_without_hidden_layers_has_no_hidden_activations(iris):
    net = ScratchMLPClassifier((), max_iter=1, tol=0, n_iter_no_change=np.inf)
    with pytest.raises(ValueError, match=r"no hidden layers.*are predictions"):
        net.fit(*iris).hidden_activations(iris[0])


@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_weights_before_fit_are_asked_for_in_vain(name):
    with pytest.raises(AttributeError, match="has no weights yet: fit it first"):
        getattr(ScratchMLPClassifier(), name)


def test_gradients_of_a_pipeline_are_those_of_its_network(iris):
    pipeline = make_pipeline(StandardScaler(), ScratchMLPClassifier())
    with pytest.raises(
        TypeError, match=r"Pipeline.*pass the network in it.*transformed"
    ):
        check_gradients(pipeline, *iris)


@pytest.mark.parametrize("power_t", [130, 1000, 1e300])
def test_power_t_of_any_size_lowers_the_rate(iris, power_t):
    net = ScratchMLPClassifier(
        (5,), solver="sgd", learning_rate="invscaling", power_t=power_t, max_iter=3
    ).set_params(tol=0, n_iter_no_change=np.inf)
    net.fit(*iris)
    rates = net.history_["learning_rate"]
    assert rates[0] == net.learning_rate_init
    assert np.array(rates[1:]) == pytest.approx(0.0, abs=1e-280)


def test_convergence_is_warned_of_at_the_users_line(iris):
    with pytest.warns(ConvergenceWarning) as record:
        ScratchMLPClassifier((3,), max_iter=2).fit(*iris)
    assert record[0].filename == __file__

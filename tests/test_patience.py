"""Patience: how long it lasts, and when it begins anew."""

import inspect
import pickle

import pytest
from sklearn.neural_network import MLPClassifier

from support import PLAIN_SGD, network, short


@pytest.mark.parametrize("n_iter_no_change", [1, 5])
def test_patience_is_that_of_mlpclassifier(iris, n_iter_no_change):
    """The first epoch sets the best, n may fail, and one more ends training."""
    X, y = iris
    parameters = {**PLAIN_SGD, "learning_rate_init": 1e-300, "hidden_layer_sizes": ()}
    parameters |= {"tol": 1e-4, "n_iter_no_change": n_iter_no_change, "max_iter": 50}
    net = network(**parameters)
    assert net.fit(X, y).n_iter_ == n_iter_no_change + 2
    shared = inspect.signature(MLPClassifier).parameters
    peer = MLPClassifier(**{name: getattr(net, name) for name in shared})
    assert peer.fit(X, y).n_iter_ == net.n_iter_


@short
@pytest.mark.parametrize(
    "changed",
    [{"label_smoothing": 0.2}, {"alpha": 50.0}],
    ids=str,
)
def test_a_warm_start_does_not_wait_for_the_best_of_another_cost(digits, changed):
    """Which the new one may never reach, so that patience ran out at once."""
    X, y = digits
    parameters = {"tol": 1e-4, "n_iter_no_change": 3, "learning_rate_init": 0.01}
    net = network(**parameters, max_iter=30, warm_start=True).fit(X / 16, y)
    before = net.best_loss_
    net.set_params(**changed).fit(X / 16, y)
    curve = net.loss_curve_[-net.n_iter_ :]
    assert min(curve) > before  # or there was nothing to see
    assert net.best_loss_ == min(curve)
    assert net.n_iter_ > 4  # it improved at first, and patience began anew


@short
@pytest.mark.parametrize(
    ("changed", "n_epochs"),
    [({}, 2), ({"scoring": "loss"}, 5), ({"early_stopping": False}, 5)],
    ids=str,
)
def test_patience_goes_on_with_the_same_measure_and_anew_with_another(
    iris, changed, n_epochs
):
    """Nothing improves by 10: four epochs of five fail, and two more are too many."""
    parameters = {"tol": 10.0, "n_iter_no_change": 5, "max_iter": 5}
    net = network(**parameters, early_stopping=True, warm_start=True).fit(*iris)
    net = pickle.loads(pickle.dumps(net.set_params(**changed))).fit(*iris)
    assert net.n_iter_ == n_epochs

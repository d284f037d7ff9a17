"""Ctrl-C keeps the weights of the last whole step."""

import pickle
import signal

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknet.backprop import Objective  # where the evaluations of lbfgs go
from support import assert_same_weights, network, unconverged


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_ctrl_c_keeps_the_weights_of_the_last_whole_step(iris, solver, pressing_ctrl_c):
    """On a full batch, where a step is an epoch, it comes in the fourth.

    Elsewhere a step is left half done (scikit-learn issue 7596).
    """
    X, y = iris
    parameters = {"solver": solver, "batch_size": 150}
    net = network(**parameters, random_state=pressing_ctrl_c(at=4))
    with pytest.warns(UserWarning, match=r"Ctrl-C .*iteration 4"):
        net.fit(X, y)
    expected = network(**parameters, max_iter=4).fit(X, y)
    assert_same_weights(net, expected)
    assert net.n_iter_ == len(net.loss_curve_) == 3
    assert_array_equal(net.predict(X), expected.predict(X))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_ctrl_c_leaves_a_model_that_trains_on(iris, early_stopping, pressing_ctrl_c):
    X, y = iris
    net = network(
        random_state=pressing_ctrl_c(at=12),  # holding rows out takes the first 5
        early_stopping=early_stopping,
        warm_start=True,
        max_iter=40,
    )
    with pytest.warns(UserWarning, match="Ctrl-C"):
        net.fit(X, y)
    net = pickle.loads(pickle.dumps(net.set_params(random_state=0)))
    assert net.fit(X, y).score(X, y) > 0.8
    assert len(net.loss_curve_) > net.n_iter_
    if early_stopping:
        assert net.best_validation_score_ == max(net.validation_scores_)


@unconverged
@pytest.mark.usefixtures("pressing_ctrl_c")
def test_ctrl_c_in_lbfgs_keeps_the_last_whole_iteration(iris, monkeypatch):
    X, y = iris
    whole = Objective.value_and_grad
    calls = []

    def value_and_grad(*args):
        calls.append(1)
        if len(calls) == 12:
            signal.raise_signal(signal.SIGINT)
        return whole(*args)

    monkeypatch.setattr(Objective, "value_and_grad", value_and_grad)
    net = network(solver="lbfgs", max_iter=100)
    with pytest.warns(UserWarning, match="Ctrl-C"):
        net.fit(X, y)
    monkeypatch.undo()
    assert 0 < net.n_iter_ < 12
    expected = network(solver="lbfgs", max_iter=net.n_iter_).fit(X, y)
    assert_allclose(net.predict_proba(X), expected.predict_proba(X))


@pytest.mark.usefixtures("pressing_ctrl_c")
def test_ctrl_c_pressed_twice_does_not_wait_for_the_step(iris):
    calls = []

    def stuck(X, rng):
        calls.append(1)
        if len(calls) == 6:  # in the third epoch, whose first batch was a whole step
            for _ in range(1000):
                signal.raise_signal(signal.SIGINT)
        return X

    net = network(augment=stuck, batch_size=75)
    with pytest.warns(UserWarning, match="iteration 3; .* the last whole epoch"):
        net.fit(*iris)
    assert len(calls) == 6
    assert net.n_iter_ == 2
    two = network(augment=lambda X, rng: X, batch_size=75, max_iter=2).fit(*iris)
    assert_same_weights(net, two)

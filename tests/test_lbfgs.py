"""Solver "lbfgs": its history, its limits, and going on."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss

from support import network, unconverged


def test_lbfgs_keeps_a_history_and_does_as_it_is_told(iris, capsys):
    """Elsewhere max_iter was taken for evaluations, and verbose said nothing.

    See scikit-learn issues 9273 and 10236.
    """
    X, y = iris
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        net = network(solver="lbfgs", max_iter=5, verbose=2, alpha=1.0).fit(X, y)
    assert net.n_iter_ == len(net.loss_curve_) == 5
    assert net.loss_ == net.loss_curve_[-1] == min(net.loss_curve_)
    assert len(capsys.readouterr().out.splitlines()) == 5
    squares = sum((coef**2).sum() for coef in net.coefs_)
    expected = log_loss(y, net.predict_proba(X)) + 1.0 / 300 * squares
    assert net.loss_ == pytest.approx(expected, rel=1e-12)

    net.set_params(max_iter=1000, verbose=False).fit(X, y)  # converges: no warning
    assert 5 < net.n_iter_ < 1000
    assert (np.diff(net.loss_curve_) <= 0).all()


def test_lbfgs_stops_at_max_fun(iris):
    with pytest.warns(ConvergenceWarning, match="max_fun"):
        net = network(solver="lbfgs", max_iter=1000, max_fun=10).fit(*iris)
    assert net.n_iter_ <= 10


@unconverged
def test_a_warm_start_of_lbfgs_goes_on_from_the_weights(iris):
    X, y = iris
    net = network(solver="lbfgs", warm_start=True, max_iter=5, alpha=1.0).fit(X, y)
    after_5 = net.loss_
    net.fit(X, y)
    assert net.loss_curve_[5] < after_5
    assert len(net.loss_curve_) == 10

"""Training that diverges stops at once: what is kept, and what is said."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning

from sknet import ScratchMLPClassifier


def network(**parameters):
    settings = {"max_iter": 5, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}
    settings["hidden_layer_sizes"] = (6,)
    return ScratchMLPClassifier(**{**settings, **parameters})


def everything(net):
    """All that an estimator holds, as bytes."""
    return pickle.dumps(vars(net))


DIVERGING = {
    "rate": ({"learning_rate_init": 1e200, "activation": "identity"}, 1.0, "1e+200"),
    "rate, deep": (
        {"learning_rate_init": 1e100, "hidden_layer_sizes": (5, 5, 5)},
        1.0,
        "1e+100",
    ),
    "X": ({"activation": "identity"}, 1e200, "e+200"),
    "X, float32": ({"dtype": "float32"}, 1e35, "e+35"),
    "X, adam": ({"solver": "adam"}, 1e200, "e+200"),
    "X, early stopping": ({"early_stopping": True}, 1e200, "e+200"),
    "X, mini-batches": ({"batch_size": 10}, 1e200, "e+200"),
}


@pytest.mark.parametrize(
    ("parameters", "scale", "named"), DIVERGING.values(), ids=DIVERGING
)
def test_divergence_stops_at_once_and_says_what_to_do(iris, parameters, scale, named):
    """Elsewhere it trains on with NaN, and says so at the end or never.

    See scikit-learn issue 17925.
    """
    X, y = iris
    net = network(**{"solver": "sgd", "max_iter": 200, **parameters})
    before = everything(net)
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .*learning rate") as e:
        net.fit(X * scale, y)
    assert "max |X| =" in str(e.value)
    assert named in str(e.value)
    assert everything(net) == before  # unfitted


SOLVERS = {
    "sgd": {"solver": "sgd"},
    "momentum 0": {"solver": "sgd", "momentum": 0},
    "adam": {"solver": "adam"},
    "adamw": {"solver": "adamw"},
    "float32": {"solver": "adam", "dtype": "float32"},
    "mini-batches": {"solver": "adam", "batch_size": 20},
    "early stopping": {"solver": "adam", "early_stopping": True},
}


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_fit_that_diverges_at_once_leaves_the_old_model(iris, name, warm_start):
    X, y = iris
    net = network(**SOLVERS[name], warm_start=warm_start).fit(X, y)
    before = everything(net)
    scale = 1e35 if name == "float32" else 1e300
    with pytest.raises(ValueError, match=r"diverged.*The estimator is as it was"):
        net.fit(X * scale, y)
    assert everything(net) == before


@pytest.mark.filterwarnings("ignore:lbfgs stopped", "ignore:These parameters")
@pytest.mark.parametrize("warm_start", [False, True])
def test_lbfgs_that_diverges_leaves_the_old_model(iris, warm_start):
    X, y = iris
    net = network(solver="lbfgs", warm_start=warm_start).fit(X, y)
    before = everything(net)
    with pytest.raises(ValueError, match=r"in iteration 1.*is as it was") as error:
        net.fit(X * 1e300, y)
    assert everything(net) == before
    assert "scale X (StandardScaler)" in str(error.value)
    assert "max |X| = 3.09e+300" in str(error.value)
    assert "learning" not in str(error.value)
    assert "epoch" not in str(error.value)


@pytest.mark.parametrize("scale", [1e200, 1e300])
@pytest.mark.parametrize("name", [*list(SOLVERS)[:4], "mini-batches"])
def test_a_bad_batch_is_as_if_it_had_never_been(iris, name, scale):
    X, y = iris
    net = network(**SOLVERS[name]).partial_fit(X, y, classes=[0, 1, 2])
    before, twin = everything(net), pickle.loads(pickle.dumps(net))
    for _ in range(2):
        with pytest.raises(ValueError, match="is as it was before"):
            net.partial_fit(X * scale, y)
        assert everything(net) == before
    for one in net, twin:
        one.partial_fit(X, y)
    assert_array_equal(net.predict_proba(X), twin.predict_proba(X))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_rate_that_was_too_high_can_be_lowered(iris, solver):
    """The step overflows: neither weights nor the optimizer's memory may keep it."""
    X, y = iris
    net = network(solver=solver).partial_fit(X, y, classes=[0, 1, 2])
    twin, rate = pickle.loads(pickle.dumps(net)), net.learning_rate_init
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .*rate of 1.79e\+308"):
        net.set_params(learning_rate_init=1.79e308).partial_fit(X * 1e4, y)
    net.set_params(learning_rate_init=rate).partial_fit(X, y)
    assert_array_equal(net.predict_proba(X), twin.partial_fit(X, y).predict_proba(X))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("rate", [1e300, 1e160])
def test_the_last_step_is_looked_at_too(iris, solver, method, rate):
    """No cost is taken after it that would tell."""
    net = network(solver=solver, learning_rate_init=rate, max_iter=1)
    more = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    with pytest.raises(ValueError, match=r"diverged in epoch 1: .*rate of 1e\+"):
        getattr(net, method)(*iris, **more)
    assert not hasattr(net, "coefs_")


def test_weights_whose_outputs_overflow_are_found_at_the_last_step(iris):
    """Each is finite, and their squares are, but not the product of four layers."""
    net = network(learning_rate_init=1e100, max_iter=1, alpha=0)
    net.set_params(hidden_layer_sizes=(5, 5, 5, 5), activation="identity")
    with pytest.raises(ValueError, match="after the last step"):
        net.fit(*iris)


def test_what_is_kept_of_a_fit_that_diverges_late(iris):
    X, y = iris
    kwargs = {
        "solver": "sgd",
        "learning_rate": lambda f: 1e300 * (f > 0.55),
        "alpha": 1,
    }
    net = network(max_iter=10, **kwargs)
    with pytest.raises(ValueError, match="keeps the weights of epoch 6"):
        net.fit(X, y)
    assert net.n_iter_ == len(net.loss_curve_) == 6
    assert np.isfinite(net.loss_curve_).all()
    assert np.isfinite(net.predict_proba(X)).all()
    net = network(max_iter=10, **kwargs)
    with pytest.raises(ValueError, match="did best on the validation set"):
        net.fit(X, y, X_val=X, y_val=y)
    assert net.score(X, y) == max(net.validation_scores_)


def test_a_memory_that_overflowed_is_called_so(iris):
    X, y = iris
    with pytest.raises(ValueError, match="optimizer's memory has overflowed") as error:
        network().fit(X * 1e200, y)
    assert "finite loss" not in str(error.value)


@pytest.mark.parametrize(
    ("solver", "rate", "scale"), [("sgd", 1e6, 1e3), ("adam", 1e20, 1.0)]
)
def test_a_loss_that_ends_far_above_where_it_began_is_divergence(
    iris, solver, rate, scale
):
    X, y = iris
    net = network(
        solver=solver, learning_rate_init=rate, activation="identity", tol=1e-4
    )
    net.set_params(n_iter_no_change=10, max_iter=100)
    with pytest.warns(
        ConvergenceWarning, match="Training diverged: the loss rose"
    ) as r:
        net.fit(X * scale, y)
    assert len(r) == 1
    message = str(r[0].message)
    assert "lower learning_rate_init" in message
    assert ("scale X" in message) == (scale > 1)


def no_divergence(net, *fits):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for X, y, more in fits:
            net.fit(X, y, **more)
    assert not [w for w in caught if "diverged" in str(w.message)]
    return net


@pytest.mark.parametrize("rate", [1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("load", [load_digits, load_wine], ids=["digits", "wine"])
def test_poor_training_is_no_divergence(load, solver, rate):
    """Not scaled, and with rates that are too high by far, but not without end."""
    X, y = load(return_X_y=True)
    rate = rate / 1e3 if solver == "sgd" and load is load_wine else rate
    net = ScratchMLPClassifier(
        solver=solver, learning_rate_init=rate, max_iter=10, random_state=0
    )
    no_divergence(net, (X, y, {}))


def test_a_warm_start_from_a_loss_of_nearly_0_is_no_divergence(iris):
    X, y = iris
    net = network(learning_rate_init=0.02, max_iter=300, alpha=0, warm_start=True)
    no_divergence(net, (X, y, {}))
    assert net.loss_ < 0.05
    net.set_params(max_iter=5)
    no_divergence(net, (X, (y + 1) % 3, {}), (X, y, {}))
    tiny = {"coef_init": [np.full((4, 6), 1e-9), np.full((6, 3), 1e-9)]}
    no_divergence(net, (X, y, tiny))


@pytest.mark.parametrize("weight", [1e-30, 1e-20])
def test_tiny_weights_of_samples_are_named(iris, weight):
    X, y = iris
    net = network(solver="sgd", max_iter=20)
    with pytest.raises(ValueError, match="divide sample_weight by its mean, 1e-"):
        net.fit(X, y, sample_weight=np.full(len(y), weight))

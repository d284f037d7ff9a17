"""One factory of networks, and comparisons, that tests share.

In a module of its own, as workers of a search import test modules too, and ``conftest``
may be another one to them.
"""

import copy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sknet import ScratchMLPClassifier, ScratchMLPRegressor

# -- networks --------------------------------------------------------------------------

# Exactly max_iter epochs, without a warning: neither a loss nor a score ends training.
ENDLESS = {"tol": 0, "n_iter_no_change": np.inf}
# Patience of scikit-learn's defaults, for tests of what ends training.
PATIENT = {"tol": 1e-4, "n_iter_no_change": 10}
# Steps without memory: the model depends on nothing but weights and data.
PLAIN_SGD = {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1}

# Solvers, schedules and orders whose every epoch depends on those before it.
STEPPERS = {
    "adam": {},
    "adam, full batch": {"batch_size": 150},
    "adam, in order": {"shuffle": False},
    "adam, float32": {"dtype": "float32"},
    "sgd": PLAIN_SGD,
    "sgd, full batch": {**PLAIN_SGD, "batch_size": 150},
    "nesterov": {"solver": "sgd"},
    "heavy ball": {"solver": "sgd", "nesterovs_momentum": False},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    # No epoch meets the tolerance: the rate is lowered every second one.
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "tol": 10.0,
        "n_iter_no_change": 1,
    },
}

# Marks of tests that need more settings than the factory gives.
unconverged = pytest.mark.filterwarnings("ignore:lbfgs stopped after")
short = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# How the warning about parameters that do nothing begins.
NO_EFFECT = "These parameters have no effect"


def network(solver="adam", *, cls=ScratchMLPClassifier, **parameters):
    """A network that trains in a few milliseconds: six epochs of small batches."""
    settings = {"hidden_layer_sizes": (6,), "max_iter": 6, "random_state": 0}
    if solver != "lbfgs":  # which would warn of what it does not heed
        settings |= {"batch_size": 40, "learning_rate_init": 0.02, **ENDLESS}
    return cls(solver=solver, **{**settings, **parameters})


def regressor(solver="adam", **parameters):
    """The same for targets that are numbers."""
    return network(solver, cls=ScratchMLPRegressor, **parameters)


# -- comparisons -----------------------------------------------------------------------


def flat(net):
    """All weights and biases of a network in one array, a copy."""
    return np.concatenate([np.ravel(a) for a in [*net.coefs_, *net.intercepts_]])


def assert_same_weights(a, b):
    """Bit for bit."""
    for x, y in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        assert_array_equal(x, y)
        assert x.dtype == y.dtype


def assert_same_fit(a, b):
    """The same weights and curves, bit for bit."""
    assert_same_weights(a, b)
    assert a.loss_curve_ == b.loss_curve_
    assert a.validation_scores_ == b.validation_scores_


def _that_trains_on(net):
    """Copy of a network, its memory too, without what partial_fit does not support."""
    twin = copy.deepcopy(net)
    twin.set_params(early_stopping=False, scoring=None, validation_fraction=0.1)
    if twin.learning_rate not in ("invscaling", "adaptive", "reduce_on_plateau"):
        twin.set_params(learning_rate="constant", warmup=0.0)
    return twin


def assert_trains_on_alike(a, b, X, y, *, same_weights=True):
    """The next epochs of both do the same, so that all that training remembers is too.

    That is the memory of the optimizer, the random streams and the order of the
    samples; a plain ``fit``, without ``warm_start``, has forgotten the last.  The
    networks themselves stay as they are.
    """
    copies = [_that_trains_on(net) for net in (a, b)]
    if not same_weights:  # what else is remembered is compared
        copies[0].coefs_ = copies[1].coefs_
        copies[0].intercepts_ = copies[1].intercepts_
    for net in copies:
        net.partial_fit(X, y).partial_fit(X, y)
    assert_same_weights(*copies)


def arrays_within(value):
    """All arrays of floating point in the state of an object, however nested."""
    if isinstance(value, np.ndarray):
        return [value] if value.dtype.kind == "f" else []
    if isinstance(value, dict):
        value = value.values()
    elif hasattr(value, "__dict__") and not callable(value):
        value = vars(value).values()
    elif not isinstance(value, (list, tuple)):
        return []
    return [array for part in value for array in arrays_within(part)]


# -- names and containers --------------------------------------------------------------

NAMES = np.array(["setosa", "versicolor", "virginica"])
COLUMNS = ["a", "b", "c", "d"]
CONTAINERS = {
    "array": lambda X: X,
    "pandas": lambda X: pd.DataFrame(X, columns=COLUMNS),
    # Not made for Python without its global lock.
    "polars": lambda X: pytest.importorskip("polars").DataFrame(X, schema=COLUMNS),
}

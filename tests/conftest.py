"""Networks, data, comparisons and surroundings that several tests share."""

import copy
import signal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknet import ScratchMLPClassifier

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
NO_EFFECT = "Without effect"


def network(solver="adam", **parameters):
    """A network that trains in a few milliseconds: six epochs of small batches."""
    settings = {"hidden_layer_sizes": (6,), "max_iter": 6, "random_state": 0}
    if solver != "lbfgs":  # which would warn of what it does not heed
        settings |= {"batch_size": 40, "learning_rate_init": 0.02, **ENDLESS}
    return ScratchMLPClassifier(solver=solver, **{**settings, **parameters})


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
    warm_start = net.warm_start
    twin = copy.deepcopy(net.set_params(warm_start=True))  # or memory is left out
    net.set_params(warm_start=warm_start)
    twin.set_params(early_stopping=False, scoring=None, validation_fraction=0.1)
    if twin.learning_rate not in ("invscaling", "adaptive", "reduce_on_plateau"):
        twin.set_params(learning_rate="constant", warmup=0.0)
    return twin


def assert_trains_on_alike(a, b, X, y, *, same_weights=True):
    """The next epochs of both do the same, so that all that training remembers is too.

    That is the memory of the optimizer, the random streams and the order of the
    samples.  The networks themselves stay as they are.
    """
    copies = [_that_trains_on(net) for net in (a, b)]
    if not same_weights:  # what else is remembered is compared
        copies[0].coefs_, copies[0].intercepts_ = (
            copies[1].coefs_,
            copies[1].intercepts_,
        )
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


# -- data ------------------------------------------------------------------------------

NAMES = np.array(["setosa", "versicolor", "virginica"])
COLUMNS = ["a", "b", "c", "d"]
CONTAINERS = {
    "array": lambda X: X,
    "pandas": lambda X: pd.DataFrame(X, columns=COLUMNS),
    "polars": lambda X: pl.DataFrame(X, schema=COLUMNS),
}


@pytest.fixture(scope="session")
def iris():
    """Three classes, 0 to 2, of 50 samples each, read-only."""
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    X.flags.writeable = y.flags.writeable = False
    return X, y


@pytest.fixture(scope="session")
def multilabel():
    """100 samples, each with any of four labels."""
    X, y = make_multilabel_classification(n_samples=100, n_classes=4, random_state=0)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="session")
def digits():
    """1797 images of 8 x 8 pixels from 0 to 16, and their digits."""
    return load_digits(return_X_y=True)


@pytest.fixture(scope="session")
def noise():
    """X, X_val, y, y_val whose labels mean little: scores go up and down."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(180, 4))
    y = np.digitize(X[:, 0] + 2 * rng.normal(size=180), [-1, 1])
    return train_test_split(X, y, test_size=60, random_state=0)


@pytest.fixture(params=["copied", "too large for a copy"])
def memory_for_copies(request, monkeypatch):
    """Training with and without room for a copy of X in its own order."""
    # The one private constant that tests change: the smallest X to exceed it would
    # take longer than all of them.
    if request.param != "copied":
        monkeypatch.setattr("sknet.training.COPIED_BYTES", 0)


# -- surroundings ----------------------------------------------------------------------


@pytest.fixture
def offline(tmp_path):
    """Environment without data and without a network to fetch them from."""
    (tmp_path / "empty").mkdir()
    return {
        "SKNET_DATA": str(tmp_path / "empty"),
        "HTTPS_PROXY": "http://127.0.0.1:9",  # nobody listens there
        "https_proxy": "http://127.0.0.1:9",
        "NO_PROXY": "",
        "no_proxy": "",
    }


class PressesCtrlC(np.random.RandomState):
    """Shuffles like its parent and presses Ctrl-C at one of the shuffles."""

    def __init__(self, at):
        super().__init__(0)
        self.left = at

    def shuffle(self, x):
        super().shuffle(x)
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def pressing_ctrl_c():
    """Makes a ``random_state`` that interrupts training, heard by Python's own handler.

    Some test runners replace it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield PressesCtrlC
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)

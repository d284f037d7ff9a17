"""Data and surroundings that several tests share."""

import signal

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris, make_multilabel_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

# -- data ------------------------------------------------------------------------------


# A script for type checkers, not for Python; and tests that need packages of their own,
# which run where they are named: pytest tests/ecosystem.
collect_ignore = ["typing/user_script.py", "ecosystem", "cluster"]


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
        monkeypatch.setattr("sknet.batches.COPIED_BYTES", 0)


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

"""Data and surroundings that several tests share."""

import signal

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler


@pytest.fixture(scope="session")
def iris():
    """Three classes, 0 to 2, of 50 samples each, read-only."""
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    X.flags.writeable = y.flags.writeable = False
    return X, y


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

"""What all tests and examples share: what needs a newer scikit-learn, its settings."""

from importlib.util import find_spec

import pytest
import sklearn

if find_spec("sklearn.callback") is None:  # before 1.9
    collect_ignore = ["sknet/callbacks.py"]


@pytest.fixture(autouse=True)
def same_configuration_of_scikit_learn():
    """Ctrl-C in a test may come just after scikit-learn has changed it for a fit."""
    before = sklearn.get_config()
    yield
    sklearn.set_config(**before)

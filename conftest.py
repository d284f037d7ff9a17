"""What all tests and examples share: a seed, and what needs a newer scikit-learn."""

import os
from importlib.util import find_spec
from zlib import crc32

import numpy as np
import pytest

if find_spec("sklearn.callback") is None:  # before 1.9
    collect_ignore = ["sknet/callbacks.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """What a test leaves to chance is the same in each run, but for SKNET_SEED."""
    seed = f"{os.environ.get('SKNET_SEED', 0)} {item.nodeid}"
    np.random.seed(crc32(seed.encode()))  # noqa: NPY002

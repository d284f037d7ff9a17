"""Models in files stay the same in another process, and with other versions.

``SKNET_PYTHONS`` may name interpreters with other versions of the libraries, separated
like the folders of ``PATH``; ``python tests/across_versions.py`` shows a table.
"""

import os
import sys

import pytest

from across_versions import FORMATS, compare

OTHERS = [one for one in os.environ.get("SKNET_PYTHONS", "").split(os.pathsep) if one]
# What NumPy 2 has pickled names modules that NumPy 1.24 does not have.
BY_NUMPY = "No module named 'numpy._core"


@pytest.fixture(scope="module")
def found():
    return compare([sys.executable, *OTHERS])


@pytest.mark.parametrize("how", FORMATS)
def test_in_another_process_all_bits_are_the_same(how, found):
    result = found[sys.executable, sys.executable, how]
    if result == "not installed":
        pytest.skip(result)
    assert result == [0.0, 0.0]


@pytest.mark.skipif(not OTHERS, reason="SKNET_PYTHONS names no interpreter")
def test_with_other_versions_the_model_is_the_same(found):
    failed = {
        key: one
        for key, one in found.items()
        if isinstance(one, str) and one != "not installed"
    }
    assert all(
        how == "pickle" and BY_NUMPY in one for (_, _, how), one in failed.items()
    ), failed

"""Searches and cross-validation on Ray's workers, and the page's blocks about Ray.

The page's other blocks are run by test_docs.py; these are skipped where Ray's daemon
does not start.
"""

import os
import re
import sys
from functools import partial
from pathlib import Path

import pytest
import ray
from engines import assert_cross_validates_alike, assert_searches_alike
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV

from support import network

PAGE = Path(__file__).parents[2] / "docs/howto/scale.md"
START, USE = re.findall(r"```py\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def parallel():
    """Ray's daemon, started as the page says."""
    with pytest.MonkeyPatch.context() as patch:  # workers look for the scorer
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        try:
            exec(START, {})
        except Exception as error:
            pytest.skip(f"Ray's daemon does not start here: {error}")
        yield partial(parallel_config, backend="ray", n_jobs=2)
        ray.shutdown()


def test_the_page(parallel, digits):
    X, y = digits
    search = GridSearchCV(network(), {"alpha": [0.1, 1.0]}, cv=2)
    exec(USE, {"parallel_config": parallel_config, "search": search, "X": X, "y": y})
    assert search.best_estimator_.n_iter_ == 6


def test_a_search(parallel, iris):
    assert_searches_alike(parallel, *iris)


def test_cross_validation(parallel, iris):
    assert_cross_validates_alike(parallel, *iris)

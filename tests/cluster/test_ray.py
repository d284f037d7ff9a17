"""Searches and cross-validation on Ray's workers."""

import os
import sys
from functools import partial

import pytest
import ray
from engines import assert_cross_validates_alike, assert_searches_alike
from joblib import parallel_config
from ray.util.joblib import register_ray


@pytest.fixture(scope="module")
def parallel():
    """Ray's daemon, with two workers."""
    ours = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # for the scorer
    try:
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            runtime_env={"env_vars": ours},
        )
    except Exception as error:
        pytest.skip(f"Ray's daemon does not start here: {error}")
    register_ray()
    yield partial(parallel_config, backend="ray", n_jobs=2)
    ray.shutdown()


def test_a_search(parallel, iris):
    assert_searches_alike(parallel, *iris)


def test_cross_validation(parallel, iris):
    assert_cross_validates_alike(parallel, *iris)

"""Searches, ensembles and training in pieces on a cluster of dask's."""

from functools import partial

import dask.array as da
import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from dask_ml.wrappers import Incremental, ParallelPostFit
from engines import (
    assert_bags_alike,
    assert_cross_validates_alike,
    assert_searches_alike,
)
from joblib import parallel_config
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info

from sknet.callbacks import TimeLimit
from support import assert_same_weights, network, regressor


@pytest.fixture(scope="module")
def client():
    """Two processes, each with one thread for tasks."""
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, Client(cluster) as client:
        yield client


@pytest.fixture
def parallel(client):
    return partial(parallel_config, backend="dask", wait_for_workers_timeout=60)


def test_a_search(parallel, iris):
    assert_searches_alike(parallel, *iris)


def test_a_search_on_scattered_data(parallel, iris):
    X, y = iris
    assert_searches_alike(partial(parallel, scatter=[X, y]), X, y)


def test_cross_validation(parallel, iris):
    assert_cross_validates_alike(parallel, *iris)


def test_an_ensemble(parallel, iris):
    assert_bags_alike(parallel, *iris)


# -- training in pieces ----------------------------------------------------------------


@pytest.mark.parametrize("make", [network, regressor])
def test_incremental_trains_on_the_blocks_of_a_dask_array(client, iris, make):
    """One call of partial_fit for each block, in their order."""
    X, y = iris
    chunks = da.from_array(np.array(X), chunks=(50, 4)), da.from_array(np.array(y), 50)
    classes = {"classes": [0, 1, 2]} if make is network else {}
    there = Incremental(make(), shuffle_blocks=False).fit(*chunks, **classes)
    here = make()
    for start in range(0, 150, 50):
        block = slice(start, start + 50)
        here.partial_fit(X[block], y[block], **classes)
    assert_same_weights(there.estimator_, here)
    guesses = there.predict(chunks[0])
    assert isinstance(guesses, da.Array)
    np.testing.assert_allclose(guesses.compute(), here.predict(X))  # by blocks


def test_a_fitted_network_predicts_a_dask_array(client, iris):
    X, y = iris
    net = network().fit(X, y)
    chunks = da.from_array(np.array(X), chunks=(50, 4))
    there = ParallelPostFit(net).predict_proba(chunks)
    assert there.npartitions == 3
    np.testing.assert_allclose(there.compute(), net.predict_proba(X))


# -- threads and callbacks on workers --------------------------------------------------


def threads_of_blas(net, X, y):
    return max(lib["num_threads"] for lib in threadpool_info())


def test_a_worker_has_its_share_of_the_threads(parallel, iris):
    """dask sets as many as the worker has for its tasks, here one."""
    search = GridSearchCV(network(), {"alpha": [0.1]}, scoring=threads_of_blas, cv=2)
    with parallel():
        search.fit(*iris)
    assert search.cv_results_["mean_test_score"] == [1]


def test_a_limit_on_the_time_is_kept_on_the_worker(parallel, iris):
    net = network(max_iter=10**9).set_callbacks(TimeLimit(0.2))
    search = GridSearchCV(net, {"alpha": [0.1, 0.2]}, cv=2)
    with parallel():
        search.fit(*iris)
    assert search.best_estimator_.n_iter_ < 10**7

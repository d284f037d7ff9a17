"""The same seed makes the same bits: again, in threads and in processes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sknet import ScratchMLPClassifier
from support import NAMES, assert_same_fit, assert_same_weights, network, short


@short
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"solver": "sgd"},
        {"solver": "lbfgs"},
        {"early_stopping": True},
        {"hidden_layer_sizes": (300, 300), "batch_size": 100, "max_iter": 2},
    ],
    ids=str,
)
def test_same_seed_same_bits(digits, parameters):
    X, y = digits
    parameters = {"max_iter": 5, "random_state": 0, **parameters}
    nets = []
    for limit in (None, None, 1, 2):
        with threadpool_limits(limit, user_api="blas"):
            nets.append(ScratchMLPClassifier(**parameters).fit(X, y))
    for net in nets[1:]:
        assert_same_fit(net, nets[0])
    other = ScratchMLPClassifier(**{**parameters, "random_state": 1}).fit(X, y)
    assert not np.array_equal(other.coefs_[0], nets[0].coefs_[0])


@short
def test_same_model_from_fits_in_several_threads(digits):
    """Threads of one process share BLAS's limits, so that the last bit may differ."""
    X, y = digits
    net = ScratchMLPClassifier((50, 50), max_iter=2, random_state=0)
    expected = clone(net).fit(X, y)
    with ThreadPoolExecutor(4) as pool:
        nets = list(pool.map(lambda _: clone(net).fit(X, y), range(8)))
    for net in nets:
        for coef, expected_coef in zip(net.coefs_, expected.coefs_, strict=True):
            assert_allclose(coef, expected_coef, rtol=0, atol=1e-12)


def test_same_bits_from_several_processes(iris):
    X, y = iris
    results = []
    for n_jobs in (1, 2):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), network()),
            {"scratchmlpclassifier__alpha": [1e-4, 1.0]},
            cv=2,
            n_jobs=n_jobs,
        ).fit(X, NAMES[y])
        proba = cross_val_predict(
            network(), X, y, cv=2, method="predict_proba", n_jobs=n_jobs
        )
        best = search.best_estimator_[-1]
        results.append((search.cv_results_["mean_test_score"], proba, best))
    (scores, proba, net), (scores_2, proba_2, net_2) = results
    assert_array_equal(scores, scores_2)
    assert_array_equal(proba, proba_2)
    assert_same_fit(net, net_2)


def test_a_random_state_of_any_kind_trains_on(iris):
    rng = np.random.RandomState(np.random.PCG64(0))
    net = network(random_state=rng, warm_start=True, max_iter=3, dropout=0.2)
    rng = np.random.RandomState(np.random.PCG64(0))
    whole = network(random_state=rng, dropout=0.2).fit(*iris)
    assert_same_weights(net.fit(*iris).fit(*iris), whole)

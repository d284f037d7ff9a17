"""What every engine that runs joblib's tasks on other machines must do."""

import os

import numpy as np
from numpy.testing import assert_array_equal
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_validate

from sknet import ScratchMLPRegressor
from support import assert_same_weights, network


def score_and_process(net, X, y):
    """The score, and which process it was computed in."""
    return {"score": net.score(X, y), "process": os.getpid()}


def searched(net, grid, X, y):
    search = GridSearchCV(net, grid, scoring=score_and_process, refit="score", cv=3)
    return search.fit(X, y)


def assert_searches_alike(parallel, X, y):
    """Same results, by a search in other processes and by one in this process."""
    grid = {"alpha": [1e-4, 0.1], "hidden_layer_sizes": [(3,), (6,)]}
    for net in network(), network(cls=ScratchMLPRegressor):
        alone = searched(net, grid, X, y)
        with parallel():
            shared = searched(net, grid, X, y)
        processes = columns(shared, "test_process")
        assert os.getpid() not in processes
        assert len(np.unique(processes)) == 2
        for name, values in alone.cv_results_.items():
            if "time" not in name and "process" not in name:
                assert_array_equal(shared.cv_results_[name], values, err_msg=name)
        assert_same_weights(shared.best_estimator_, alone.best_estimator_)


def columns(search, ending):
    results = search.cv_results_
    return np.ravel([results[f"split{i}_{ending}"] for i in range(3)])


def assert_cross_validates_alike(parallel, X, y):
    """The same scores, and networks with the same bits."""
    settings = {"scoring": score_and_process, "cv": 3, "return_estimator": True}
    alone = cross_validate(network(), X, y, **settings)
    with parallel():
        shared = cross_validate(network(), X, y, **settings)
    assert os.getpid() not in shared["test_process"]
    assert_array_equal(shared["test_score"], alone["test_score"])
    for a, b in zip(shared["estimator"], alone["estimator"], strict=True):
        assert_same_weights(a, b)


def assert_bags_alike(parallel, X, y):
    """An ensemble whose networks are trained elsewhere is the same ensemble."""
    bagging = BaggingClassifier(network(), n_estimators=4, random_state=0)
    alone = bagging.fit(X, y).predict_proba(X)
    with parallel():
        shared = bagging.fit(X, y)
    assert_array_equal(shared.predict_proba(X), alone)

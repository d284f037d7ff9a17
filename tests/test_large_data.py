"""Data larger than the memory, as a memory map: never copied as a whole."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sknet import ScratchMLPClassifier

N_SAMPLES, N_FEATURES = 24_000, 500
MEGABYTES = N_SAMPLES * N_FEATURES * 8 / 2**20  # of X


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Memory map of 92 MB and its labels."""
    path = tmp_path_factory.mktemp("large") / "X.npy"
    X = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float64, shape=(N_SAMPLES, N_FEATURES)
    )
    rng = np.random.default_rng(0)
    for start in range(0, N_SAMPLES, 1000):
        X[start : start + 1000] = rng.normal(size=(1000, N_FEATURES))
    X.flush()
    return np.load(path, mmap_mode="r"), np.arange(N_SAMPLES) % 2


def network(**parameters):
    settings = {"max_iter": 1, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}
    return ScratchMLPClassifier((5,), **{**settings, **parameters})


WAYS = {
    "early stopping": ({"early_stopping": True}, None),
    "weights of 0": ({}, 1),
    "both": ({"early_stopping": True, "scoring": "loss"}, 1),
    "in order": ({"shuffle": False}, 1),
    "half held out": ({"early_stopping": True, "validation_fraction": 0.5}, None),
}


def trained(large, way):
    X, y = large
    parameters, weighted = WAYS[way]
    weights = None if weighted is None else (np.arange(len(y)) % 10 > 0) * 1.0
    return network(**parameters).fit(X, y, sample_weight=weights)


@pytest.mark.parametrize("way", WAYS)
def test_rows_left_out_do_not_make_a_copy_of_the_others(large, way, monkeypatch):
    tracemalloc.start()
    net = trained(large, way)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    assert peak < 0.5 * MEGABYTES
    monkeypatch.setattr("sknet._sklearn.rows.COPIED_BYTES", np.inf)
    copied = trained(large, way)
    assert_array_equal(net.coefs_[0], copied.coefs_[0])
    assert net.validation_scores_ == copied.validation_scores_
    assert net.loss_curve_ == copied.loss_curve_


def test_what_diverges_on_rows_says_so(large):
    X, y = large
    net = network(solver="sgd", learning_rate_init=1e300, early_stopping=True)
    with pytest.raises(
        ValueError, match=r"max \|X\| = [3-7]\.\d+; lower learning_rate"
    ):
        net.fit(X, y)


def test_a_scorer_and_lbfgs_take_rows_too(large):
    y = np.arange(N_SAMPLES) // 2 % 2
    X, weights = large[0], (np.arange(N_SAMPLES) % 10 > 0) * 1.0
    net = network(early_stopping=True, scoring="balanced_accuracy")
    net.set_params(validation_fraction=0.5).fit(X, y)
    assert len(net.validation_scores_) == 1
    lbfgs = ScratchMLPClassifier((5,), solver="lbfgs", max_iter=2)
    with pytest.warns(ConvergenceWarning):
        lbfgs.fit(X, y, sample_weight=weights)
    assert lbfgs.n_iter_ == 2

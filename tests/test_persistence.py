"""Pickles, memory maps and clones."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sknet import ScratchMLPClassifier
from support import assert_same_fit, assert_same_weights, network, short, unconverged


def test_a_pickle_predicts_the_same(iris):
    X, y = iris
    net = network().fit(X, y)
    for loaded in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert_same_fit(loaded, net)
        assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))


@short
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_pickle_is_little_more_than_the_weights(digits, dtype, early_stopping):
    """The default network on digits, once Adam's memory is dropped."""
    X, y = digits
    net = ScratchMLPClassifier(
        max_iter=5, dtype=dtype, early_stopping=early_stopping, random_state=0
    ).fit(X, y)
    weights = sum(a.nbytes for a in [*net.coefs_, *net.intercepts_])
    whole = len(pickle.dumps(net))
    assert 3 * weights < whole < 3.2 * weights  # with the two moments of each
    net.compact()
    assert len(pickle.dumps(net)) <= 1.2 * weights
    file = io.BytesIO()
    joblib.dump(net, file)
    assert len(file.getvalue()) <= 1.2 * weights


@unconverged
@pytest.mark.parametrize(
    "parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str
)
def test_no_training_data_in_a_pickle(digits, parameters):
    X, y = digits
    sizes = []
    for n_samples in (200, 1797):
        net = network(max_iter=3, **parameters).fit(X[:n_samples], y[:n_samples])
        sizes.append(len(pickle.dumps(net)))
    assert abs(sizes[0] - sizes[1]) < 16


@unconverged
@pytest.mark.parametrize("mmap_mode", ["r", "c"])
@pytest.mark.parametrize(
    "parameters",
    [{}, {"solver": "sgd"}, {"solver": "lbfgs"}, {"early_stopping": True}],
    ids=str,
)
def test_a_memory_mapped_model_predicts_and_trains_on(
    iris, tmp_path, parameters, mmap_mode
):
    X, y = iris
    net = network(warm_start=True, **parameters).fit(X, y)
    joblib.dump(net, tmp_path / "net.joblib")
    mapped = joblib.load(tmp_path / "net.joblib", mmap_mode=mmap_mode)
    assert mapped.coefs_[0].flags.writeable == (mmap_mode == "c")
    assert_array_equal(mapped.predict_proba(X), net.predict_proba(X))
    assert_same_fit(mapped.fit(X, y), net.fit(X, y))


def test_a_memory_mapped_model_trains_on_by_partial_fit(iris, tmp_path):
    X, y = iris
    net = network().partial_fit(X, y, classes=[0, 1, 2])
    joblib.dump(net, tmp_path / "net.joblib")
    mapped = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    assert_same_fit(mapped.partial_fit(X, y), net.partial_fit(X, y))


def test_a_memory_mapped_model_takes_weights_by_hand(iris, tmp_path):
    X, y = iris
    net = network().fit(X, y)
    joblib.dump(net, tmp_path / "net.joblib")
    mapped = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    mapped.coefs_ = [np.zeros_like(coef) for coef in net.coefs_]
    assert not any(coef.any() for coef in mapped.coefs_)


def test_a_clone_is_unfitted_and_lists_are_copied(iris):
    sizes = [6]
    net = network(hidden_layer_sizes=sizes).fit(*iris)
    twin = clone(net)
    assert not [name for name in vars(twin) if name.endswith("_")]
    assert twin.get_params() == net.get_params()
    assert twin.hidden_layer_sizes is not sizes
    sizes.append(5)
    assert net.predict(iris[0]).shape == (150,)
    assert_same_weights(twin.fit(*iris), net)

"""Samples of any container, layout, type and number."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array

from sknet._sklearn.samples import is_ready
from support import (
    COLUMNS,
    CONTAINERS,
    arrays_within,
    assert_same_fit,
    assert_same_weights,
    flat,
    network,
    unconverged,
)


@pytest.mark.parametrize(
    "container",
    [
        lambda X: X.tolist(),
        np.asfortranarray,
        lambda X: X.astype(np.int64),
        lambda X: X.astype(np.int8),
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X[::-1].copy()[::-1],
        lambda X: X.astype(">f8"),
    ],
    ids=["list", "F", "int64", "int8", "strided", "reversed", "big-endian"],
)
def test_samples_of_any_layout_make_the_same_model(iris, container):
    X, y = iris
    X = X.round()
    net = network().fit(container(X), y)
    expected = network().fit(X, y)
    assert_same_fit(net, expected)
    assert_array_equal(net.predict_proba(container(X)), expected.predict_proba(X))


def test_samples_of_bool_make_the_model_of_zeros_and_ones(iris):
    X, y = iris
    assert_same_fit(network().fit(X > 0, y), network().fit((X > 0).astype(float), y))


@pytest.mark.parametrize("batch_size", [32, 150])
def test_samples_that_are_read_only(iris, tmp_path, batch_size):
    X, y = iris
    path = tmp_path / "X.dat"
    np.asarray(X).tofile(path)
    mapped = np.memmap(path, dtype=X.dtype, mode="r", shape=X.shape)
    frozen = X.copy()
    frozen.flags.writeable = False
    expected = network(batch_size=batch_size).fit(X, y)
    for samples in (mapped, frozen):
        net = network(batch_size=batch_size).fit(samples, y)
        assert_same_fit(net, expected)
        assert_array_equal(net.predict(samples), expected.predict(X))


@pytest.mark.parametrize(
    "container",
    [
        sparse.csr_matrix,
        sparse.csc_matrix,
        sparse.coo_matrix,
        sparse.csr_array,
        sparse.csc_array,
    ],
)
@pytest.mark.parametrize("batch_size", [32, 150])
def test_sparse_samples_make_the_same_model(iris, container, batch_size):
    X, y = iris
    X = np.where(np.abs(X) < 0.5, 0, X)
    dense = network(batch_size=batch_size).fit(X, y)
    net = network(batch_size=batch_size).fit(container(X), y)
    assert_allclose(flat(net), flat(dense), rtol=1e-9, atol=1e-12)
    assert_allclose(net.predict_proba(container(X)), dense.predict_proba(X))
    assert_allclose(net.predict_proba(X), dense.predict_proba(container(X)))


def test_training_goes_on_from_sparse_to_dense_and_back(iris):
    X, y = iris
    dense, mixed = network(), network()
    for samples in (sparse.csr_matrix(X), X, sparse.csr_matrix(X)):
        dense.partial_fit(X, y, classes=[0, 1, 2])
        mixed.partial_fit(samples, y, classes=[0, 1, 2])
    assert_allclose(mixed.predict_proba(X), dense.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_feature_names_are_kept_and_checked(iris, container):
    X, y = iris
    frame = CONTAINERS[container](X)
    if not hasattr(StandardScaler().fit(frame), "feature_names_in_"):
        pytest.skip("this scikit-learn cannot read the names of this polars")
    net = network().fit(frame, y)
    assert_array_equal(net.feature_names_in_, COLUMNS)
    assert net.n_features_in_ == 4
    with pytest.warns(UserWarning, match="valid feature names"):
        net.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        net.predict(frame[COLUMNS[::-1]])
    with pytest.raises(ValueError, match="feature names"):
        net.partial_fit(frame[COLUMNS[::-1]], y)
    assert not hasattr(network().fit(X, y), "feature_names_in_")


# -- types of numbers ------------------------------------------------------------------


@unconverged
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("target", ["multiclass", "binary", "multilabel"])
def test_float32_samples_stay_float32_all_through(iris, multilabel, solver, target):
    X, y = multilabel if target == "multilabel" else iris
    if target == "binary":
        y = y > 0
    X = X.astype(np.float32)
    net = network(solver=solver, warm_start=True).fit(X, y)
    arrays = [*net.coefs_, *net.intercepts_]
    arrays += [net.predict_proba(X), net.predict_log_proba(X), net.decision_function(X)]
    if solver != "lbfgs":  # the memory of the optimizer
        kept = arrays_within(net.__getstate__())
        assert sum(a.size for a in kept) >= 2 * sum(a.size for a in net.coefs_)
        arrays += kept
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("dtype", "of_X", "expected"),
    [
        ("float32", np.float64, np.float32),
        (np.float32, np.int64, np.float32),
        ("float64", np.float32, np.float64),
        (None, np.float16, np.float64),
        (None, np.int32, np.float64),
    ],
)
def test_dtype_says_what_the_weights_are(iris, dtype, of_X, expected):
    X, y = iris
    X = X.astype(of_X)
    net = network(dtype=dtype).fit(X, y)
    assert net.coefs_[0].dtype == net.predict_proba(X).dtype == expected


# -- numbers of samples ----------------------------------------------------------------


@pytest.mark.parametrize("n_samples", [2, 19, 20, 21, 40])
@pytest.mark.parametrize("batch_size", ["auto", 20])
def test_any_number_of_samples_makes_batches(iris, n_samples, batch_size):
    """Elsewhere even the default batch size was warned of (scikit-learn issue 5670)."""
    X, y = iris
    rows = np.linspace(0, 149, n_samples).astype(int)
    net = network(batch_size=batch_size, max_iter=2)
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        net.fit(X[rows], y[rows])
    said = [str(w.message) for w in record if "batch_size" in str(w.message)]
    assert len(said) == (batch_size == 20 and n_samples < 20)
    assert all("batch_size=20 is more than" in message for message in said)
    assert net.t_ == 2 * n_samples


@pytest.mark.parametrize("batch_size", ["auto", 1])
def test_one_sample_in_partial_fit(iris, batch_size):
    X, y = iris
    net = network(batch_size=batch_size)
    for i in range(0, 150, 10):
        net.partial_fit(X[i : i + 1], y[i : i + 1], classes=[0, 1, 2])
    assert net.t_ == 15


def test_batches_of_other_sizes_in_partial_fit(iris):
    X, y = iris
    net = network()
    for n in (1, 31, 32, 33, 150, 2):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "batch_size")  # more than n
            net.partial_fit(X[:n], y[:n], classes=[0, 1, 2])
    assert net.t_ == 1 + 31 + 32 + 33 + 150 + 2


@pytest.mark.parametrize("dtype", [">f8", "<f8", ">f4", "<f4"])
def test_the_order_of_bytes_in_a_frame_does_not_matter(dtype, iris):
    """scikit-learn brings arrays into the processor's order, but not frames."""
    X, y = iris
    foreign, native = X.astype(dtype), X.astype(dtype[1:])
    net, expected = network().fit(pd.DataFrame(foreign), y), network().fit(native, y)
    assert_same_weights(net, expected)
    expected = expected.predict_proba(native)
    assert_array_equal(net.predict_proba(pd.DataFrame(foreign)), expected)


PLAIN = np.arange(6.0).reshape(3, 2)
HOSTILE = {
    "plain": PLAIN,
    "float32": PLAIN.astype(np.float32),
    "F": np.asfortranarray(PLAIN),
    "NaN": np.where(PLAIN == 3, np.nan, PLAIN),
    "infinity": np.where(PLAIN == 3, np.inf, PLAIN),
    "both infinities": np.array([[np.inf, -np.inf]]),
    "a sum that overflows": np.full((2, 2), 1e308),
    "no rows": PLAIN[:0],
    "no columns": PLAIN[:, :0],
    "one axis": PLAIN[0],
    "three axes": PLAIN[np.newaxis],
    "integers": PLAIN.astype(int),
    "float16": PLAIN.astype(np.float16),
    "longdouble": PLAIN.astype(np.longdouble),
    "complex": PLAIN.astype(complex),
    "objects": PLAIN.astype(object),
    "strings": PLAIN.astype(str),
    "big-endian": PLAIN.astype(">f8"),
    "masked": np.ma.masked_equal(PLAIN, 3),
    "list": PLAIN.tolist(),
    "frame": pd.DataFrame(PLAIN),
    "sparse": sparse.csr_array(PLAIN),
    "nothing": None,
}


@pytest.mark.parametrize("X", HOSTILE.values(), ids=HOSTILE)
def test_what_is_ready_comes_out_of_all_checks_as_it_is(X):
    if is_ready(X):
        assert check_array(X, dtype=(np.float64, np.float32)) is X


def test_plain_arrays_are_ready():
    ready = [name for name, X in HOSTILE.items() if is_ready(X)]
    assert ready == ["plain", "float32", "F"]


@pytest.mark.parametrize("dtype", [np.int64, np.float64, bool, "U1"])
def test_labels_of_another_length_are_refused_whatever_their_type(iris, dtype):
    X, y = iris
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        network().fit(X, y[:-1].astype(dtype))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_labels_that_are_not_finite_are_refused(iris, number):
    X, y = iris
    y = y.astype(float)
    y[3] = number
    with pytest.raises(ValueError, match="Input y contains"):
        network().fit(X, y)


def test_an_array_after_a_frame_has_no_names(iris):
    X, y = iris
    net = network().fit(pd.DataFrame(X, columns=list("abcd")), y)
    net.fit(X[:, :3], y)
    assert net.n_features_in_ == 3
    assert not hasattr(net, "feature_names_in_")

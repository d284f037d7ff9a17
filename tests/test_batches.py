"""Batches hold every sample once, in scikit-learn's order, wherever X lives."""

import tracemalloc
from unittest import mock

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.utils import shuffle

from sknet import batches as batches_module
from sknet.batches import Batches
from sknet.losses import ClassTargets

BATCH_SIZE = 5
SIZES = [1, 2, BATCH_SIZE - 1, BATCH_SIZE, BATCH_SIZE + 1, 3 * BATCH_SIZE - 2]


def numbered(n_samples, n_features=2):
    """Samples whose first feature, weight and class all tell their number."""
    numbers = np.arange(n_samples)
    X = np.random.RandomState(0).normal(size=(n_samples, n_features))
    X[:, 0] = numbers
    return X, numbers % 3, 0.5 + numbers


def as_memmap(X, tmp_path):
    mapped = np.memmap(tmp_path / "X", X.dtype, mode="w+", shape=X.shape)
    mapped[:] = X
    return mapped


def epochs(batches, n_epochs=1):
    """All batches of some epochs as copies: (X, Y, weights), samples as rows."""
    served = []
    for _ in range(n_epochs):
        for X1, Y, w in batches:
            X1 = X1.toarray() if sparse.issparse(X1) else X1.copy()
            assert_array_equal(X1[0], 1)
            served.append((X1[1:].T, Y.T.copy(), None if w is None else w.copy()))
    return served


def numbers_served(served):
    return [X[:, 0].astype(int).tolist() for X, _, _ in served]


@pytest.mark.parametrize("n_samples", SIZES)
@pytest.mark.parametrize("rng", [None, 0])
@pytest.mark.parametrize("storage", ["dense", "large", "sparse", "memmap"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_epoch_serves_every_sample_once_with_its_own(
    n_samples, rng, storage, dtype, tmp_path
):
    X, y, w = numbered(n_samples)
    rng = None if rng is None else np.random.RandomState(rng)
    given = {"sparse": sparse.csr_matrix(X), "memmap": as_memmap(X, tmp_path)}
    copied = 0 if storage == "large" else 2**25
    with mock.patch.object(batches_module, "COPIED_BYTES", copied):
        batches = Batches(
            given.get(storage, X),
            ClassTargets(y, 3, dtype),
            w,
            batch_size=BATCH_SIZE,
            dtype=dtype,
            rng=rng,
        )
        served = [epochs(batches) for _ in range(3)]
    for epoch in served:
        sizes = [len(batch[0]) for batch in epoch]
        assert sum(sizes) == n_samples
        assert set(sizes[:-1]) <= {BATCH_SIZE}  # only the last one may be shorter
        X_seen, Y_seen, w_seen = map(np.concatenate, zip(*epoch, strict=True))
        assert X_seen.dtype == Y_seen.dtype == dtype
        numbers = X_seen[:, 0].astype(int)
        assert sorted(numbers) == list(range(n_samples))
        assert_array_equal(X_seen, X[numbers].astype(dtype))
        assert_array_equal(Y_seen, np.eye(3)[y[numbers]])
        assert_array_equal(w_seen, w[numbers])
        if rng is None:
            assert numbers.tolist() == list(range(n_samples))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_batches_stay_sparse(container):
    X, y, _ = numbered(12)
    targets, rng = ClassTargets(y, 3), np.random.RandomState(0)
    batches = Batches(container(X), targets, batch_size=5, rng=rng)
    assert all(sparse.issparse(X1) for X1, _, _ in batches)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch_size", [37, 10_000])
@pytest.mark.parametrize("shuffled", [False, True])
def test_where_x_lives_moves_no_bit(dtype, batch_size, shuffled, tmp_path):
    """2 MB of samples: more than is gathered at once."""
    X, y, w = numbered(3000, 90)
    X[X < -1] = 0

    def served(X, copied=2**25):
        rng = np.random.RandomState(0) if shuffled else None
        with mock.patch.object(batches_module, "COPIED_BYTES", copied):
            targets = ClassTargets(y, 3, dtype)
            batches = Batches(
                X, targets, w, batch_size=batch_size, dtype=dtype, rng=rng
            )
            return epochs(batches, n_epochs=2)

    expected = served(X)
    sizes = [len(batch[0]) for batch in expected]
    assert set(sizes) == {min(batch_size, 3000), 3000 % batch_size}
    for others in [
        served(X, copied=0),
        served(np.asfortranarray(X)),
        served(as_memmap(X, tmp_path)),
        served(sparse.csr_matrix(X)),
    ]:
        for batch, other in zip(expected, others, strict=True):
            for ours, theirs in zip(batch, other, strict=True):
                assert_array_equal(ours, theirs)
                assert ours.dtype == theirs.dtype


def test_samples_are_shuffled_as_scikit_learn_does():
    X, y, w = numbered(13)
    batches = Batches(
        X, ClassTargets(y, 3), w, batch_size=4, rng=np.random.RandomState(5)
    )
    rng, order = np.random.RandomState(5), np.arange(13)
    for _ in range(4):
        order = shuffle(order, random_state=rng)  # of the order of the last epoch
        expected = [order[i : i + 4].tolist() for i in range(0, 13, 4)]
        assert numbers_served(epochs(batches)) == expected


@pytest.mark.parametrize("batch_size", [4, 13, None])
def test_an_epoch_takes_one_shuffle_from_the_random_stream(batch_size):
    """Also where one batch holds all samples, whose order does not matter."""
    X, y, _ = numbered(13)
    rng, reference = np.random.RandomState(5), np.random.RandomState(5)
    epochs(Batches(X, ClassTargets(y, 3), batch_size=batch_size, rng=rng), n_epochs=2)
    for _ in range(2):
        shuffle(np.arange(13), random_state=reference)
    assert rng.randint(2**31) == reference.randint(2**31)


def test_a_later_day_goes_on_in_the_order_of_the_last():
    X, y, _ = numbered(13)
    straight = epochs(
        Batches(X, ClassTargets(y, 3), batch_size=4, rng=np.random.RandomState(5)),
        n_epochs=4,
    )
    rng, order, interrupted = np.random.RandomState(5), None, []
    for _ in range(2):
        batches = Batches(X, ClassTargets(y, 3), batch_size=4, rng=rng, order=order)
        interrupted += epochs(batches, n_epochs=2)
        order = batches.order
    assert numbers_served(interrupted) == numbers_served(straight)


@pytest.mark.parametrize("storage", ["large", "memmap", "view of a memmap"])
def test_large_samples_are_not_copied_as_a_whole(storage, tmp_path):
    X = np.random.RandomState(0).normal(size=(20_000, 100))  # 16 MB
    y = np.arange(20_000) % 3
    if storage != "large":
        X = as_memmap(X, tmp_path)
    if storage == "view of a memmap":
        X = np.asarray(X)[:]
    rng = np.random.RandomState(0)
    with mock.patch.object(batches_module, "COPIED_BYTES", 2**20):
        tracemalloc.start()
        try:
            for _ in Batches(X, ClassTargets(y, 3), batch_size=100, rng=rng):
                pass
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < X.nbytes / 3


@pytest.mark.parametrize("batch_size", [3, None])
def test_augmented_batches_are_made_anew_in_each_epoch(batch_size):
    X, y, w = numbered(8)
    before, epoch_number = X.copy(), 0

    def shifted(rows):
        rows += epoch_number  # an array of its own: X stays as it is
        return rows

    batches = Batches(X, ClassTargets(y, 3), w, batch_size=batch_size, augment=shifted)
    for epoch_number in (1, 2, 3):
        X_seen, Y_seen, w_seen = map(np.concatenate, zip(*epochs(batches), strict=True))
        assert_array_equal(X_seen, before + epoch_number)
        assert_array_equal(Y_seen, np.eye(3)[y])
        assert_array_equal(w_seen, w)
    assert_array_equal(X, before)

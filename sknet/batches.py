"""Serves the training set in batches: where X lives, and which rows come next.

:class:`Copied` and :class:`LeftInPlace` answer the first question,
:class:`Batches` the second.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from sknet._blas import laid_out_both_ways
from sknet.activations import Array
from sknet.network import prepend_ones

# A dense X up to this size is copied with its ones; to copy a larger one takes as long
# as to gather it in several epochs.
COPIED_BYTES = 2**25
# Bytes of the rows gathered at once: they should fit in the cache of one core.
BLOCK_BYTES = 2**18


class Copied:
    """Samples that are copied once, with their ones and in the type of theta.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    dtype : dtype

    Examples
    --------
    >>> samples = Copied(np.array([[5.0], [6.0], [7.0]]), np.float64)
    >>> samples.X1(np.array([2, 0]))
    array([[1., 1.],
           [7., 5.]])
    """

    def __init__(self, X: Array, dtype: DTypeLike):
        self._rows = prepend_ones(X, dtype).T
        self._buffer = np.empty((0, self._rows.shape[1]), dtype=dtype)

    def X1(self, rows: slice | Array) -> Array:
        """Samples as columns under ones; of indices, in a buffer that is used again."""
        if isinstance(rows, slice):
            return self._rows[rows].T
        if len(rows) > len(self._buffer):
            self._buffer = np.empty_like(self._rows[: len(rows)])
        out = self._buffer[: len(rows)]  # take is twice as fast as indexing
        return self._rows.take(rows, axis=0, out=out, mode="clip").T


class LeftInPlace:
    """Samples that stay where they are, on disk, sparse or many, until they are read.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    dtype : dtype

    Examples
    --------
    >>> samples = LeftInPlace(np.array([[5.0], [6.0], [7.0]]), np.float32)
    >>> samples.X1(slice(1, 3))
    array([[1., 1.],
           [6., 7.]], dtype=float32)
    """

    def __init__(self, X: Any, dtype: DTypeLike):
        self._X, self._dtype = X, dtype

    def X1(self, rows: slice | Array) -> Any:
        """Samples as columns under ones, cast on the way."""
        return prepend_ones(self._X[rows], self._dtype)


class Batches:
    """Training set, served in batches; iterating over it once is an epoch.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
        Dense up to 32 MB it is copied once (:class:`Copied`).  A larger one, perhaps a
        memory map, or a sparse matrix is read block by block (:class:`LeftInPlace`).
    targets : object
        ``targets[rows]``, rows a slice or indices, is their Y of shape (n_outputs,
        n_rows), as of :class:`~sknet.losses.ClassTargets`.
    sample_weight : ndarray of shape (n_samples,), default=None
    batch_size : int, default=None
        Rows of a batch; all of them by default.
    dtype : dtype, default=float64
        Type of X1.
    rng : RandomState, default=None
        Shuffles the samples before each epoch; None keeps them in their order.
    order : ndarray of shape (n_samples,), default=None
        The order that an earlier epoch left, to shuffle further.
    augment : callable, default=None
        ``augment(rows)`` gets a copy of a batch's rows and returns a new array of that
        shape, to train on instead; dense X only.

    Attributes
    ----------
    n_samples, batch_size : int
    order : ndarray of shape (n_samples,) or None
        The order of the last epoch.

    Examples
    --------
    >>> from sknet.losses import ClassTargets
    >>> targets = ClassTargets(np.array([0, 2, 1]), n_outputs=3)
    >>> X = np.array([[5.0], [6.0], [7.0]])
    >>> for X1, Y, sample_weight in Batches(X, targets, batch_size=2):
    ...     print(X1[1], Y.argmax(axis=0), sample_weight)
    [5. 6.] [0 2] None
    [7.] [1] None
    """

    def __init__(
        self,
        X: Any,
        targets: Any,
        sample_weight: Array | None = None,
        *,
        batch_size: int | None = None,
        dtype: DTypeLike = np.float64,
        rng: np.random.RandomState | None = None,
        order: Array | None = None,
        augment: Callable[[Array], Any] | None = None,
    ):
        self.n_samples, n_features = X.shape
        self.X, self.targets, self.sample_weight = X, targets, sample_weight
        self.batch_size = batch_size or self.n_samples
        self.dtype = np.dtype(dtype)
        self.rng = rng
        self.order = order
        self.augment = augment

        row_bytes = (1 + n_features) * self.dtype.itemsize
        small = row_bytes * self.n_samples <= COPIED_BYTES and not sparse.issparse(X)
        self._samples = (Copied if small else LeftInPlace)(X, self.dtype)
        self._only_batch = None
        if self.batch_size >= self.n_samples:
            X1, Y, w = self._gathered(slice(None))
            if small and augment is None:
                X1 = laid_out_both_ways(X1)
            self._only_batch = X1, Y, w
        row_bytes += len(targets[:1]) * self.dtype.itemsize
        batches_in_block = max(1, BLOCK_BYTES // (row_bytes * self.batch_size))
        self._block = min(batches_in_block * self.batch_size, self.n_samples)

    def __iter__(self) -> Iterator[tuple[Any, Array, Array | None]]:
        """One epoch of (X1, Y, sample_weight), their columns the samples."""
        epoch = self._epoch()
        return epoch if self.augment is None else self._augmented(epoch)

    def _epoch(self):
        if self.rng is not None:
            permutation = np.arange(self.n_samples)
            self.rng.shuffle(permutation)
        if self._only_batch is not None:  # the order of a sum does not matter
            yield self._only_batch
            return
        if self.rng is not None:
            self.order = permutation if self.order is None else self.order[permutation]
        for start in range(0, self.n_samples, self._block):
            stop = min(start + self._block, self.n_samples)
            rows = slice(start, stop) if self.rng is None else self.order[start:stop]
            X1, Y, w = self._gathered(rows)
            for first in range(0, stop - start, self.batch_size):
                batch = slice(first, min(first + self.batch_size, stop - start))
                yield X1[:, batch], Y[:, batch], None if w is None else w[batch]

    def _augmented(self, epoch):
        assert self.augment is not None
        for X1, Y, w in epoch:
            yield prepend_ones(self.augment(X1[1:].T.copy()), self.dtype), Y, w

    def _gathered(self, rows):
        """X1, Y and weights of the samples that ``rows``, a slice or indices, names."""
        w = self.sample_weight
        return (
            self._samples.X1(rows),
            self.targets[rows],
            None if w is None else w[rows],
        )

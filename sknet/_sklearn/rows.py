"""Rows of an array that may be larger than the memory, read when they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sknet.batches import COPIED_BYTES


class Rows:
    """Some rows of an array, by their numbers: what of an array batches need.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Perhaps a memory map.
    numbers : ndarray of int

    Examples
    --------
    >>> rows = Rows(np.arange(10.0).reshape(5, 2), np.array([4, 0, 2]))
    >>> rows.shape, rows[1:], np.asarray(rows[[0]])
    ((3, 2), array([[0., 1.],
           [4., 5.]]), array([[8., 9.]]))
    """

    def __init__(self, X: NDArray[Any], numbers: NDArray[np.intp]) -> None:
        self.X, self.numbers = X, numbers
        self.shape, self.dtype = (len(numbers), X.shape[1]), X.dtype

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """The rows that a slice or an array of indices names, as a copy."""
        return self.X[self.numbers[key]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All of them in memory, for what cannot do with less: a scorer, "lbfgs"."""
        return np.asarray(self[:], dtype)


def rows_of(X: Any, numbers: NDArray[np.intp]) -> Any:
    """Those rows of X: a copy where X is small or sparse, else :class:`Rows`."""
    if isinstance(X, Rows):
        return rows_of(X.X, X.numbers[numbers])
    row_bytes = 0 if sparse.issparse(X) else X.shape[1] * X.dtype.itemsize
    if row_bytes * len(numbers) <= COPIED_BYTES:
        return X[numbers]
    return Rows(X, numbers)

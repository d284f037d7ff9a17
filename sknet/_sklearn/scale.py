"""Tells whether the features of X are scaled: networks want them around 1."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# Rows looked at, evenly spaced: a data set may be too large to read for a warning.
MOST_ROWS = 1000
# Root mean square of a feature from which on it counts as not scaled: StandardScaler
# makes it 1, and networks still cope with digits from 0 to 16.
LARGE = 25.0
# Two sets are scaled alike if their features' means differ by less than so many
# standard deviations, and these by less than this factor.
FAR = 5.0
FEW_ROWS = 10
# Elements of X read at once.
BLOCK = 2**22


def largest_entry(X: Any) -> float:
    """Max |X|, block by block and without a change to X, which may be sparse.

    The ``max`` of a sparse matrix would merge its duplicate entries in place.
    """
    if sparse.issparse(X):
        return float(np.abs(X.data).max(initial=0.0))
    n_rows = max(1, BLOCK // max(1, X.shape[1]))
    blocks = (X[i : i + n_rows] for i in range(0, X.shape[0], n_rows))
    extremes = [(block.min(), block.max()) for block in blocks if block.size]
    return float(np.abs(extremes).max(initial=0.0))


def check_range(X: Any, dtype: Any) -> None:
    """Refuse numbers that are finite in X but not in the type of the network.

    Raises
    ------
    ValueError
        As scikit-learn does for infinity.
    """
    dtype = np.dtype(dtype)
    if X.dtype.itemsize <= dtype.itemsize:
        return
    with np.errstate(over="ignore", under="ignore"):
        largest = float(dtype.type(largest_entry(X)))
    if not isfinite(largest):
        raise ValueError(
            f"Input X contains infinity or a value too large for {dtype}, the type of "
            "this network: replace it, or train with dtype='float64'."
        )


def evenly_spaced(n_rows: int, n_most: int) -> NDArray[np.intp]:
    """Numbers of at most so many rows, from the first to the last."""
    return np.linspace(0, n_rows - 1, min(n_rows, n_most)).astype(np.intp)


@np.errstate(all="ignore")
def largest_feature(X: Any) -> float:
    """Root mean square of the largest feature of X."""
    rows = _some_rows(X)
    if sparse.issparse(rows):
        squares = rows.astype(np.float64).power(2).sum(axis=0)
    else:  # without an array of squares as large as the rows
        squares = np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
    return float(np.sqrt(np.asarray(squares) / rows.shape[0]).max(initial=0.0))


@np.errstate(all="ignore")
def scaled_unlike(X: Any, X_val: Any) -> bool:
    """Whether most features of a validation set are of another size than those of X.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 5))
    >>> scaled_unlike(X[:50], X[50:]), scaled_unlike(X, 16 * X), scaled_unlike(X, X + 9)
    (False, True, True)
    """
    (mean, std), (mean_val, std_val) = _moments(X), _moments(X_val)
    ratio = np.ones_like(std)
    both = (std > 0) & (std_val > 0) & (X_val.shape[0] >= FEW_ROWS)
    ratio[both] = std_val[both] / std[both]
    shift, width = np.abs(mean_val - mean), FAR * np.maximum(std, std_val)
    far = (shift > width) & (std > 0) | (ratio > FAR) | (ratio < 1 / FAR)
    return bool(np.mean(far) > 0.5)


@np.errstate(all="ignore")
def _moments(X: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each feature, in some rows of X."""
    rows = _some_rows(X).astype(np.float64)
    if sparse.issparse(rows):
        mean = np.asarray(rows.mean(axis=0)).ravel()
        squares = np.asarray(rows.multiply(rows).mean(axis=0)).ravel()
        return mean, np.sqrt(np.maximum(squares - mean**2, 0.0))
    return rows.mean(axis=0), rows.std(axis=0)


def _some_rows(X: Any) -> Any:
    """At most so many rows of X, evenly spaced; of an array a view."""
    return X[:: -(-X.shape[0] // MOST_ROWS)]

"""Samples as the user passed them: checked, with their weights."""

from __future__ import annotations

from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import column_or_1d, validate_data

from sknet._sklearn.rows import rows_of

# Weights are divided by their mean, and the penalty by their sum, in float32 too.
LEAST_TOTAL, MOST_TOTAL = np.finfo(np.float32).tiny, np.finfo(np.float32).max


class Samples(NamedTuple):
    """Validated data.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets as the user gave them, later encoded.
    sample_weight : ndarray of shape (n_samples,) or None
        0 or more.
    numbers : ndarray of shape (n_samples,) or None
        Their rows in what the user gave; None for all of them.
    """

    X: Any
    y: Any
    sample_weight: NDArray[np.float64] | None
    numbers: NDArray[np.intp] | None = None

    def rows(self, indices: NDArray[np.intp]) -> Samples:
        """These samples only, large X by reference."""
        w, numbers = self.sample_weight, self.numbers
        return Samples(
            rows_of(self.X, indices),
            self.y[indices],
            None if w is None else w[indices],
            indices if numbers is None else numbers[indices],
        )

    def weighted(self, factors: NDArray[Any] | None) -> Samples:
        """Samples with weights multiplied by ``factors``, those of weight 0 left out.

        Parameters
        ----------
        factors : ndarray of shape (n_samples,) or None
            None leaves the weights as they are.
        """
        w = self.sample_weight
        if factors is not None:
            with np.errstate(over="ignore", under="ignore"):
                w = factors if w is None else w * factors
            check_total(w)
        samples = self._replace(sample_weight=w)
        if w is None or w.all():
            return samples
        return samples.rows(np.flatnonzero(w))


def read_samples(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    reset: bool,
    name: str = "y",
) -> Samples:
    """What the user passed as samples with X dense or CSR.

    Parameters
    ----------
    estimator : NetworkEstimator
        With ``reset`` it is told the number and the names of the features, else they
        are compared with those that it knows.
    X, y, sample_weight
        As for ``fit``.
    reset : bool
    name : str, default="y"
        What messages call y.
    """
    estimator._check_given(y, name)
    with np.errstate(invalid="ignore"):  # infinities of both signs are added up
        X, y = validate_data(
            estimator,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=estimator._y_numeric,
            dtype=(np.float64, np.float32),
            reset=reset,
            skip_check_array=is_ready(X) and _is_ready_target(y, len(X)),
        )
    X = in_native_order(X)
    if y.ndim == 2 and y.shape[1] == 1 and not sparse.issparse(y):
        y = column_or_1d(y, warn=True)
    return Samples(X, y, checked_weights(sample_weight, X.shape[0]))


def is_ready(X: Any) -> bool:
    """Whether X is a plain array of finite floats that all checks would let through.

    Three looks at it tell: on small data scikit-learn's checks of what needs none take
    longer than all else before training, and of one row longer than its prediction.
    """
    if type(X) is not np.ndarray or X.ndim != 2 or not X.size:
        return False
    return X.dtype in (np.float64, np.float32) and _is_finite(X)


def _is_ready_target(y: Any, n_samples: int) -> bool:
    """Whether the same is true of targets of so many samples: y needs one column."""
    if type(y) is not np.ndarray or y.shape != (n_samples,):
        return False
    return y.dtype.kind in "biuU" or (y.dtype.char in "fd" and _is_finite(y))


def _is_finite(array: NDArray[Any]) -> bool:
    """Whether all is finite for sure, as the sum is; False where that overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return isfinite(np.add.reduce(array, axis=None))


def in_native_order(X: Any) -> Any:
    """X with its bytes in this processor's order, which those of a frame may not be."""
    return X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))


def weights_of(sample_weight: Any, n_samples: int) -> NDArray[np.float64] | None:
    """Sample weights as an array, or None for none.

    Raises
    ------
    ValueError
        For weights of a wrong shape, negative, not finite or all zero.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, str):
        raise ValueError(
            f"sample_weight={sample_weight!r} is no array: pass one weight for each "
            "sample; classes are balanced by class_weight='balanced'."
        )
    if np.isscalar(sample_weight):
        sample_weight = np.full(n_samples, sample_weight)
    with np.errstate(invalid="ignore"):  # infinities of both signs are added up
        sample_weight = check_array(
            sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
        )
    if sample_weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {sample_weight.shape}, expected ({n_samples},): "
            "one weight for each sample."
        )
    if (sample_weight < 0).any():
        raise ValueError(
            f"Negative values in sample_weight, the least {sample_weight.min()}: "
            "weights are 0 or more."
        )
    if not sample_weight.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number. All "
            f"{n_samples} are 0."
        )
    return sample_weight


def checked_weights(sample_weight: Any, n_samples: int) -> NDArray[np.float64] | None:
    """The same, for training: of a total that is within the range of float32."""
    sample_weight = weights_of(sample_weight, n_samples)
    if sample_weight is not None:
        check_total(sample_weight)
    return sample_weight


def check_total(weights: NDArray[np.float64]) -> None:
    """Refuse weights, times those of their classes, that are too large or too small.

    Raises
    ------
    ValueError
        Unless their sum is 0, or a number that float32 can hold.
    """
    with np.errstate(over="ignore", under="ignore"):
        total = weights.sum()
    if total and not LEAST_TOTAL <= total <= MOST_TOTAL:
        raise ValueError(
            f"sample_weight, times class_weight, sums to {total:.3g}, which is beyond "
            f"{LEAST_TOTAL:.2g} to {MOST_TOTAL:.2g}: multiply the weights by a common "
            "factor, so that their mean is about 1."
        )

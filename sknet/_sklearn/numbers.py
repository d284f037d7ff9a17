"""Targets that are numbers, in their own units and in those of training."""

from __future__ import annotations

from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from sknet._sklearn.samples import Samples


class Numbers(NamedTuple):
    """What a regressor has learned of its targets.

    Attributes
    ----------
    n_targets : int or None
        Columns of y; None for y of shape (n_samples,).
    levels : list of float or None
        Quantiles of the one target that are estimated.
    dtype : dtype
        Of the network, which targets must not be too large for.
    least, open : float, bool
        The least target that the loss is defined for, and whether that is none itself.
    mean, scale : ndarray of shape (n_targets,) or None
        Targets are trained on as (y - mean) / scale; None leaves them as they are.
    spread : float
        The largest standard deviation of a target in training.
    """

    n_targets: int | None
    levels: list[float] | None
    dtype: Any
    least: float = -np.inf
    open: bool = False
    mean: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None
    spread: float = 1.0

    @property
    def n_outputs(self) -> int:
        """Outputs of the network: one for each target, or each quantile."""
        return self.n_targets or len(self.levels or [0.5])

    @property
    def attributes(self) -> dict[str, Any]:
        """What a fitted estimator keeps of them."""
        return {
            "_n_targets": self.n_targets,
            "_levels": self.levels,
            "_spread": self.spread,
            "target_mean_": self.mean,
            "target_scale_": self.scale,
        }

    def scaled(self, samples: Samples) -> Numbers:
        """The same with the mean and the standard deviation of these targets.

        Both are weighted; a constant target has the scale 1.
        """
        mean, scale = moments(columns(samples.y), samples.sample_weight)
        if not np.isfinite([mean, scale]).all():
            raise ValueError(
                f"y is from {samples.y.min():.3g} to {samples.y.max():.3g}, which is "
                "too wide to be scaled: divide targets by a power of ten."
            )
        return self._replace(mean=mean, scale=np.where(scale > 0, scale, 1.0))

    def encode(self, samples: Samples, name: str = "y", remedy: str = "") -> Samples:
        """Samples with y of shape (n_samples, n_targets), scaled.

        ``name`` is for messages; ``remedy`` is that of labels.

        Raises
        ------
        ValueError
            For another number of targets than training began with, and targets that
            the loss is not defined for or that the network's type cannot hold.
        """
        samples = samples.weighted(None)
        if n_targets_of(samples.y) != self.n_targets:
            raise ValueError(
                f"{name} of shape {samples.y.shape} does not fit this model, which was "
                f"first trained on {self.n_targets or 'a single'} "
                f"target{'s' if self.n_targets else ''}: give it as many."
            )
        y = columns(samples.y)
        self._check(y, name)
        if self.mean is not None:
            with np.errstate(all="ignore"):
                y = (y - self.mean) / self.scale
            self._check_finite(y, f"{name}, scaled as in first training,")
        return samples._replace(y=y)

    def _check_finite(self, y: NDArray[Any], name: str) -> None:
        if not np.isfinite(y).all():
            raise ValueError(
                f"{name} overflows {y.dtype}: divide targets by a power of ten, or "
                "scale X as in training."
            )

    def _check(self, y: NDArray[np.float64], name: str) -> None:
        smallest, largest = y.min(initial=np.inf), y.max(initial=-np.inf)
        limit = float(np.finfo(self.dtype).max)
        if max(-smallest, largest) > limit:
            raise ValueError(
                f"{name} has {largest if largest > limit else smallest:.6g}, which the "
                f"network's type, {self.dtype}, cannot hold: divide targets by a "
                "power of ten, or set dtype='float64'."
            )
        with np.errstate(under="ignore"):  # what is 0 in the network's type is 0
            smallest = float(self.dtype.type(smallest))
        if smallest < self.least or (self.open and smallest == self.least):
            raise ValueError(
                f"{name} has {smallest:.6g}, but this loss needs targets "
                f"{'above' if self.open else 'of at least'} {self.least:g}: leave such "
                "samples out, or choose another loss."
            )

    def decode(self, h: NDArray[Any]) -> NDArray[Any]:
        """Targets in their own units, of shape (n_samples,) for a single output."""
        if self.mean is not None:
            with np.errstate(all="ignore"):
                h = (h * self.scale + self.mean).astype(h.dtype, copy=False)
            self._check_finite(h, "an estimate, in the units of y,")
        return h[:, 0] if h.shape[1] == 1 else h


def n_targets_of(y: Any) -> int | None:
    """Number of columns of y; None if it has one dimension.

    Raises
    ------
    ValueError
        For sparse y, and for y without columns.
    """
    if sparse.issparse(y):
        raise ValueError(
            f"y of shape {y.shape} is sparse, which a regressor does not support: "
            "pass y.toarray()."
        )
    if y.ndim == 2 and not y.shape[1]:
        raise ValueError(
            f"y of shape {y.shape} has no targets: pass one column for each of them."
        )
    return None if y.ndim == 1 else y.shape[1]


def columns(y: NDArray[Any]) -> NDArray[np.float64]:
    """Targets of shape (n_samples, n_targets), in float64.

    Raises
    ------
    ValueError
        For what is no number.
    """
    try:
        y = np.asarray(y, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"y of type {y.dtype} is not made of numbers ({error}): labels are for "
            "ScratchMLPClassifier."
        ) from None
    return y[:, np.newaxis] if y.ndim == 1 else y


def moments(
    y: NDArray[np.float64], sample_weight: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean and standard deviation of each column.

    The deviation of a constant is exactly 0, and its mean is the constant.
    """
    with np.errstate(over="ignore"):
        origin, width = y[0], np.ptp(y, axis=0)
    width = np.where(width > 0, width, 1.0)
    # From 0 to 1 in size: neither too small nor too large to be squared.
    with np.errstate(all="ignore"):
        t = (y - origin) / width
    mean = np.average(t, axis=0, weights=sample_weight)
    variance = np.average((t - mean) ** 2, axis=0, weights=sample_weight)
    with np.errstate(all="ignore"):
        return origin + width * mean, width * np.sqrt(variance)


def in_moderate_units(*arrays: Any) -> tuple[Any, ...]:
    """The arrays, in other units where their squares would leave the range of floats.

    R² does not depend on the units.  What is not made of real numbers stays as it is.
    """
    if any(map(np.iscomplexobj, arrays)):
        return arrays
    try:
        numbers = [np.asarray(one, dtype=np.float64) for one in arrays]
    except (TypeError, ValueError):
        return arrays
    largest = max(np.abs(one).max(initial=0.0) for one in numbers)
    if not 0 < largest < np.inf or 1e-100 < largest < 1e100:
        return arrays
    with np.errstate(under="ignore"):
        return tuple(one / largest for one in numbers)


def levels_of(quantile: float | ArrayLike) -> list[float]:
    """Quantiles as a list.

    Raises
    ------
    ValueError
        For what is no quantile, and quantiles that do not ascend.
    """
    levels = np.ravel(np.asarray(quantile, dtype=object)).tolist()
    right = all(isinstance(level, Real) and 0 < level < 1 for level in levels)
    if not (levels and right and all(np.diff(np.array(levels, dtype=float)) > 0)):
        raise ValueError(
            f"quantile={quantile!r} must be a number above 0 and below 1, or several "
            "in ascending order."
        )
    return [float(level) for level in levels]

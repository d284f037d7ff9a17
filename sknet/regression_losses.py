"""Measures how wrong raw outputs are as estimates of numbers.

Each is a :class:`~sknet.losses.Loss` of a column z of raw outputs and a column y of
targets, summed over the outputs::

    squared_error    1/2 (z - y)^2                        z estimates the mean
    absolute_error   |z - y|                              the median
    huber            c (|z - y| - c / 2)                  in between; c below
    quantile         (z - y) (1[z > y] - q)               the quantile q
    poisson          h - y z + y log y - y, h = exp(z)    the mean of counts
    gamma            y / h - log(y / h) - 1, h = exp(z)   the mean of positive numbers

with ``c = min(|z - y|, delta)`` and quantiles q.  The last two are half deviances with
a log link, which keeps predictions positive.  Absolute error and quantile have a kink,
of which the derivative is 0 and -q here: L-BFGS, which counts on a derivative that does
not jump, may stop early at it.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import xlogy

from sknet.activations import Array
from sknet.losses import Loss


def identity(z: Array) -> Array:
    """H = z, as it is."""
    return z


def exponential(z: Array) -> Array:
    """H = exp(z), in place: predictions above 0."""
    return np.exp(z, out=z)


def ascending(z: Array) -> Array:
    """H = z in ascending order, in place: quantiles that do not cross."""
    z.sort(axis=0)
    return z


def squared_error(z: Array, y: Array) -> Array:
    """Half the squared error; its derivative is z - y.

    Examples
    --------
    >>> z = np.array([[3.0], [1.0]])
    >>> squared_error(z, np.array([[1.0], [1.0]])), z.ravel()
    (array([2.]), array([2., 0.]))
    """
    z -= y
    return 0.5 * np.add.reduce(z * z, axis=0)


def absolute_error(z: Array, y: Array) -> Array:
    """The absolute error; its derivative is the sign of z - y.

    Examples
    --------
    >>> z = np.array([[3.0, 1.0]])
    >>> absolute_error(z, np.array([[1.0, 4.0]])), z.ravel()
    (array([2., 3.]), array([ 1., -1.]))
    """
    z -= y
    losses = np.add.reduce(np.abs(z), axis=0)
    np.sign(z, out=z)
    return losses


def huber(delta: float) -> Loss:
    """Half the squared error where that is small, else linear.

    Its derivative is z - y, but no larger than ``delta`` in size, so that outliers pull
    no harder than that (Huber, *Robust estimation of a location parameter*, Annals of
    Mathematical Statistics 35, 1964).

    Parameters
    ----------
    delta : float > 0
        Error from which on the loss is linear.

    Examples
    --------
    >>> z = np.array([[0.5, 3.0]])
    >>> huber(1.0).residual(z, np.zeros((1, 2))), z.ravel()
    (array([0.125, 2.5  ]), array([0.5, 1. ]))
    """

    def residual(z: Array, y: Array) -> Array:
        z -= y
        error = z.copy()
        np.clip(z, -delta, delta, out=z)
        return np.add.reduce(z * (error - 0.5 * z), axis=0)

    return Loss(identity, residual)


def quantile(levels: Sequence[float]) -> Loss:
    """The pinball loss: one output for each quantile of the one target.

    Errors above and below are weighed 1 - q to q, so that in the best place a share q
    of the targets lies below (Koenker and Bassett, *Regression quantiles*, Econometrica
    46, 1978).  Outputs are put in order by the link, so that quantiles never cross,
    which brings them no farther from the truth (Chernozhukov, Fernández-Val and
    Galichon, *Quantile and probability curves without crossing*, Econometrica 78,
    2010).

    Parameters
    ----------
    levels : sequence of float in (0, 1)
        In ascending order.

    Examples
    --------
    >>> loss, z = quantile([0.1, 0.9]), np.array([[3.0], [1.0]])
    >>> loss.residual(z.copy(), np.array([[2.0]])), loss.inverse_link(z).ravel()
    (array([1.8]), array([1., 3.]))
    """
    q = np.array(levels, dtype=float)[:, np.newaxis]

    def residual(z: Array, y: Array) -> Array:
        z -= y
        slope = (z > 0) - q.astype(z.dtype)
        losses = np.add.reduce(z * slope, axis=0)
        z[...] = slope
        return losses

    return Loss(ascending, residual)


def poisson(z: Array, y: Array) -> Array:
    """Half the Poisson deviance; its derivative is h - y, h = exp(z).

    Examples
    --------
    >>> z = np.log([[2.0]])
    >>> poisson(z, np.array([[2.0]])).round(12), z.round(12)
    (array([0.]), array([[0.]]))
    """
    losses = xlogy(y, y) - y - y * z
    np.exp(z, out=z)
    losses += z
    z -= y
    return np.add.reduce(losses, axis=0)


def gamma(z: Array, y: Array) -> Array:
    """Half the gamma deviance; its derivative is 1 - y / h, h = exp(z).

    Examples
    --------
    >>> z = np.log([[4.0]])
    >>> gamma(z, np.array([[2.0]])).round(3), z.round(12)
    (array([0.193]), array([[0.5]]))
    """
    losses = z - np.log(y) - 1
    ratio = np.negative(z, out=z)
    np.exp(ratio, out=ratio)
    ratio *= y  # y / h
    losses += ratio
    np.subtract(1, ratio, out=z)
    return np.add.reduce(losses, axis=0)


LINKS = {"identity": identity, "exp": exponential, "ascending": ascending}

# Losses with a log link: the least target, and whether that is too little itself.
DOMAINS = {"poisson": (0.0, False), "gamma": (0.0, True)}

LOSSES_OF_NUMBERS = {
    "squared_error": Loss(identity, squared_error),
    "absolute_error": Loss(identity, absolute_error),
    "poisson": Loss(exponential, poisson),
    "gamma": Loss(exponential, gamma),
}


class NumberTargets:
    """Targets of samples that are numbers, in the type of the network.

    Parameters
    ----------
    y : ndarray of shape (n_samples, n_targets)
    dtype : dtype, default=float64

    Examples
    --------
    >>> NumberTargets(np.array([[1.0, 2.0], [3.0, 4.0]]))[:1]
    array([[1.],
           [2.]])
    """

    def __init__(self, y: Array, dtype: DTypeLike = np.float64):
        self.y = y
        self.dtype = dtype

    def __getitem__(self, rows: slice | Array) -> Array:
        """Y of some samples, a slice or indices, shape (n_targets, n_rows)."""
        return np.ascontiguousarray(self.y[rows].T, dtype=self.dtype)


# -- a loss of one's own ---------------------------------------------------------------

# Where a pair is compared with differences: no kink at or around a target is hit.
GRID = np.linspace(-2.93, 3.11, 40)
TARGETS = np.array([-1.7, 0.4, 2.2])
STEP, TOLERANCE = 1e-5, 1e-5

Function: TypeAlias = Callable[[Array, Array], Any]


def check_derivative(function: Function, derivative: Function) -> None:
    """Compare the derivative of a loss with central differences, at 120 points.

    Points where the loss is not finite, of negative targets say, are left out.

    Parameters
    ----------
    function, derivative : callable
        See :func:`from_functions`.

    Raises
    ------
    ValueError
        Where the two disagree by more than 1e-5, relative to a slope above 1, or an
        array of another shape comes back.

    Examples
    --------
    >>> check_derivative(lambda h, y: (h - y) ** 4, lambda h, y: 4 * (h - y) ** 3)
    """
    h, y = np.meshgrid(GRID, TARGETS)
    with np.errstate(all="ignore"):
        above, below = function(h + STEP, y), function(h - STEP, y)
        given = derivative(h.copy(), y)
        for array in above, given:
            if np.shape(array) != h.shape:
                raise ValueError(
                    f"The loss {function!r} and its derivative must return an array of "
                    f"the shape of the predictions; for {h.shape} one returned "
                    f"{np.shape(array)}."
                )
        slopes = (above - below) / (2 * STEP)
        errors = np.abs(given - slopes) / np.maximum(1, np.abs(slopes))
    defined = np.isfinite(slopes)
    errors[~np.isfinite(errors)] = np.inf
    errors[~defined] = -np.inf
    worst = np.unravel_index(errors.argmax(), errors.shape)
    if not defined.any() or errors[worst] > TOLERANCE:
        raise ValueError(
            f"The derivative of the loss {function!r} is wrong: for h={h[worst]:.3g} "
            f"and y={y[worst]:.3g} the slope in h is {slopes[worst]:.6g}, but it gives "
            f"{given[worst]:.6g}."
        )


def from_functions(function: Function, derivative: Function) -> Loss:
    """Loss made of two functions of predictions and targets, entry by entry.

    Parameters
    ----------
    function : callable
        ``function(h, y)`` returns a new array, the loss of each entry.
    derivative : callable
        ``derivative(h, y)`` returns its slope in h.

    Returns
    -------
    loss : Loss
        With h = z.

    Examples
    --------
    >>> loss = from_functions(lambda h, y: (h - y) ** 4, lambda h, y: 4 * (h - y) ** 3)
    >>> z = np.array([[3.0]])
    >>> loss.residual(z, np.array([[1.0]])), z
    (array([16.]), array([[32.]]))
    """

    def residual(z: Array, y: Array) -> Array:
        losses = np.add.reduce(function(z, y), axis=0)
        z[...] = derivative(z, y)
        return losses

    return Loss(identity, residual)

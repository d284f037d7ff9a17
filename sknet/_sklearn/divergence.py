"""Detects training that has diverged, by its cost and its weights.

Weights that a step has thrown far off show in the cost only when it is next taken, so
the last step's would never show.  Here the cost of some samples is taken anew after an
epoch, but only where weights or cost have grown so much that it is worth a look: in
ordinary training they never do.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknet._blas import norm_of

# Growth of the norm of all weights in one call of ``fit`` that is worth a look;
# ordinary training makes it two to five times as large.
SUSPICIOUS_GROWTH = 10.0
# Cost that is worth a look: that of an untrained network on scaled X is about 1.
SUSPICIOUS_COST = 100.0
# How many times the cost that it began with, or that of weights of 0 which know
# nothing, a network that has diverged has.
FAR_ABOVE = 1000.0

CostAt = Callable[[NDArray[Any]], float]


class Divergence:
    """Watches the weights of one call of ``fit``.

    Parameters
    ----------
    cost_at : callable
        From weights to the cost of some of the samples.
    theta : ndarray
        The weights that training begins with.
    """

    def __init__(self, cost_at: CostAt, theta: NDArray[Any]) -> None:
        self._cost_at = cost_at
        self._large = SUSPICIOUS_GROWTH * max(norm_of(theta), 1.0)
        self._reference: float | None = None

    def fault_of(
        self, theta: NDArray[Any], before: NDArray[Any], cost: float
    ) -> str | None:
        """What is wrong with weights that an epoch has left, in words, or None.

        Parameters
        ----------
        theta, before : ndarray
            The weights after and before the epoch.
        cost : float
            The epoch's.
        """
        if not self._is_suspicious(theta, cost):
            return None
        if self._reference is None:
            at_rest = np.zeros_like(theta)
            self._reference = max(self._cost_at(before), self._cost_at(at_rest))
        now = self._cost_at(theta)
        if isfinite(now):
            return None
        return f"the loss is {cost:.6g} and {now} after the last step"

    def rise(self, theta: NDArray[Any], cost: float) -> tuple[float, float] | None:
        """Costs it began and ended with, if the second is far above the first.

        Parameters
        ----------
        theta : ndarray
            The weights that are kept.
        cost : float
            The last epoch's.
        """
        if self._reference is None or not self._is_suspicious(theta, cost):
            return None
        now = self._cost_at(theta)
        if now <= FAR_ABOVE * self._reference:
            return None
        return self._reference, now

    def _is_suspicious(self, theta: NDArray[Any], cost: float) -> bool:
        return not (squares_of(theta) <= self._large**2 and cost <= SUSPICIOUS_COST)


def is_finite(vector: NDArray[Any]) -> bool:
    """Whether all entries are finite, those too whose squares are not."""
    # Sum and extremes are finite where all is, and need no array of bools.
    return isfinite(squares_of(vector)) or (
        isfinite(vector.min()) and isfinite(vector.max())
    )


def squares_of(vector: NDArray[Any]) -> float:
    """Sum of squares: not finite where an entry, or its square, is not."""
    return float(np.dot(vector, vector))

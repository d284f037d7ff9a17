"""Computes losses and probabilities from a network's raw outputs, and the targets.

A loss takes raw outputs z, one column a sample, and owns its link: the function from
raw outputs to predictions h, such as probabilities.  Negative log-likelihoods with
their canonical link have the derivative dJ/dz = h - y (Bishop, *Pattern Recognition and
Machine Learning*, 2006, section 4.3.6): those of classes, here, and some of numbers, in
:mod:`sknet.regression_losses`.

Conventions: z and y have shape (n_outputs, n_samples) and a loss is one number a
sample.  Of classes y is 0 or 1, and losses come from raw outputs by log-sum-exp, so
that they stay finite and exact however sure the network is.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import expit, log_expit, log_softmax

from sknet.activations import Array


class Loss(NamedTuple):
    """A loss and its link.

    Attributes
    ----------
    inverse_link : callable
        ``inverse_link(z)`` turns raw outputs into predictions in place and returns
        them.
    residual : callable
        ``residual(z, y)`` returns the samples' losses, shape (n_samples,), and leaves
        the derivative of each loss with respect to z, h - y mostly, in z.
    log_inverse_link : callable, default=None
        ``log_inverse_link(z)`` returns the logarithms of predictions that are
        probabilities.

    Examples
    --------
    >>> z, y = np.array([[0.0], [np.log(3)]]), np.array([[0.0], [1.0]])
    >>> loss = LOSSES["softmax"].residual(z, y)  # -log(3/4)
    >>> loss.round(3), z.ravel()
    (array([0.288]), array([ 0.25, -0.25]))
    """

    inverse_link: Callable[[Array], Array]
    residual: Callable[[Array, Array], Array]
    log_inverse_link: Callable[[Array], Array] | None = None


def logistic(z: Array) -> Array:
    """h_j = 1 / (1 + exp(-z_j)) of each output by itself, in place."""
    return expit(z, out=z)


def logistic_residual(z: Array, y: Array) -> Array:
    """Loss of the article: -sum_j [y_j log h_j + (1 - y_j) log(1 - h_j)].

    With h the logistic function of z, each term is log(1 + exp(z)) - y z, and
    ``log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|))`` cannot overflow.
    """
    terms = np.abs(z)
    np.negative(terms, out=terms)
    np.exp(terms, out=terms)
    np.log1p(terms, out=terms)
    # max(z, 0) - y z is |z| on the wrong side of 0, and exactly 0 on the right one,
    # where the small term must not drown in z.
    terms += np.maximum(z, 0.0) - y * z
    expit(z, out=z)
    z -= y
    return np.add.reduce(terms, axis=0)


def softmax(z: Array) -> Array:
    """h_j = exp(z_j) / sum_k exp(z_k), in place."""
    z -= np.maximum.reduce(z, axis=0)
    np.exp(z, out=z)
    z /= np.add.reduce(z, axis=0)
    return z


def log_softmax_of(z: Array) -> Array:
    """Log h_j = z_j - log sum_k exp(z_k)."""
    return log_softmax(z, axis=0)


def softmax_residual(z: Array, y: Array) -> Array:
    """Cross-entropy -sum_j y_j log h_j = log sum_k exp(z_k) - sum_j y_j z_j."""
    z -= np.maximum.reduce(z, axis=0)  # so that exp cannot overflow
    target = np.add.reduce(y * z, axis=0)
    np.exp(z, out=z)
    total = np.add.reduce(z, axis=0)
    z /= total
    z -= y
    np.log(total, out=total)
    total -= target
    return total


LOSSES = {
    "logistic": Loss(logistic, logistic_residual, log_expit),
    "softmax": Loss(softmax, softmax_residual, log_softmax_of),
}


class ClassTargets:
    """Targets of samples of classes: 1 for the class of a sample, 0 for the others.

    They are made when they are asked for, so that a million samples need no matrix of
    zeros and ones.  Smoothed, they are ::

        Y(1 - smoothing) + smoothing / K

    with K the number of classes, 2 for a label that is there or not: no output need
    ever be certain (Szegedy et al., *Rethinking the Inception architecture for computer
    vision*, CVPR 2016, section 7).

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class indices, or for multilabel targets an array of bool.
    n_outputs : int
        One output stands for the second of two classes.
    dtype : dtype, default=float64
    smoothing : float in [0, 1), default=0.0
    n_classes : int, default=None
        By default ``n_outputs``, but at least 2.

    Examples
    --------
    >>> targets = ClassTargets(np.array([0, 2, 1]), n_outputs=3)
    >>> targets[:2]
    array([[1., 0.],
           [0., 0.],
           [0., 1.]])
    >>> ClassTargets(np.array([0, 2]), n_outputs=3, smoothing=0.3)[:].round(1)
    array([[0.8, 0.1],
           [0.1, 0.1],
           [0.1, 0.8]])
    """

    def __init__(
        self,
        y: Array,
        n_outputs: int,
        dtype: DTypeLike = np.float64,
        smoothing: float = 0.0,
        n_classes: int | None = None,
    ):
        self.y = y
        self.n_outputs = n_outputs
        self.dtype = dtype
        self.smoothing = smoothing
        self.n_classes = n_classes or max(n_outputs, 2)

    def __getitem__(self, rows: slice | Array) -> Array:
        """Y of some samples, a slice or indices, shape (n_outputs, n_rows)."""
        y, n_classes = self.y[rows], self.n_classes
        if y.ndim == 2:
            Y, n_classes = y.T, 2
        else:
            of_outputs = np.arange(n_classes - self.n_outputs, n_classes)
            Y = of_outputs[:, np.newaxis] == y
        Y = Y.astype(self.dtype, order="C")
        if self.smoothing:
            Y *= 1 - self.smoothing
            Y += self.smoothing / n_classes
        return Y

"""How wrong the network's raw outputs are, and the probabilities that they stand for.

A loss takes raw outputs z, one column a sample, and owns its link: the function from
raw outputs to probabilities h.  Both losses here are negative log-likelihoods with
their canonical link, so the derivative dJ/dz is h - y for either (Bishop, *Pattern
Recognition and Machine Learning*, 2006, section 4.3.6).

Conventions: z and y have shape (n_outputs, n_samples), y is 0 or 1, and a loss is one
number a sample.  Losses come from raw outputs by log-sum-exp, so that they stay finite
and exact however sure the network is.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit, log_softmax


class Loss(NamedTuple):
    """A loss and its link.

    Attributes
    ----------
    inverse_link : callable
        ``inverse_link(z)`` turns raw outputs into probabilities in place and returns
        them.
    log_inverse_link : callable
        ``log_inverse_link(z)`` returns the logarithms of those probabilities.
    residual : callable
        ``residual(z, y)`` returns the samples' losses, shape (n_samples,), and leaves
        h - y, the derivative of each loss with respect to z, in z.
    """

    inverse_link: object
    log_inverse_link: object
    residual: object


def softmax(z):
    """h_j = exp(z_j) / sum_k exp(z_k), in place."""
    z -= np.maximum.reduce(z, axis=0)
    np.exp(z, out=z)
    z /= np.add.reduce(z, axis=0)
    return z


def log_softmax_of(z):
    """Log h_j = z_j - log sum_k exp(z_k)."""
    return log_softmax(z, axis=0)


def softmax_residual(z, y):
    """Cross-entropy -sum_j y_j log h_j = log sum_k exp(z_k) - sum_j y_j z_j."""
    z -= np.maximum.reduce(z, axis=0)  # so that exp cannot overflow
    target = np.einsum("ij,ij->j", y, z)
    np.exp(z, out=z)
    total = np.add.reduce(z, axis=0)
    z /= total
    z -= y
    np.log(total, out=total)
    total -= target
    return total


def logistic(z):
    """h_j = 1 / (1 + exp(-z_j)) of each output by itself, in place."""
    return expit(z, out=z)


def logistic_residual(z, y):
    """Loss of the article: -sum_j [y_j log h_j + (1 - y_j) log(1 - h_j)].

    With h the logistic function of z, each term is log(1 + exp(z)) - y z, and
    log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)) cannot overflow.
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


LOSSES = {
    "softmax": Loss(softmax, log_softmax_of, softmax_residual),
    "logistic": Loss(logistic, log_expit, logistic_residual),
}

"""Derivatives of what an estimator predicts, in the network's raw outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, softmax

# Methods of a classifier whose gradients there are.
RESPONSES = "decision_function", "predict_log_proba", "predict_proba"


def derivative_of_response(
    z: NDArray[Any], of: NDArray[Any], kind: str, link: str, response_method: str
) -> NDArray[Any]:
    """Derivative in z of a classifier's response for one class of each sample.

    With c the class, e_c its unit vector, p the probabilities and g the sigmoid::

        decision_function   z_c       e_c
        predict_log_proba   log p_c   e_c - p                     softmax
                                      (e_c - p) g(-z)             g(z) / sum of them
                                      e_c g(-z)                   g(z)
        predict_proba       p_c       p_c times that of log p_c

    Of two classes the only output is the log-odds of the second, and -z those of the
    first.

    Parameters
    ----------
    z : ndarray of shape (n_outputs, n_samples)
        Raw outputs.
    of : ndarray of shape (n_samples,)
        Index of the class of each sample.
    kind : {"binary", "multiclass", "multilabel-indicator"}
    link : {"softmax", "logistic"}
    response_method : str
        One of ``RESPONSES``.

    Returns
    -------
    derivative : ndarray of the shape of z

    Examples
    --------
    >>> z, of = np.log([[1.0], [2.0], [1.0]]), np.array([1])
    >>> of_log = derivative_of_response(z, of, "multiclass", "softmax", RESPONSES[1])
    >>> of_log.ravel()
    array([-0.25,  0.5 , -0.25])
    """
    if kind == "binary":
        chosen = np.where(of == 1, 1, -1).astype(z.dtype)[np.newaxis]
        z, of = chosen * z, np.zeros_like(of)
    else:
        chosen = (np.arange(len(z))[:, np.newaxis] == of).astype(z.dtype)
    if response_method == "decision_function":
        return chosen
    if kind == "multiclass":
        h = softmax(log_expit(z) if link == "logistic" else z, axis=0)
        others = np.where(chosen, 0, h)  # 1 - p_c would be 0 where p_c rounds to 1
        derivative = chosen * np.add.reduce(others, axis=0) - others
    else:
        h, derivative = expit(z), chosen
    if link == "logistic":
        derivative = derivative * expit(-z)
    if response_method == "predict_proba":
        derivative *= np.take_along_axis(h, of[np.newaxis], axis=0)
    return derivative


def derivative_of_estimate(
    z: NDArray[Any], output: int, link: str, scale: NDArray[Any] | None
) -> NDArray[Any]:
    """Derivative in z of one of a regressor's estimates, in the targets' own units.

    Parameters
    ----------
    z : ndarray of shape (n_outputs, n_samples)
        Raw outputs.
    output : int
        Number of the estimate.
    link : {"identity", "exp", "ascending"}
        Quantiles are in ascending order: an estimate is the raw output of that rank.
    scale : ndarray or None
        Standard deviations of the targets that were scaled.

    Returns
    -------
    derivative : ndarray of the shape of z

    Examples
    --------
    >>> z = np.array([[5.0], [3.0]])  # two quantiles that cross
    >>> derivative_of_estimate(z, 0, "ascending", np.array([10.0])).ravel()
    array([ 0., 10.])
    """
    derivative = np.zeros_like(z)
    rows = np.full(z.shape[1], output)
    if link == "ascending":
        rows = np.argsort(z, axis=0, kind="stable")[output]
    columns = np.arange(z.shape[1])
    derivative[rows, columns] = np.exp(z[output]) if link == "exp" else 1
    if scale is not None:
        derivative *= np.broadcast_to(scale, len(z))[output]
    return derivative

"""Compares the gradient of backpropagation with differences of the cost.

Backpropagation with a mistake in it often still learns, only worse.  The central
difference (J(theta + h) - J(theta - h)) / 2h knows nothing of backpropagation: where
both agree, the gradient is that of J.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np

from sknet.activations import Array

# A difference quotient is sum_k c_k J(theta + k h) / h, here given as {k: c_k}.
CENTRAL = {1: 0.5, -1: -0.5}


def numerical_gradient(
    function: Callable[[], float],
    theta: Array,
    indices: Sequence[int] | Array | None = None,
    step: float = 1e-5,
    stencil: Mapping[int, float] = CENTRAL,
) -> Array:
    """Difference quotients of ``function()`` in the entries of ``theta``.

    Parameters
    ----------
    function : callable
        Without arguments: it reads ``theta`` where it is.
    theta : ndarray of float64
        Changed while it runs, restored afterwards.
    indices : sequence of int, default=None
        Entries to differentiate in; all of them by default.
    step : float, default=1e-5
        The h of the difference.
    stencil : dict of int to float, default=CENTRAL
        Where to evaluate, in steps, and the factor of each value.

    Returns
    -------
    derivatives : ndarray of shape (len(indices),)

    Examples
    --------
    >>> theta = np.array([3.0, 5.0])
    >>> numerical_gradient(lambda: theta[0] ** 2 + theta[1], theta).round(6)
    array([6., 1.])
    """
    if indices is None:
        indices = range(len(theta))
    derivatives = np.zeros(len(indices))
    for i, index in enumerate(indices):
        here = theta[index]
        for k, factor in stencil.items():
            theta[index] = here + k * step
            derivatives[i] += factor * function() / step
        theta[index] = here
    return derivatives


# -- the check as a tool ---------------------------------------------------------------

# Weights compared in each layer, at most: each costs two forward passes.
CHECKED_PER_LAYER = 300
# Large steps suffer less from rounding, small ones from curvature and kinks.
STEPS = (1e-4, 1e-5, 1e-6)
# To one side of theta: right where there is a kink on the other.
FORWARD = {0: -1.5, 1: 2.0, 2: -0.5}
BACKWARD = {0: 1.5, -1: -2.0, -2: 0.5}


class GradientCheck(NamedTuple):
    """Where gradient and central differences disagree most.

    Attributes
    ----------
    max_relative_error : float
        Largest difference, relative to the largest gradient entry of its layer.
    layer : int
        Its layer; 0 is the one that reads X.
    weight : tuple of int
        Its unit and input, row and column of ``network.weights[layer]``; input 0 is
        the bias.
    n_checked : int
        Number of weights compared.

    Examples
    --------
    >>> check = GradientCheck(2e-9, layer=0, weight=(3, 0), n_checked=8540)
    >>> check.max_relative_error < 1e-7
    True
    """

    max_relative_error: float
    layer: int
    weight: tuple[int, int]
    n_checked: int


def check_objective(
    objective: Any, X1: Any, Y: Array, sample_weight: Array | None = None
) -> GradientCheck:
    """Compare an objective's gradient on a batch with central differences.

    Parameters
    ----------
    objective : Objective
        Its theta in float64; it is left as it was.
    X1, Y, sample_weight
        As for :meth:`~sknet.backprop.Objective.value_and_grad`.

    Returns
    -------
    check : GradientCheck
        In layers of more than 300 weights, 300 of them, drawn at random, are compared.

    Notes
    -----
    relu has a kink at 0 and absolute error one at the target, and a difference taken
    across it is wrong although the gradient is right.  Where the two disagree,
    differences to either side and of smaller steps are tried and the best agreement
    counts: a wrong gradient disagrees with all of them.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> from sknet.backprop import Objective
    >>> from sknet.losses import LOSSES
    >>> from sknet.network import Network
    >>> network = Network([1, 2, 1], ACTIVATIONS["tanh"], np.linspace(-1, 1, 7))
    >>> objective = Objective(network, LOSSES["logistic"], alpha=0.1)
    >>> X1, Y = np.array([[1.0, 1.0], [3.0, -2.0]]), np.array([[1.0, 0.0]])
    >>> check_objective(objective, X1, Y).max_relative_error < 1e-7
    True
    """
    batch = X1, Y, sample_weight
    network = objective.network
    grad = objective.value_and_grad(*batch)[1].copy()
    starts = np.cumsum([0] + [W.size for W in network.weights])

    errors = np.zeros_like(grad)
    errors[~np.isfinite(grad)] = np.inf
    checked = _drawn(starts) if np.isfinite(grad).all() else np.arange(0)
    errors[checked] = np.inf
    scale = _scale(grad, starts)
    for step, stencil in product(STEPS, (CENTRAL, FORWARD, BACKWARD)):
        doubtful = checked[errors[checked] > 1e-8]
        numerical = numerical_gradient(
            lambda: objective.value_and_grad(*batch)[0],
            network.theta,
            doubtful,
            step,
            stencil,
        )
        error = np.abs(numerical - grad[doubtful]) / scale[doubtful]
        errors[doubtful] = np.minimum(errors[doubtful], error)
    worst = int(errors.argmax())
    layer, weight = _place(network, worst)
    return GradientCheck(float(errors[worst]), layer, weight, len(checked))


@np.errstate(under="ignore")
def check_gradients(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None
) -> GradientCheck:
    """Compare an estimator's gradient with central differences, in float64.

    Parameters
    ----------
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
        Fitted or not; it is not changed.  Unfitted, it is checked at the weights that
        ``fit`` would start from.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    check : GradientCheck
        See :func:`check_objective`.

    Raises
    ------
    TypeError
        For anything but a network of sknet, such as a pipeline around one.
    ValueError
        For data that ``fit`` would refuse.

    Notes
    -----
    Dropout and augmentation, which draw anew in every step, are left out: it is the
    full network that is checked, on the samples as they are.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> check = check_gradients(ScratchMLPClassifier((5,), random_state=0), X, y)
    >>> check.max_relative_error < 1e-7
    True
    """
    if not hasattr(estimator, "_gradient_problem"):
        raise TypeError(
            f"check_gradients needs a network, got {type(estimator).__name__}: pass "
            "the network in it, with X as the steps before have transformed it."
        )
    objective, batch = estimator._gradient_problem(X, y, sample_weight)
    return check_objective(objective, *batch)


def _place(network, index):
    """Layer of an entry of theta, and its unit and input."""
    position = np.zeros_like(network.theta)
    position[index] = 1
    for layer, W in enumerate(network.unflatten(position)):
        if W.any():
            return layer, tuple(np.argwhere(W)[0].tolist())


def _drawn(starts):
    """Entries of theta to check: at most ``CHECKED_PER_LAYER`` of each layer."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [
            start + rng.permutation(stop - start)[:CHECKED_PER_LAYER]
            for start, stop in pairwise(starts)
        ]
    )


def _scale(grad, starts):
    """Size of the gradient in each entry's layer, to measure errors by."""
    sizes = np.diff(starts)
    largest = np.array([np.abs(layer).max() for layer in np.split(grad, starts[1:-1])])
    largest = np.maximum(largest, 1e-4 * largest.max())
    return np.repeat(np.where(largest > 0, largest, 1.0), sizes)

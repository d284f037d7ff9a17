"""An optimizer's step compiled: one loop over the weights, where Numba is installed.

The equations are those of :mod:`sknet.optimizers`, which NumPy takes one by one: a
dozen passes over numbers that a processor could keep in its registers.  With Numba
(the extra ``fast``) and without it, models agree to rounding.  Whether a network's
steps are compiled depends on its size alone, so one installation gives one model.

``SKNET_FAST=0`` in the environment leaves Numba alone.
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

# Weights from which on a step is compiled: shorter ones gain too little in a fit to pay
# for the import of Numba, up to half a second.
LEAST = 2**13
# Squares added up in the weights' own type before their sum goes into a float64.
BLOCK = 4096


def loop(optimizer: Any, n: int) -> Callable[..., float] | None:
    """Compiled step of an optimizer for ``n`` weights; None where NumPy is to do it.

    Examples
    --------
    >>> from sknet.optimizers import Adam
    >>> loop(Adam(), n=100) is None
    True
    """
    source = {("m", "v"): adam, ("velocity",): momentum}.get(optimizer.memory)
    if n < LEAST or source is None or os.environ.get("SKNET_FAST") == "0":
        return None
    return _compiled(source)


@cache
def _compiled(source: Callable[..., float]) -> Callable[..., float] | None:
    try:
        from numba import njit
    except ImportError:  # absent, or too old for this NumPy
        return None
    # error_model: a check for a zero divisor would keep the loop from registers of
    # many numbers, and so would a sum in a given order.
    settings: dict[str, Any] = {"error_model": "numpy", "fastmath": {"reassoc"}}
    try:
        return njit(cache=True, **settings)(source)
    except RuntimeError:  # nowhere to write the cache
        return njit(**settings)(source)


def adam(theta, grad, m, v, biases, alpha, kept, rate, beta_1, beta_2, epsilon):
    """Adam's and AdamW's step; sum W^2 comes back."""
    number = theta.dtype.type  # or float32 would become float64 on the way
    alpha, kept, rate = number(alpha), number(kept), number(rate)
    new_1, new_2 = number(1 - beta_1), number(1 - beta_2)
    beta_1, beta_2, epsilon = number(beta_1), number(beta_2), number(epsilon)
    before = theta[biases]
    theta[biases] = number(0)
    total = 0.0
    for start in range(0, theta.size, BLOCK):
        block = slice(start, start + BLOCK)
        W, dW, M, V, squares = theta[block], grad[block], m[block], v[block], number(0)
        for i in range(W.size):
            w = W[i]
            squares += w * w
            g = dW[i] + alpha * w
            M[i] = beta_1 * M[i] + new_1 * g
            V[i] = beta_2 * V[i] + new_2 * (g * g)
            W[i] = kept * w - rate * (M[i] / (np.sqrt(V[i]) + epsilon))
        total += squares
    theta[biases] += before
    return total


def momentum(theta, grad, v, biases, alpha, kept, rate, momentum, nesterov):
    """Step of gradient descent with momentum; sum W^2 comes back."""
    number = theta.dtype.type
    alpha, rate, momentum = number(alpha), number(rate), number(momentum)
    before = theta[biases]
    theta[biases] = number(0)
    total = 0.0
    for start in range(0, theta.size, BLOCK):
        block = slice(start, start + BLOCK)
        W, dW, V, squares = theta[block], grad[block], v[block], number(0)
        for i in range(W.size):
            w = W[i]
            squares += w * w
            step = rate * (dW[i] + alpha * w)
            V[i] = momentum * V[i] - step
            W[i] = w + (momentum * V[i] - step if nesterov else V[i])
        total += squares
    theta[biases] += before
    return total

"""What a unit does with its weighted input, and the derivative that training needs.

An activation is a pair of functions that work in place.  ``forward`` turns z into
a = g(z).  ``backward`` multiplies dJ/da by g'(z) to make dJ/dz, and g' is written in
terms of the *output* a, which training has at hand: for the logistic function of the
article, g' = g (1 - g).
"""

from typing import NamedTuple

import numpy as np


class Activation(NamedTuple):
    """A hidden layer's function and its derivative, both in place.

    Attributes
    ----------
    forward : callable
        ``forward(z)`` replaces z, of any shape, by a = g(z).
    backward : callable
        ``backward(a, delta)`` multiplies ``delta``, dJ/da, by g'(z), written in
        a = g(z).  It may use ``a`` as its scratch paper: nothing reads a layer's
        output after its derivative was taken.
    """

    forward: object
    backward: object


def identity(z):
    """g(z) = z: leave z as it is."""


def identity_backward(a, delta):
    """g'(z) = 1: leave ``delta`` as it is."""


def logistic(z):
    """g(z) = 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2, the article's sigmoid.

    The hyperbolic tangent cannot overflow, and NumPy computes it several values at
    a time.
    """
    np.multiply(z, 0.5, out=z)
    np.tanh(z, out=z)
    np.multiply(z, 0.5, out=z)
    np.add(z, 0.5, out=z)


def logistic_backward(a, delta):
    """g'(z) = g (1 - g), the article's derivative of the sigmoid."""
    np.multiply(delta, a, out=delta)
    np.subtract(1.0, a, out=a)
    np.multiply(delta, a, out=delta)


def tanh(z):
    """g(z) = tanh(z)."""
    np.tanh(z, out=z)


def tanh_backward(a, delta):
    """g'(z) = 1 - g^2."""
    np.multiply(a, a, out=a)
    np.subtract(1.0, a, out=a)
    np.multiply(delta, a, out=delta)


def relu(z):
    """g(z) = max(z, 0)."""
    np.maximum(z, 0.0, out=z)


def relu_backward(a, delta):
    """g'(z) = 1 where g > 0, else 0."""
    np.multiply(delta, a > 0, out=delta)


ACTIVATIONS = {
    "identity": Activation(identity, identity_backward),
    "logistic": Activation(logistic, logistic_backward),
    "tanh": Activation(tanh, tanh_backward),
    "relu": Activation(relu, relu_backward),
}

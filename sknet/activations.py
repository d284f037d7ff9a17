"""Computes the activations of a layer, in place, and multiplies by their derivatives.

An activation is a pair of functions that work in place.  ``forward`` turns z into
a = g(z).  ``backward`` multiplies dJ/da by g'(z) to make dJ/dz, and g' is written in
terms of the *output* a, which training has at hand: for the logistic function of the
article, g' = g (1 - g).  Where two inputs share an output, as with gelu, silu and
mish, no such formula exists: their g' is written in the input, of which the network
then keeps a copy.
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array: TypeAlias = NDArray[Any]


def logistic(z: Array) -> None:
    """g(z) = 1 / (1 + exp(-z)) = (1 + tanh(z / 2)) / 2, the article's sigmoid.

    The hyperbolic tangent cannot overflow, and NumPy computes it several values at
    a time.
    """
    np.multiply(z, 0.5, out=z)
    np.tanh(z, out=z)
    np.multiply(z, 0.5, out=z)
    np.add(z, 0.5, out=z)


def logistic_backward(a: Array, delta: Array) -> None:
    """g'(z) = g (1 - g), the article's derivative of the sigmoid."""
    np.multiply(delta, a, out=delta)
    np.subtract(1.0, a, out=a)
    np.multiply(delta, a, out=delta)


def tanh(z: Array) -> None:
    """g(z) = tanh(z)."""
    np.tanh(z, out=z)


def tanh_backward(a: Array, delta: Array) -> None:
    """g'(z) = 1 - g^2."""
    np.multiply(a, a, out=a)
    np.subtract(1.0, a, out=a)
    np.multiply(delta, a, out=delta)


def identity(z: Array) -> None:
    """g(z) = z: leave z as it is."""


def identity_backward(a: Array, delta: Array) -> None:
    """g'(z) = 1: leave ``delta`` as it is."""


class Activation(NamedTuple):
    """A hidden layer's function and its derivative, both in place.

    Attributes
    ----------
    forward : callable
        ``forward(z)`` replaces z, of any shape, by a = g(z).
    backward : callable
        ``backward(a, delta)`` multiplies ``delta``, dJ/da, by g'(z), written in
        a = g(z).  It may overwrite ``a``: nothing reads a layer's output after its
        derivative was taken.
    needs_input : bool, default=False
        Whether g' is written in z instead: ``backward(z, delta)``.

    Examples
    --------
    >>> a, delta = np.array([-2.0, 0.0, 2.0]), np.ones(3)
    >>> tanh, silu = ACTIVATIONS["tanh"], ACTIVATIONS["silu"]
    >>> tanh.forward(a)
    >>> tanh.backward(a, delta)
    >>> delta.round(3)
    array([0.071, 1.   , 0.071])
    >>> z, delta = np.array([-2.0, 0.0, 2.0]), np.ones(3)
    >>> silu.backward(z, delta)
    >>> delta.round(3)
    array([-0.091,  0.5  ,  1.091])
    """

    forward: Callable[[Array], None]
    backward: Callable[[Array, Array], None]
    needs_input: bool = False


# Slope of leaky_relu below 0, that of Maas et al.
LEAK = 0.01
# The fixed point of selu: unit normal inputs give outputs of mean 0 and variance 1.
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
NORMAL_DENSITY_AT_0 = 1 / sqrt(2 * pi)
# exp(2 z) stays finite in float32 up to here, and from 20 on mish(z) rounds to z.
MISH_LIMIT = 40.0


def relu(z: Array) -> None:
    """g(z) = max(z, 0)."""
    np.maximum(z, 0.0, out=z)


def relu_backward(a: Array, delta: Array) -> None:
    """g'(z) = 1 where g > 0, else 0."""
    np.multiply(delta, a > 0, out=delta)


def leaky_relu(z: Array) -> None:
    """g(z) = max(z, 0.01 z).

    Source: Maas, Hannun and Ng, *Rectifier nonlinearities improve neural network
    acoustic models*, ICML 2013.
    """
    np.maximum(z, LEAK * z, out=z)


def leaky_relu_backward(a: Array, delta: Array) -> None:
    """g'(z) = 1 where g > 0, else 0.01."""
    np.multiply(delta, LEAK, out=delta, where=a <= 0)


def elu(z: Array) -> None:
    """g(z) = z where z > 0, else exp(z) - 1.

    Source: Clevert, Unterthiner and Hochreiter, *Fast and accurate deep network
    learning by exponential linear units*, ICLR 2016, with alpha = 1.
    """
    negative = np.minimum(z, 0.0)
    np.expm1(negative, out=negative)
    np.maximum(z, 0.0, out=z)
    z += negative


def elu_backward(a: Array, delta: Array) -> None:
    """g'(z) = 1 where g > 0, else g + 1."""
    np.minimum(a, 0.0, out=a)
    a += 1.0
    delta *= a


def selu(z: Array) -> None:
    """g(z) = 1.0507 z where z > 0, else 1.0507 * 1.6733 (exp(z) - 1).

    Source: Klambauer et al., *Self-normalizing neural networks*, NIPS 2017,
    equation 2; its two constants follow from the fixed point.
    """
    negative = np.minimum(z, 0.0)
    np.expm1(negative, out=negative)
    negative *= SELU_ALPHA
    np.maximum(z, 0.0, out=z)
    z += negative
    z *= SELU_SCALE


def selu_backward(a: Array, delta: Array) -> None:
    """g'(z) = 1.0507 where g > 0, else g + 1.0507 * 1.6733."""
    positive = a > 0
    a += SELU_SCALE * SELU_ALPHA
    np.copyto(a, SELU_SCALE, where=positive)
    delta *= a


def softplus(z: Array) -> None:
    """g(z) = ``log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|))``; never overflows.

    Source: Dugas et al., *Incorporating second-order functional knowledge for better
    option pricing*, NIPS 2000.
    """
    small = np.abs(z)
    np.negative(small, out=small)
    np.exp(small, out=small)
    np.log1p(small, out=small)
    np.maximum(z, 0.0, out=z)
    z += small


def softplus_backward(a: Array, delta: Array) -> None:
    """g'(z) = 1 - exp(-g), the logistic function of z."""
    np.negative(a, out=a)
    np.expm1(a, out=a)
    np.negative(a, out=a)
    delta *= a


def gelu(z: Array) -> None:
    """g(z) = z Phi(z), Phi the distribution function of the standard normal.

    Source: Hendrycks and Gimpel, *Gaussian error linear units*, 2016; the exact
    function and not its approximation by tanh.
    """
    z *= ndtr(z)


def gelu_backward(z: Array, delta: Array) -> None:
    """g'(z) = Phi(z) + z phi(z), phi the density of the standard normal."""
    slope = np.exp(-0.5 * z * z)
    slope *= z
    slope *= NORMAL_DENSITY_AT_0
    slope += ndtr(z)
    delta *= slope


def silu(z: Array) -> None:
    """g(z) = z s(z), s the logistic function; also known as swish.

    Sources: Elfwing, Uchibe and Doya, *Sigmoid-weighted linear units*, Neural
    Networks 107, 2018; Ramachandran, Zoph and Le, *Searching for activation
    functions*, 2017.
    """
    s = z.copy()
    logistic(s)
    z *= s


def silu_backward(z: Array, delta: Array) -> None:
    """g'(z) = s (1 + z (1 - s)), s the logistic function of z."""
    s = z.copy()
    logistic(s)
    z *= 1.0 - s
    z += 1.0
    z *= s
    delta *= z


def mish(z: Array) -> None:
    """g(z) = z tanh(softplus(z)) = z n / (n + 2), n = w (w + 2), w = exp(z).

    Source: Misra, *Mish: a self regularized non-monotonic activation function*, 2019.
    """
    w = np.exp(np.minimum(z, MISH_LIMIT))
    n = w * (w + 2.0)
    z *= n / (n + 2.0)


def mish_backward(z: Array, delta: Array) -> None:
    """g'(z) = [n + 4 z w (w + 1) / (n + 2)] / (n + 2), n and w as in :func:`mish`."""
    w = np.exp(np.minimum(z, MISH_LIMIT))
    n = w * (w + 2.0)
    slope = w * (w + 1.0)
    n_plus_2 = n + 2.0
    slope /= n_plus_2
    slope *= z
    slope *= 4.0
    slope += n
    slope /= n_plus_2
    delta *= slope


ACTIVATIONS = {
    "logistic": Activation(logistic, logistic_backward),
    "tanh": Activation(tanh, tanh_backward),
    "identity": Activation(identity, identity_backward),
    "relu": Activation(relu, relu_backward),
    "leaky_relu": Activation(leaky_relu, leaky_relu_backward),
    "elu": Activation(elu, elu_backward),
    "selu": Activation(selu, selu_backward),
    "softplus": Activation(softplus, softplus_backward),
    "gelu": Activation(gelu, gelu_backward, needs_input=True),
    "silu": Activation(silu, silu_backward, needs_input=True),
    "mish": Activation(mish, mish_backward, needs_input=True),
}

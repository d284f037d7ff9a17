"""Draws the weights that training starts from, so that no two units are alike.

Each initializer draws one layer, ``initializer(rng, fan_in, fan_out, activation)``,
and returns its coefficients, shape (fan_in, fan_out), and its biases, shape
(fan_out,), in float64.  ``activation`` is the one that made the layer's input, as
:func:`inputs_of_layers` tells it, or None where the input is X.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from sknet.activations import Activation, Array, identity, logistic, relu, tanh

Layer: TypeAlias = tuple[Array, Array]


def uniform(
    rng: np.random.RandomState,
    fan_in: int,
    fan_out: int,
    activation: Activation | None = None,
) -> Layer:
    """Uniform in [-1, 1], coefficients and biases: the article's random weights.

    Examples
    --------
    >>> coef, intercept = uniform(np.random.RandomState(0), fan_in=2, fan_out=1)
    >>> coef.round(3), intercept.round(3)
    (array([[0.098],
           [0.43 ]]), array([0.206]))
    """
    return rng.uniform(-1, 1, (fan_in, fan_out)), rng.uniform(-1, 1, fan_out)


def glorot(
    rng: np.random.RandomState,
    fan_in: int,
    fan_out: int,
    activation: Activation | None = None,
) -> Layer:
    """Uniform in ±sqrt(6 / (fan_in + fan_out)); 2 instead of 6 for logistic units.

    Biases are drawn too, after the coefficients: draw for draw what scikit-learn's
    ``MLPClassifier`` does.  Source: Glorot and Bengio, *Understanding the difficulty
    of training deep feedforward neural networks*, AISTATS 2010, equation 16.

    Examples
    --------
    >>> coef, intercept = glorot(np.random.RandomState(0), fan_in=4, fan_out=2)
    >>> coef.shape, bool((abs(coef) <= 1).all())
    ((4, 2), True)
    """
    is_logistic = activation is not None and activation.forward is logistic
    bound = np.sqrt((2.0 if is_logistic else 6.0) / (fan_in + fan_out))
    return (
        rng.uniform(-bound, bound, (fan_in, fan_out)),
        rng.uniform(-bound, bound, fan_out),
    )


def he(
    rng: np.random.RandomState,
    fan_in: int,
    fan_out: int,
    activation: Activation | None = None,
) -> Layer:
    """Normal of variance 2 / fan_in, biases 0; made for relu.

    Source: He et al., *Delving deep into rectifiers*, ICCV 2015, equation 10.

    Examples
    --------
    >>> coef, intercept = he(np.random.RandomState(0), fan_in=8, fan_out=100)
    >>> print(coef.std().round(1), intercept.any())
    0.5 False
    """
    return rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)), np.zeros(fan_out)


def lecun(
    rng: np.random.RandomState,
    fan_in: int,
    fan_out: int,
    activation: Activation | None = None,
) -> Layer:
    """Normal of variance 1 / fan_in, biases 0; made for tanh.

    Source: LeCun et al., *Efficient BackProp*, 1998, equation 16.

    Examples
    --------
    >>> coef, intercept = lecun(np.random.RandomState(0), fan_in=4, fan_out=100)
    >>> print(coef.std().round(1), intercept.any())
    0.5 False
    """
    return rng.normal(0, np.sqrt(1 / fan_in), (fan_in, fan_out)), np.zeros(fan_out)


# -- the scale that suits an activation ------------------------------------------------

# The four of MLPClassifier, whose scale is scikit-learn's.
DRAWN_BY_GLOROT = (identity, logistic, tanh, relu)
# Gauss and Hermite's points and weights: means over the standard normal distribution.
NODES, NODE_WEIGHTS = hermegauss(64)
NODE_WEIGHTS /= NODE_WEIGHTS.sum()


def drawn_by_glorot(activation: Activation | None) -> bool:
    """Whether ``MLPClassifier`` has this activation, and so its own scale for it.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> drawn_by_glorot(ACTIVATIONS["tanh"]), drawn_by_glorot(ACTIVATIONS["gelu"])
    (True, False)
    """
    return activation is not None and activation.forward in DRAWN_BY_GLOROT


def matched(
    rng: np.random.RandomState,
    fan_in: int,
    fan_out: int,
    activation: Activation | None = None,
) -> Layer:
    """Uniform, scaled to suit the activation; biases are drawn too.

    For scikit-learn's four it is :func:`glorot`.  For any other g it is uniform of
    variance 1 / (fan_in E[g(z)^2]), z standard normal: then z of variance 1 make z of
    variance 1 in the next layer, and signals neither die out nor blow up on their
    way.  For relu that would be He's 2 / fan_in, for selu it is LeCun's 1 / fan_in.

    Source: He et al., *Delving deep into rectifiers*, ICCV 2015, equation 7, where
    relu's E[g(z)^2] = 1/2 is then put in.

    Examples
    --------
    >>> coef, intercept = matched(np.random.RandomState(0), fan_in=3, fan_out=100)
    >>> print(abs(coef).max() <= 1, (3 * coef.var()).round(1))
    True 1.0
    """
    if drawn_by_glorot(activation):
        return glorot(rng, fan_in, fan_out, activation)
    bound = np.sqrt(3 / (fan_in * second_moment(activation)))
    return (
        rng.uniform(-bound, bound, (fan_in, fan_out)),
        rng.uniform(-bound, bound, fan_out),
    )


def second_moment(activation: Activation | None) -> float:
    """Mean of g(z)^2 for a standard normal z; 1 for None, an input that is X.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> round(second_moment(ACTIVATIONS["relu"]), 6)
    0.5
    """
    a = NODES.copy()
    if activation is not None:
        activation.forward(a)
    return float(NODE_WEIGHTS @ a**2)


def inputs_of_layers(
    activations: Sequence[Activation | None],
) -> list[Activation | None]:
    """The activation that made each layer's input.

    Parameters
    ----------
    activations : list of Activation or None
        Those of the hidden layers.  With no hidden layer, the one they would have.

    Returns
    -------
    inputs : list of Activation or None
        One entry more.  None made X, so the first is None; but scikit-learn draws the
        first layer at the scale of its own activation, and so it is that one if it is
        one of scikit-learn's four.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> tanh, gelu = ACTIVATIONS["tanh"], ACTIVATIONS["gelu"]
    >>> inputs_of_layers([gelu, tanh]) == [None, gelu, tanh]
    True
    >>> inputs_of_layers([tanh, gelu]) == [tanh, tanh, gelu]
    True
    """
    first = activations[0] if drawn_by_glorot(activations[0]) else None
    return [first, *activations]


INITIALIZERS = {"auto": matched, "uniform": uniform, "he": he, "lecun": lecun}

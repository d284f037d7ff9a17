"""Where training starts: random weights, so that no two units of a layer are alike.

Each initializer draws one layer, ``initializer(rng, fan_in, fan_out, activation)``,
and returns its coefficients, shape (fan_in, fan_out), and its biases, shape
(fan_out,), in float64.  ``activation`` is the one that the layer's input has gone
through, as :func:`inputs_of_layers` tells it.
"""

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from sknet.custom_activations import activation_of

# The four of MLPClassifier, whose scale is scikit-learn's.
GLOROT = ("identity", "logistic", "tanh", "relu")
# Gauss and Hermite's points and weights: means over the standard normal distribution.
NODES, NODE_WEIGHTS = hermegauss(64)
NODE_WEIGHTS /= NODE_WEIGHTS.sum()


def inputs_of_layers(activations):
    """The activation that each layer's input has gone through.

    Parameters
    ----------
    activations : list of str or tuple
        Those of the hidden layers; see :func:`~sknet.custom_activations.activation_of`.
        With no hidden layer, the one they would have.

    Returns
    -------
    inputs : list of str, tuple or None
        One entry more.  X has gone through none, so the first is None; but
        scikit-learn draws the first layer at the scale of its own activation, and so
        it is that one if it is of scikit-learn's four.

    Examples
    --------
    >>> inputs_of_layers(["gelu", "tanh"])
    [None, 'gelu', 'tanh']
    >>> inputs_of_layers(["tanh", "gelu"])
    ['tanh', 'tanh', 'gelu']
    """
    first = activations[0] if activations[0] in GLOROT else None
    return [first, *activations]


def second_moment(activation):
    """Mean of g(z)^2 for a standard normal z; 1 for None, an input that is X.

    Parameters
    ----------
    activation : str, tuple or None

    Returns
    -------
    moment : float

    Examples
    --------
    >>> round(second_moment("relu"), 6)
    0.5
    """
    a = NODES.copy()
    if activation is not None:
        activation_of(activation).forward(a)
    return float(NODE_WEIGHTS @ a**2)


def matched(rng, fan_in, fan_out, activation):
    """Of the scale that suits the activation; biases are drawn too.

    For scikit-learn's four it is :func:`glorot`.  For any other g it is uniform of
    variance 1 / (fan_in E[g(z)^2]), z standard normal: then z of variance 1 make z of
    variance 1 in the next layer, and signals neither die out nor blow up on their
    way.  For relu that would be He's 2 / fan_in, for selu it is LeCun's 1 / fan_in.

    Source: He et al., *Delving deep into rectifiers*, ICCV 2015, equation 7, where
    relu's E[g(z)^2] = 1/2 is then put in.
    """
    if activation in GLOROT:
        return glorot(rng, fan_in, fan_out, activation)
    bound = np.sqrt(3 / (fan_in * second_moment(activation)))
    return (
        rng.uniform(-bound, bound, (fan_in, fan_out)),
        rng.uniform(-bound, bound, fan_out),
    )


def glorot(rng, fan_in, fan_out, activation):
    """Uniform in ±sqrt(6 / (fan_in + fan_out)); 2 instead of 6 for logistic units.

    Biases are drawn too, after the coefficients: draw for draw what scikit-learn's
    ``MLPClassifier`` does.  Source: Glorot and Bengio, *Understanding the difficulty
    of training deep feedforward neural networks*, AISTATS 2010, equation 16.
    """
    factor = 2.0 if activation == "logistic" else 6.0
    bound = np.sqrt(factor / (fan_in + fan_out))
    return (
        rng.uniform(-bound, bound, (fan_in, fan_out)),
        rng.uniform(-bound, bound, fan_out),
    )


def uniform(rng, fan_in, fan_out, activation):
    """Uniform in [-1, 1], coefficients and biases: the article's random weights."""
    return rng.uniform(-1, 1, (fan_in, fan_out)), rng.uniform(-1, 1, fan_out)


def he(rng, fan_in, fan_out, activation):
    """Normal of variance 2 / fan_in, biases 0; made for relu.

    Source: He et al., *Delving deep into rectifiers*, ICCV 2015, equation 10.
    """
    return rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out)), np.zeros(fan_out)


def lecun(rng, fan_in, fan_out, activation):
    """Normal of variance 1 / fan_in, biases 0; made for tanh.

    Source: LeCun et al., *Efficient BackProp*, 1998, equation 16.
    """
    return rng.normal(0, np.sqrt(1 / fan_in), (fan_in, fan_out)), np.zeros(fan_out)


INITIALIZERS = {"auto": matched, "uniform": uniform, "he": he, "lecun": lecun}

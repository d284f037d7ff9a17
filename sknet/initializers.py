"""Where training starts: random weights, so that no two units of a layer are alike.

Each initializer draws one layer, ``initializer(rng, fan_in, fan_out, activation)``,
and returns its coefficients, shape (fan_in, fan_out), and its biases, shape
(fan_out,), in float64.
"""

import numpy as np


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


INITIALIZERS = {"auto": glorot, "uniform": uniform, "he": he, "lecun": lecun}

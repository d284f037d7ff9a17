"""Leaves out some of the units at random in each step of training: dropout.

A unit is left out with probability p, and the output of the others is divided by
1 - p, so that the next layer reads the same on average ("inverted" dropout).  Hence a
prediction takes the full network as it is.  No unit can rely on another one being
there, which keeps a large network from overfitting.  Source:
Srivastava et al., *Dropout: a simple way to prevent neural networks from overfitting*,
Journal of Machine Learning Research 15, 2014.

The loss that training reports is that of the full network: with units left out at
random it would be another, noisy and too high.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from sknet.activations import Activation, Array
from sknet.backprop import Objective
from sknet.network import Network


class Dropout:
    """A hidden layer's activation g with dropout, to be used as an ``Activation``.

    ::

        a = g(z) * mask        mask = 0 with probability p, else 1 / (1 - p)

    Every ``forward`` draws a new mask, which ``backward`` then uses.

    Parameters
    ----------
    activation : Activation
    p : float in (0, 1)
        Probability that a unit is left out.
    rng : Generator

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> dropout = Dropout(ACTIVATIONS["relu"], 0.5, np.random.default_rng(0))
    >>> z = np.array([-1.0, 1.0, 2.0, 3.0])
    >>> a = z.copy()
    >>> dropout.forward(a)
    >>> a
    array([0., 2., 4., 0.])
    >>> delta = np.ones(4)
    >>> dropout.backward(z, delta)
    >>> delta
    array([0., 2., 2., 0.])
    """

    needs_input = True  # z in an array of its own: g' cannot be told from a's zeros

    def __init__(self, activation: Activation, p: float, rng: np.random.Generator):
        self.activation = activation
        self.p = float(p)
        self.rng = rng

    def forward(self, z: Array) -> None:
        """Replace z by g(z) times a new mask."""
        self.activation.forward(z)
        self._a = None if self.activation.needs_input else z.copy()
        self._mask = random_mask(z.shape, self.p, self.rng, z.dtype)
        z *= self._mask

    def backward(self, z: Array, delta: Array) -> None:
        """Multiply ``delta``, dJ/da, by the mask and by g'(z)."""
        delta *= self._mask
        self.activation.backward(z if self._a is None else self._a, delta)


def random_mask(
    shape: tuple[int, ...], p: float, rng: np.random.Generator, dtype: DTypeLike
) -> Array:
    """Array of 0 with probability p and of 1 / (1 - p) elsewhere.

    Examples
    --------
    >>> mask = random_mask(10_000, 0.2, np.random.default_rng(0), np.float64)
    >>> np.unique(mask), bool(abs(mask.mean() - 1) < 0.02)
    (array([0.  , 1.25]), True)
    """
    mask = (rng.random(shape, dtype=np.float32) >= p).astype(dtype)
    mask *= 1 / (1 - p)
    return mask


class DropoutObjective:
    """The gradient of a network that dropout thins out, and the cost of the full one.

    Parameters
    ----------
    objective : Objective
        Of the full network.
    dropout : list of float in [0, 1)
        Probability that a unit is left out, for each hidden layer.
    input_dropout : float in [0, 1)
        Probability that an input is left out.
    rng : Generator

    Attributes
    ----------
    penalty : float
        The penalty's part of the last cost.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> from sknet.losses import LOSSES
    >>> network = Network([2, 3, 1], ACTIVATIONS["tanh"], np.linspace(-1, 1, 13))
    >>> full = Objective(network, LOSSES["logistic"])
    >>> thinned = DropoutObjective(full, [0.5], 0.0, np.random.default_rng(0))
    >>> X1, Y = np.array([[1.0], [3.0], [2.0]]), np.array([[1.0]])
    >>> cost, grad = full.value_and_grad(X1, Y)
    >>> thinned_cost, thinned_grad = thinned.value_and_grad(X1, Y)
    >>> thinned_cost == cost, np.allclose(thinned_grad, grad)
    (True, False)
    """

    def __init__(
        self,
        objective: Objective,
        dropout: Sequence[float],
        input_dropout: float,
        rng: np.random.Generator,
    ):
        self.network = network = objective.network
        activations: list[Any] = [
            Dropout(activation, p, rng) if p else activation
            for activation, p in zip(network.activations, dropout, strict=True)
        ]
        thinned = Network(
            network.n_units, activations, network.theta, network.transposed_input
        )
        self._whole = objective
        self._thinned = Objective(
            thinned, objective.loss, objective.alpha, objective.mean_weight
        )
        self.input_dropout = float(input_dropout)
        self.rng = rng

    def value_and_grad(
        self, X1: Any, Y: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """Cost of the full network, gradient of a thinned one, newly drawn.

        Parameters and results are those of
        :meth:`sknet.backprop.Objective.value_and_grad`.
        """
        loss, grad = self.loss_and_grad(X1, Y, sample_weight)
        self.penalty = self.penalise(grad, X1.shape[1])
        return loss + self.penalty, grad

    def loss_and_grad(
        self, X1: Any, Y: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """Mean loss of the whole network, its gradient in a thinned one."""
        loss = self._whole.mean_loss(X1, Y, sample_weight)
        if self.input_dropout:
            X1 = self._thinned_inputs(X1)
        return loss, self._thinned.loss_and_grad(X1, Y, sample_weight)[1]

    def penalty_rate(self, n_samples: int) -> float:
        """See :meth:`sknet.backprop.Objective.penalty_rate`."""
        return self._whole.penalty_rate(n_samples)

    def penalise(self, grad: Array, n_samples: int) -> float:
        """See :meth:`sknet.backprop.Objective.penalise`."""
        return self._whole.penalise(grad, n_samples)

    def _thinned_inputs(self, X1):
        """Copy of X1 with inputs set to 0 at random, but never the ones."""
        if sparse.issparse(X1):
            thinned, entries = X1.copy(), X1.data
            mask = random_mask(entries.shape, self.input_dropout, self.rng, X1.dtype)
            mask[X1.indices == 0] = 1
            thinned.data *= mask
            return thinned
        mask = random_mask(X1.T.shape, self.input_dropout, self.rng, X1.dtype)
        mask[:, 0] = 1
        return (X1.T * mask).T

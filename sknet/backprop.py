"""Computes the cost J of a network on a batch, and its gradient by backpropagation.

The article's J, for any loss, with weighted samples::

    J = 1/m sum_i w_i loss_i + alpha / (2 m) sum_k W_k^2        m = sum_i w_i

where the W_k are all weights but the biases, and alpha is the article's lambda.  In a
mini-batch m is the number of its rows times the mean weight of the training set, so
that a sample counts the same whichever batch it is drawn into.

With delta[l] = dJ/dz of layer l, a column a sample, the chain rule gives::

    delta[last] = w (h - y) / m                       canonical links, see losses
    delta[l]    = (W[l + 1].T delta[l + 1]) * g'(z[l])   W without its biases
    grad[l]     = delta[l] A[l].T + alpha / m W[l]       its biases counted as 0

The article divides by m at the end, gradient = Delta / m; here delta carries the 1/m
from the start.  It prints the gradient of the output layer without the penalty's part;
the gradient of its own J has it in every layer, and so has this one.

One more step, delta = W[0].T delta[0], tells what depends on the inputs themselves.
"""

from typing import Any

import numpy as np

from sknet._blas import axpy, outer, product
from sknet.activations import Array
from sknet.losses import Loss
from sknet.network import Network


class Objective:
    """Regularised cost of a network and the gradient of that cost.

    Parameters
    ----------
    network : Network
        Cost and gradient are taken at its ``theta``.
    loss : Loss
        Loss of the raw outputs.
    alpha : float, default=0.0
        Strength of the penalty on the squared weights.
    mean_weight : float, default=1.0
        Mean of ``sample_weight`` over the training set.

    Attributes
    ----------
    penalty : float
        The penalty's part of the last cost.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> from sknet.losses import LOSSES
    >>> network = Network([1, 1], ACTIVATIONS["relu"], np.zeros(2))
    >>> objective = Objective(network, LOSSES["logistic"])
    >>> X1, Y = np.array([[1.0], [3.0]]), np.array([[1.0]])
    >>> cost, grad = objective.value_and_grad(X1, Y)
    >>> print(round(cost, 4), grad)
    0.6931 [-0.5 -1.5]
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        alpha: float = 0.0,
        mean_weight: float = 1.0,
    ):
        self.network = network
        self.loss = loss
        self.alpha = float(alpha)
        self.mean_weight = float(mean_weight)
        self.penalty = 0.0
        self._grad = np.empty_like(network.theta)
        self._grads = network.unflatten(self._grad)
        # A bias has no unit below it that dJ/da could flow back to.
        self._W = [W[:, 1:] for W in network.weights]
        self._biases = network.biases
        self._buffers: dict[int, tuple[list[Any], list[Array], list[Array]]] = {}

    def value_and_grad(
        self, X1: Any, Y: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """Cost J and its gradient at the network's theta.

        Parameters
        ----------
        X1 : ndarray or sparse matrix of shape (1 + n_features, n_samples)
            Samples as columns under a row of ones.
        Y : ndarray of shape (n_outputs, n_samples)
            Targets.
        sample_weight : ndarray of shape (n_samples,), default=None
            Weights of the samples, all 1 by default.

        Returns
        -------
        cost : float
        grad : ndarray of the shape of theta
            This object's own: the next call overwrites it.
        """
        loss, grad = self.loss_and_grad(X1, Y, sample_weight)
        self.penalty = self.penalise(grad, X1.shape[1])
        return loss + self.penalty, grad

    def loss_and_grad(
        self, X1: Any, Y: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """Mean loss of a batch and its gradient, which is J's without the penalty.

        Parameters and results are those of :meth:`value_and_grad`.
        """
        W, g, grad = self._W, self.network.activations, self._grads
        m = X1.shape[1] * self.mean_weight
        A, Z, delta = self._buffers_for(X1.shape[1])

        z = self.network.forward(X1, (A, Z))
        loss = self._loss_and_delta(z, Y, sample_weight, m)
        for l in reversed(range(len(W))):
            outer(delta[l], A[l], out=grad[l])  # Delta / m
            if l > 0:
                product(W[l].T, delta[l], out=delta[l - 1])
                g[l - 1].backward(Z[l - 1], delta[l - 1])
        return loss, self._grad

    def mean_loss(self, X1: Any, Y: Array, sample_weight: Array | None = None) -> float:
        """Mean loss of a batch, which is J without the penalty.

        Parameters
        ----------
        X1, Y, sample_weight
            As for :meth:`value_and_grad`.

        Returns
        -------
        loss : float
        """
        A, Z, _ = self._buffers_for(X1.shape[1])
        z = self.network.forward(X1, (A, Z))
        m = X1.shape[1] * self.mean_weight
        return self._loss_and_delta(z, Y, sample_weight, m)

    def penalty_rate(self, n_samples: int) -> float:
        """Penalty's alpha / m in a batch of so many samples."""
        return self.alpha / (n_samples * self.mean_weight)

    def penalise(self, grad: Array, n_samples: int) -> float:
        """Add alpha / m W to a gradient in place; alpha / (2 m) sum W^2 comes back."""
        rate, theta, at = self.penalty_rate(n_samples), self.network.theta, self._biases
        if not rate:
            return 0.0
        biases = theta[at]
        try:
            theta[at] = 0  # the article's "0 prepended to theta"
            axpy(theta, grad, a=rate)  # grad = grad + alpha / m theta
            return 0.5 * rate * float(np.dot(theta, theta))
        finally:  # whatever happens: Ctrl-C must not lose the biases
            theta[at] = biases

    def _loss_and_delta(self, z, Y, sample_weight, m):
        """Mean loss of raw outputs z, which become the output layer's delta."""
        losses = self.loss.residual(z, Y)
        delta = z  # it is h - y now
        if sample_weight is not None:
            losses *= sample_weight
            delta *= sample_weight
        delta /= m
        return float(np.add.reduce(losses)) / m

    def _buffers_for(self, n_samples):
        """A, Z and delta of a batch of this size, made at its first use."""
        if n_samples not in self._buffers:
            A, Z = self.network.buffers(n_samples)
            delta = [np.empty_like(z) for z in Z[:-1]]
            self._buffers[n_samples] = A, Z, [*delta, Z[-1]]
        return self._buffers[n_samples]


def backpropagate(
    network: Network, Z: list[Array], delta: Array
) -> tuple[list[Array], Array]:
    """Derivatives of a function f of the raw outputs, in every layer's z and in x.

    ::

        delta[last] = df/dz
        delta[l]    = (W[l + 1].T delta[l + 1]) * g'(z[l])   W without its biases
        df/dx       = W[0].T delta[0]

    The last line is one step beyond training, which never changes its samples
    (Simonyan, Vedaldi and Zisserman, *Deep inside convolutional networks*, ICLR
    workshop 2014, section 3).

    Parameters
    ----------
    network : Network
    Z : list of ndarray
        From :meth:`~sknet.network.Network.buffers`, filled in by a forward pass; used
        up.
    delta : ndarray of shape (n_outputs, n_samples)
        df/dz of the raw outputs, a column a sample.

    Returns
    -------
    deltas : list of ndarray of shape (n_units[l + 1], n_samples)
        df/dz of each layer.
    gradient : ndarray of shape (n_features, n_samples)
        df/dx.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> theta = np.array([0.0, 2.0, 1.0, 0.0, 3.0])  # z = 3 relu(2 x_1 + x_2)
    >>> network = Network([2, 1, 1], ACTIVATIONS["relu"], theta)
    >>> A, Z = network.buffers(2)
    >>> _ = network.predict(np.array([[1.0, 1.0], [-1.0, 0.0]]), (A, Z))
    >>> backpropagate(network, Z, np.ones((1, 2)))[1]
    array([[6., 0.],
           [3., 0.]])
    """
    W = [weights[:, 1:] for weights in network.weights]
    deltas = [delta]
    for l in reversed(range(1, len(W))):
        delta = np.empty_like(Z[l - 1])
        product(W[l].T, deltas[0], out=delta)
        network.activations[l - 1].backward(Z[l - 1], delta)
        deltas.insert(0, delta)
    gradient = np.empty((W[0].shape[1], delta.shape[1]), delta.dtype)
    product(W[0].T, deltas[0], out=gradient)
    return deltas, gradient

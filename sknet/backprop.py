"""The cost J of a network on a batch of samples, and its gradient by backpropagation.

The article's J, for any loss, with weighted samples::

    J = 1/m sum_i w_i loss_i + alpha / (2 m) sum_k W_k^2        m = sum_i w_i

where the W_k are all weights but the biases, and alpha is the article's lambda.  In a
mini-batch m is the number of its rows times the mean weight of the whole training
set, so that a sample counts the same whatever company it is drawn with.

The article prints the gradient of the output layer without the penalty's part; the
gradient of its own J has it in every layer, and so has this one.
"""

import numpy as np

from sknet.network import matmul


class Objective:
    """Regularised cost of a network and the gradient of that cost.

    Parameters
    ----------
    network : Network
        Its ``theta`` is where cost and gradient are taken.
    loss : Loss
        Loss of the raw outputs.
    alpha : float, default=0.0
        Strength of the penalty on the squared weights.
    mean_weight : float, default=1.0
        Mean of ``sample_weight`` over the whole training set.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> from sknet.losses import LOSSES
    >>> from sknet.network import Network
    >>> network = Network([1, 1], ACTIVATIONS["relu"], np.zeros(2))
    >>> objective = Objective(network, LOSSES["logistic"])
    >>> X1, Y = np.array([[1.0], [3.0]]), np.array([[1.0]])
    >>> cost, grad = objective.value_and_grad(X1, Y)
    >>> print(round(cost, 4), grad)
    0.6931 [-0.5 -1.5]
    """

    def __init__(self, network, loss, alpha=0.0, mean_weight=1.0):
        self.network = network
        self.loss = loss
        self.alpha = float(alpha)
        self.mean_weight = float(mean_weight)
        self._grad = np.empty_like(network.theta)
        self._grads = network.unflatten(self._grad)
        self._pull = np.empty_like(network.theta)
        self._pull_on_biases = [W[:, 0] for W in network.unflatten(self._pull)]
        # dJ/da flows back through the weights but the biases: they have no input.
        self._back = [W[:, 1:].T for W in network.weights]
        self._buffers = {}

    def value_and_grad(self, X1, Y, sample_weight=None):
        """Cost J and its gradient at the network's theta.

        Parameters
        ----------
        X1 : ndarray or sparse matrix of shape (1 + n_features, n_samples)
            Samples as columns under a row of ones.
        Y : ndarray of shape (n_outputs, n_samples)
            Targets, 0 or 1.
        sample_weight : ndarray of shape (n_samples,), default=None
            Weights of the samples, all 1 by default.

        Returns
        -------
        cost : float
        grad : ndarray of the shape of theta
            This object's own: the next call overwrites it.
        """
        buffers, deltas = self._buffers_for(X1.shape[1])
        per_sample = 1.0 / (X1.shape[1] * self.mean_weight)  # 1 / m

        z = self.network.forward(X1, buffers)
        losses = self.loss.residual(z, Y)  # z is now h - y, the output's delta
        if sample_weight is not None:
            losses *= sample_weight
            z *= sample_weight
        z *= per_sample
        self._backpropagate(*buffers, deltas)

        cost = float(np.add.reduce(losses)) * per_sample
        if self.alpha:
            cost += self._penalise(per_sample)
        return cost, self._grad

    def _backpropagate(self, A, Z, deltas):
        """Fill the gradient of the loss; Z[-1] is now dJ/dz of the output layer."""
        delta = Z[-1]
        for layer in range(len(A) - 1, 0, -1):
            np.dot(delta, A[layer].T, self._grads[layer])  # Delta / m
            delta_below = np.dot(self._back[layer], delta, deltas[layer])
            self.network.activations[layer - 1].backward(Z[layer - 1], delta_below)
            delta = delta_below
        matmul(delta, A[0].T, out=self._grads[0])

    def _penalise(self, per_sample):
        """Add alpha / m W to the gradient; return alpha / (2 m) sum W^2."""
        theta = self.network.theta
        pull = np.multiply(theta, self.alpha * per_sample, out=self._pull)
        for biases in self._pull_on_biases:
            biases.fill(0)
        self._grad += pull
        return 0.5 * float(np.dot(pull, theta))

    def _buffers_for(self, n_samples):
        """Activations and deltas of a batch of this size, made at its first use."""
        if n_samples not in self._buffers:
            dtype = self.network.theta.dtype
            hidden = self.network.n_units[1:-1]
            self._buffers[n_samples] = (
                self.network.buffers(n_samples),
                [None] + [np.empty((n, n_samples), dtype) for n in hidden],
            )
        return self._buffers[n_samples]

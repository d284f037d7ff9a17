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
from scipy import sparse

from sknet._compat import sparse_product
from sknet._threads import axpy
from sknet.network import small_blocks


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

    Attributes
    ----------
    penalty : float
        The penalty's part of the last cost.
    kept : tuple (X1, by_feature)
        A batch that is kept and its copy, see :meth:`keep`; None for none.

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
        self.penalty = 0.0
        self._grad = np.empty_like(network.theta)
        self._grads = network.unflatten(self._grad)
        self._biases = [
            (W[:, 0], grad[:, 0])
            for W, grad in zip(network.weights, self._grads, strict=True)
        ]
        self._part = np.empty_like(self._grads[0])
        self._buffers = {}
        self.kept = None, None

    def keep(self, X1):
        """Get ready for a batch that comes again and again and never changes.

        A copy with each feature's numbers side by side makes the product of the first
        layer a third faster; the gradient reads X1 as it is.

        Parameters
        ----------
        X1 : ndarray of shape (1 + n_features, n_samples) or None
            None keeps nothing.
        """
        self.kept = X1, None if X1 is None else np.ascontiguousarray(X1)

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
        per_sample = 1.0 / (X1.shape[1] * self.mean_weight)  # 1 / m
        loss, delta, layers = self._forward(X1, Y, sample_weight, per_sample)
        self._backpropagate(X1, delta, layers)
        if not self.alpha:
            return loss, self._grad
        self.penalty = self._penalise(per_sample)
        return loss + self.penalty, self._grad

    def mean_loss(self, X1, Y, sample_weight=None):
        """Mean loss of a batch, which is J without the penalty.

        Parameters
        ----------
        X1, Y, sample_weight
            As for :meth:`value_and_grad`.

        Returns
        -------
        loss : float
        """
        per_sample = 1.0 / (X1.shape[1] * self.mean_weight)
        return self._forward(X1, Y, sample_weight, per_sample)[0]

    def _forward(self, X1, Y, sample_weight, per_sample):
        """Mean loss, dJ/dz of the output layer, and what backpropagation works on."""
        forward, layers = self._buffers_for(X1.shape[1])
        kept, by_feature = self.kept
        z = self.network.forward(by_feature if X1 is kept else X1, forward)
        losses = self.loss.residual(z, Y)  # z is now h - y, the output's delta
        if sample_weight is not None:
            losses *= sample_weight
            z *= sample_weight
        z *= per_sample
        return float(np.add.reduce(losses)) * per_sample, z, layers

    def _backpropagate(self, X1, delta, layers):
        """Fill the gradient of the loss from ``delta``, dJ/dz of the output layer."""
        for inputs, grad, back, activation, a, delta_below in layers:
            np.dot(delta, inputs, grad)  # Delta / m
            np.dot(back, delta, delta_below)
            activation.backward(a, delta_below)
            delta = delta_below
        self._first_gradient(X1, delta)

    def _first_gradient(self, X1, delta):
        """Gradient of the layer that reads X1, in blocks of samples like its output."""
        grad, inputs = self._grads[0], X1.T
        blocks = small_blocks(grad.size, X1.shape[1])
        if sparse.issparse(X1):
            sparse_product(X1, delta.T, out=grad.T)
        elif not grad.flags.c_contiguous:
            grad[...] = delta @ inputs
        elif blocks is None:
            np.dot(delta, inputs, grad)
        else:
            np.dot(delta[:, blocks[0]], inputs[blocks[0]], grad)
            for samples in blocks[1:]:
                grad += np.dot(delta[:, samples], inputs[samples], self._part)

    def _penalise(self, per_sample):
        """Add alpha / m W to the gradient; return alpha / (2 m) sum W^2."""
        theta, rate = self.network.theta, self.alpha * per_sample
        untouched = [grad.copy() for _, grad in self._biases]
        axpy(theta, self._grad, a=rate)  # grad = grad + rate theta, in one pass
        squares = float(np.dot(theta, theta))
        for (biases, grad), before in zip(self._biases, untouched, strict=True):
            grad[:] = before
            squares -= float(np.dot(biases, biases))
        return 0.5 * rate * squares

    def _buffers_for(self, n_samples):
        """Arrays for a batch of this size, made at its first use.

        Returns
        -------
        forward : tuple of list
            From :meth:`Network.buffers`.
        layers : list of tuple
            What backpropagation works on, from the last layer to the second: A.T,
            where the gradient goes, the weights but the biases (they have no input
            that dJ/da could flow back to), the activation of the layer below, what
            its derivative is written in, and its delta.
        """
        if n_samples not in self._buffers:
            network = self.network
            A, Z = network.buffers(n_samples)
            back = [W[:, 1:].T for W in network.weights]
            layers = [
                (A[l].T, self._grads[l], back[l], activation, z, np.empty_like(z))
                for l, (activation, z) in enumerate(
                    zip(network.activations, Z[:-1], strict=True), start=1
                )
            ]
            self._buffers[n_samples] = (A, Z), layers[::-1]
        return self._buffers[n_samples]

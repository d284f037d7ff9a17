"""Computes a network's outputs, layer by layer, from one flat vector of weights.

*Rows are units, columns are samples.*  The input of every layer has a leading row of
ones, as in the article, so a unit's bias is a weight like the others: the one in
column 0.

::

    weights[l]  (n_units[l + 1], 1 + n_units[l])   a view on theta
    A[l]        (1 + n_units[l], n_samples)        activations; row 0 is 1
    z           (n_units[l + 1], n_samples)        weights[l] @ A[l]
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from sknet._blas import product, sparse_with_ones
from sknet.activations import Activation, Array

Buffers: TypeAlias = tuple[list[Any], list[Array]]


def count_parameters(n_units: Sequence[int]) -> int:
    """Length of theta for layers of ``n_units`` units, biases included.

    Examples
    --------
    >>> count_parameters([256, 30, 20, 10])
    8540
    """
    return sum((1 + n_in) * n_out for n_in, n_out in pairwise(n_units))


def unflatten(
    theta: Array, n_units: Sequence[int], transposed_input: bool = False
) -> list[Array]:
    """List of the layers' matrices as views on the flat vector ``theta``.

    Parameters
    ----------
    theta : ndarray of shape (count_parameters(n_units),)
        The parameters, layer after layer.
    n_units : sequence of int
        Units of each layer, from the inputs to the outputs.
    transposed_input : bool, default=False
        Whether the first layer lies in memory input by input instead of unit by
        unit: a product with sparse samples reads it in that order.

    Returns
    -------
    weights : list of ndarray of shape (n_units[l + 1], 1 + n_units[l])

    Examples
    --------
    >>> unflatten(np.arange(6.0), [1, 2, 0])
    [array([[0., 1.],
           [2., 3.]]), array([], shape=(0, 3), dtype=float64)]
    """
    weights: list[Array] = []
    start = 0
    for n_in, n_out in pairwise(n_units):
        stop = start + (1 + n_in) * n_out
        matrix = theta[start:stop].reshape(n_out, 1 + n_in)
        if transposed_input and not weights:
            matrix = theta[start:stop].reshape(1 + n_in, n_out).T
        weights.append(matrix)
        start = stop
    return weights


def prepend_ones(X: Any, dtype: DTypeLike | None = None) -> Any:
    """Samples as columns under a row of ones: the input of the first layer, X1.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    dtype : dtype, default=None
        Type of the result; that of X by default.

    Returns
    -------
    X1 : ndarray or CSC matrix of shape (1 + n_features, n_samples)
        A copy.  It lies in memory sample by sample, like X.

    Examples
    --------
    >>> prepend_ones(np.array([[5.0, 6.0], [7.0, 8.0]]))
    array([[1., 1.],
           [5., 7.],
           [6., 8.]])
    """
    n_samples, n_features = X.shape
    dtype = X.dtype if dtype is None else dtype
    if sparse.issparse(X):
        return sparse_with_ones(X.tocsr(), dtype).T
    rows = np.empty((n_samples, 1 + n_features), dtype=dtype)
    rows[:, 0] = 1
    rows[:, 1:] = X
    return rows.T


class Network:
    """Parameters and forward pass of a multilayer perceptron.

    Parameters
    ----------
    n_units : sequence of int
        Units of each layer, from the inputs to the outputs.
    activation : Activation or list of Activation
        Function of the hidden layers, or a list with one for each of them.
    theta : ndarray of shape (count_parameters(n_units),)
        All parameters.  The network reads them where they are: to change theta is to
        change the network.
    transposed_input : bool, default=False
        See :func:`unflatten`.

    Attributes
    ----------
    weights : list of ndarray of shape (n_units[l + 1], 1 + n_units[l])
        Views on theta; column 0 holds the biases.

    Examples
    --------
    >>> from sknet.activations import ACTIVATIONS
    >>> theta = np.array([1.0, 2.0])  # one unit: bias 1, weight 2
    >>> network = Network([1, 1], ACTIVATIONS["relu"], theta)
    >>> network.forward(prepend_ones(np.array([[3.0], [4.0]])))
    array([[7., 9.]])
    """

    def __init__(
        self,
        n_units: Sequence[int],
        activation: Activation | list[Activation],
        theta: Array,
        transposed_input: bool = False,
    ):
        self.n_units = list(n_units)
        if not isinstance(activation, list):
            activation = [activation] * (len(self.n_units) - 2)
        self.activations = activation
        self.theta = theta
        self.transposed_input = transposed_input
        self.weights = self.unflatten(theta)

    @property
    def biases(self) -> Array:
        """The biases' places in theta, an array of int."""
        places, start = [], 0
        for l, (n_in, n_out) in enumerate(pairwise(self.n_units)):
            apart = 1 if self.transposed_input and l == 0 else 1 + n_in
            places.append(start + apart * np.arange(n_out))
            start += (1 + n_in) * n_out
        return np.concatenate(places)

    def unflatten(self, vector: Array) -> list[Array]:
        """Views of a vector as long as theta, in the shapes of ``weights``."""
        return unflatten(vector, self.n_units, self.transposed_input)

    def up_to(self, layer: int) -> "Network":
        """Network of the layers before hidden layer ``layer``, whose z it puts out.

        Parameters
        ----------
        layer : int
            Counted from 0, the hidden layer that reads the first one's inputs.

        Returns
        -------
        network : Network
            On the same theta.
        """
        n_units = self.n_units[: layer + 2]
        theta = self.theta[: count_parameters(n_units)]
        return Network(n_units, self.activations[:layer], theta, self.transposed_input)

    def buffers(self, n_samples: int) -> Buffers:
        """Arrays for the activations of a batch of this size.

        Returns
        -------
        A : list of ndarray
            The layers' inputs: None for X1, then (1 + n_units[l], n_samples) for each
            hidden layer, with its row of ones.
        Z : list of ndarray of shape (n_units[l + 1], n_samples)
            Where each layer's product goes: the rows of its A below the ones, or an
            array of its own for the last layer and where the derivative needs z.
            After the forward pass a hidden layer's derivative is taken from its Z.
        """
        dtype = self.theta.dtype
        *hidden, n_outputs = self.n_units[1:]
        A: list[Any] = [None]
        Z: list[Array] = []
        for n, activation in zip(hidden, self.activations, strict=True):
            a = np.empty((1 + n, n_samples), dtype)
            a[0] = 1
            A.append(a)
            Z.append(np.empty_like(a[1:]) if activation.needs_input else a[1:])
        return A, [*Z, np.empty((n_outputs, n_samples), dtype)]

    def forward(self, X1: Any, buffers: Buffers | None = None) -> Array:
        """Raw outputs of the network: the article's prediction, layer by layer.

        For each layer, h = g(theta X), but for the last, whose g is the loss's
        inverse link.

        Parameters
        ----------
        X1 : ndarray or sparse matrix of shape (1 + n_features, n_samples)
            Samples as columns under a row of ones.
        buffers : tuple of list, default=None
            From :meth:`buffers`; filled in, with ``A[0]`` set to ``X1``.

        Returns
        -------
        z : ndarray of shape (n_outputs, n_samples)
            The last of the buffers.
        """
        A, Z = buffers or self.buffers(X1.shape[1])
        A[0] = X1
        for l, W in enumerate(self.weights):
            product(W, A[l], out=Z[l])
            if l < len(self.activations):
                activation, a = self.activations[l], Z[l]
                if activation.needs_input:
                    a = A[l + 1][1:]
                    a[...] = Z[l]
                activation.forward(a)
        return Z[-1]

    def predict(self, X: Any, buffers: Buffers | None = None) -> Array:
        """Raw outputs as in :meth:`forward`, without a copy of X that has ones.

        The first layer's product is W[:, 1:] X + W[:, 0] here (see
        :func:`~sknet._blas.product`): that saves a third of the time of a prediction,
        whereas training has to copy its batches anyway.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
            Samples as rows.
        buffers : tuple of list, default=None
            From :meth:`buffers`; filled in.

        Returns
        -------
        z : ndarray of shape (n_outputs, n_samples)
            The last of the buffers.
        """
        return self.forward(X.T, buffers)

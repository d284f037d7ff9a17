"""The network: views on one vector, and the forward pass against a plain loop."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import expit, ndtr

from sknet.activations import ACTIVATIONS
from sknet.network import Network, count_parameters, prepend_ones, unflatten

FUNCTIONS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "gelu": lambda z: z * ndtr(z),
    "silu": lambda z: z * expit(z),
}
ARCHITECTURES = [[3, 1], [3, 2], [3, 4, 2], [3, 5, 4, 1]]

all_architectures = pytest.mark.parametrize("n_units", ARCHITECTURES, ids=str)
both_orders = pytest.mark.parametrize("transposed_input", [False, True])


def random_network(n_units, activation="tanh", transposed_input=False, dtype=float):
    theta = np.random.RandomState(0).uniform(-1, 1, count_parameters(n_units))
    if isinstance(activation, list):
        functions = [ACTIVATIONS[name] for name in activation]
    else:
        functions = ACTIVATIONS[activation]
    return Network(n_units, functions, theta.astype(dtype), transposed_input)


def plain_forward(network, activation, X):
    """X @ coefficients + biases for each layer, samples as rows, as in a textbook."""
    a = X
    for layer, W in enumerate(network.weights):
        biases, coefficients = W[:, 0], W[:, 1:].T
        a = a @ coefficients + biases
        if layer < len(network.weights) - 1:
            name = activation[layer] if isinstance(activation, list) else activation
            a = FUNCTIONS[name](a)
    return a


@all_architectures
def test_theta_has_room_for_every_weight_and_bias(n_units):
    coefficients = sum(a * b for a, b in pairwise(n_units))
    assert count_parameters(n_units) == coefficients + sum(n_units[1:])


@all_architectures
@both_orders
def test_weights_are_views_that_share_out_theta(n_units, transposed_input):
    theta = np.arange(float(count_parameters(n_units)))
    weights = unflatten(theta, n_units, transposed_input)
    assert [W.shape for W in weights] == [
        (n_out, 1 + n_in) for n_in, n_out in pairwise(n_units)
    ]
    assert all(np.shares_memory(W, theta) for W in weights)
    # Every entry of theta is in one place, the layers one after the other.
    start = 0
    for W in weights:
        assert_array_equal(np.sort(W, axis=None), theta[start : start + W.size])
        start += W.size
    assert start == theta.size

    weights[-1][0, 0] = -7
    assert -7 in theta
    theta[:] = 5
    assert all((W == 5).all() for W in weights)


def test_weights_lie_unit_by_unit_but_for_a_transposed_input():
    theta = np.arange(4.0 * 2 + 3 * 2)
    plain = unflatten(theta, [3, 2, 2])
    transposed = unflatten(theta, [3, 2, 2], transposed_input=True)
    assert_array_equal(plain[0], [[0, 1, 2, 3], [4, 5, 6, 7]])
    assert_array_equal(transposed[0], [[0, 2, 4, 6], [1, 3, 5, 7]])
    assert_array_equal(plain[1], [[8, 9, 10], [11, 12, 13]])
    assert_array_equal(transposed[1], plain[1])


@all_architectures
@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
def test_forward_is_a_chain_of_affine_maps_and_activations(n_units, activation):
    network = random_network(n_units, activation)
    X = np.random.RandomState(1).normal(size=(7, 3))
    z = network.forward(prepend_ones(X))
    assert_allclose(z.T, plain_forward(network, activation, X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "activations", [["gelu", "tanh"], ["tanh", "gelu"], ["silu", "gelu"]], ids=str
)
def test_each_hidden_layer_has_its_own_activation(activations):
    network = random_network([3, 5, 4, 2], activations)
    X = np.random.RandomState(1).normal(size=(7, 3))
    expected = plain_forward(network, activations, X)
    reverse = plain_forward(network, activations[::-1], X)
    assert np.abs(expected - reverse).max() > 1e-3  # or the order could not be seen
    for z in (network.forward(prepend_ones(X)), network.predict(X)):
        assert_allclose(z.T, expected, rtol=1e-12, atol=1e-14)


def test_z_is_kept_where_the_derivative_needs_it_and_nowhere_else():
    network = random_network([3, 5, 4, 2], ["gelu", "tanh"])
    X = np.random.RandomState(1).normal(size=(7, 3))
    A, Z = network.buffers(7)
    for _ in range(2):  # the second time into arrays that are full
        network.forward(prepend_ones(X), (A, Z))
        W = network.weights[0]
        z = W[:, 1:] @ X.T + W[:, :1]
        assert_allclose(Z[0], z, rtol=1e-12)
        assert_allclose(A[1][1:], z * ndtr(z), rtol=1e-12)
    assert not np.shares_memory(Z[0], A[1])
    assert np.shares_memory(Z[1], A[2])


@both_orders
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_samples_give_the_same_outputs(container, transposed_input):
    X = np.random.RandomState(1).normal(size=(7, 3))
    X[X < 0] = 0
    network = random_network([3, 4, 2], transposed_input=transposed_input)
    z = network.forward(prepend_ones(container(X)))
    assert type(z) is np.ndarray
    assert_allclose(z.T, plain_forward(network, "tanh", X), rtol=1e-12)


def test_forward_reads_theta_where_it_is():
    network = random_network([3, 4, 2])
    X1 = prepend_ones(np.ones((5, 3)))
    network.theta[:] = 0
    network.weights[-1][1, 0] = 3  # the last unit's bias
    assert_array_equal(network.forward(X1), [[0] * 5, [3] * 5])


def test_forward_fills_the_arrays_it_is_given():
    network = random_network([3, 4, 2], "logistic")
    buffers = network.buffers(n_samples=5)
    for seed in (1, 2):
        X = np.random.RandomState(seed).normal(size=(5, 3))
        z = network.forward(prepend_ones(X), buffers)
        assert any(z is array for array in buffers[1])
        assert_allclose(z.T, plain_forward(network, "logistic", X), rtol=1e-12)
        inputs, W = buffers[0], network.weights[0]
        assert_array_equal(inputs[1][0], 1)
        hidden = expit(X @ W[:, 1:].T + W[:, 0])
        assert_allclose(inputs[1][1:].T, hidden, rtol=1e-12)


@all_architectures
@pytest.mark.parametrize("container", [np.array, sparse.csr_matrix])
def test_predict_needs_no_ones(n_units, container):
    network = random_network(n_units, transposed_input=container is not np.array)
    X = np.random.RandomState(1).normal(size=(7, 3))
    X[X < -1] = 0
    z = network.predict(container(X))
    assert_allclose(z.T, plain_forward(network, "tanh", X), rtol=1e-12)


def test_outputs_of_two_calls_do_not_share_memory():
    network = random_network([3, 4, 2])
    first = network.forward(prepend_ones(np.ones((5, 3))))
    kept = first.copy()
    network.forward(prepend_ones(np.zeros((5, 3))))
    assert_array_equal(first, kept)


@both_orders
def test_float32_stays_float32(transposed_input):
    network = random_network([3, 4, 2], "logistic", transposed_input, np.float32)
    X = np.random.RandomState(1).normal(size=(7, 3)).astype(np.float32)
    expected = plain_forward(network, "logistic", X.astype(np.float64))
    for X1 in [prepend_ones(X), prepend_ones(sparse.csr_matrix(X))]:
        z = network.forward(X1)
        assert z.dtype == np.float32
        assert_allclose(z.T, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "container",
    [np.array, sparse.csr_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_array],
    ids=lambda c: c.__name__,
)
@pytest.mark.parametrize("dtype", [None, np.float32])
def test_prepend_ones_puts_samples_in_columns_under_ones(container, dtype):
    X = np.array([[5.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 8.0], [1.0, 2.0]])
    given = container(X)
    X1 = prepend_ones(given, dtype)
    assert X1.dtype == (dtype or X.dtype)
    dense = X1.toarray() if sparse.issparse(X1) else X1
    assert_array_equal(dense, [[1, 1, 1, 1, 1], [5, 0, 0, 0, 1], [0, 0, 0, 8, 2]])
    X1 *= 0  # a copy: the samples are left as they are
    assert_array_equal(given.toarray() if sparse.issparse(given) else given, X)


@pytest.mark.parametrize("n_samples", [0, 1, 127, 128, 129, 32768])
def test_ones_are_prepended_to_samples_that_have_no_other_number(n_samples):
    X1 = prepend_ones(sparse.csr_array((n_samples, 2)))
    assert_array_equal(X1.toarray(), [np.ones(n_samples), *np.zeros((2, n_samples))])


def test_prepended_samples_lie_in_memory_one_after_the_other():
    X = np.random.RandomState(0).normal(size=(4, 3))
    assert prepend_ones(X).T.flags.c_contiguous
    assert prepend_ones(np.asfortranarray(X)).T.flags.c_contiguous
    X1 = prepend_ones(sparse.csr_matrix(X))
    assert X1.format == "csc"
    assert X1.indices.dtype == X1.indptr.dtype == np.int32  # as those of X

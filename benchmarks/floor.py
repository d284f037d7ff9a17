"""The matrix products alone: what no implementation of the same mathematics can beat.

All of them are ``np.matmul`` into arrays made beforehand.  Which memory layout, how
many of the allowed threads and how many samples at once are fastest depends on shapes
and library, so all layouts are tried on each number of threads, the best of them in
blocks too, and the fastest is the floor.
"""

import statistics
from itertools import pairwise, product
from time import perf_counter

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.tasks import N_CLASSES

PREDICTION_ROWS = 2000  # a larger block leaves the cache
BLOCKS = (32, 128)  # OpenBLAS has faster ways for small products


def step(n_units, n_rows, dtype, backward, orders, block=None):
    """Products of one step on ``n_rows`` samples, as (a, b, out).

    With ``block``, so many samples at a time; to add up the gradients of the blocks is
    not counted.

    Weights have their biases in column 0 and activations their ones in row 0, so
    that the products are all there is to the linear part.
    """
    order_x, order_w, order_a, order_delta, order_grad = orders
    rng = np.random.default_rng(0)

    def array(rows, columns, order):
        values = rng.standard_normal((rows, columns), dtype=dtype)
        return np.asarray(values, order=order)

    shapes = list(pairwise(n_units))
    W = [array(n_out, 1 + n_in, order_w) for n_in, n_out in shapes]
    A = [array(1 + n_units[0], n_rows, order_x)]
    A += [array(1 + n, n_rows, order_a) for n in n_units[1:-1]]
    delta = [array(n, n_rows, order_delta) for n in n_units[1:]]
    blocks = [
        slice(i, i + (block or n_rows)) for i in range(0, n_rows, block or n_rows)
    ]
    products = []
    for l, weights in enumerate(W):
        out = A[l + 1][1:] if l + 1 < len(A) else delta[l]
        products += [(weights, A[l][:, part], out[:, part]) for part in blocks]
    if backward:
        for l in reversed(range(len(W))):
            gradient = np.empty(W[l].shape, dtype, order=order_grad)
            products += [(delta[l][:, p], A[l][:, p].T, gradient) for p in blocks]
            if l:
                products.append((W[l][:, 1:].T, delta[l], delta[l - 1]))
    return products


def multiply(products, times):
    """Do the products so many times; the seconds that it took."""
    start = perf_counter()
    for _ in range(times):
        for a, b, out in products:
            np.matmul(a, b, out=out)
    return perf_counter() - start


def fastest(n_units, n_rows, dtype, backward, allowed):
    """Layouts, number of threads (up to ``allowed``) and block that take least time."""
    seconds = {}

    def measure(orders, threads, block=None):
        products = step(n_units, n_rows, dtype, backward, orders, block)
        once = multiply(products, 1)
        times = max(1, min(20, int(0.01 / once)))
        tries = [multiply(products, times) / times for _ in range(3)]
        seconds[statistics.median(tries)] = orders, threads, block

    for threads in range(1, allowed + 1):
        with threadpool_limits(threads):
            for orders in product("CF", repeat=5):
                if not backward and orders[3:] != ("C", "C"):
                    continue  # there are no gradients; delta is the output
                measure(orders, threads)
    best = sorted(seconds)[:4]
    for orders, threads, _ in [seconds[taken] for taken in best]:
        with threadpool_limits(threads):
            for block in BLOCKS:
                measure(orders, threads, block)
    return seconds[min(seconds)]


class Floor:
    """The contender: see ``peers.Estimator``.

    Parameters
    ----------
    allowed : int
        Threads that it may use.
    """

    def __init__(self, allowed):
        self.allowed = allowed

    def training(self, task, data):
        """Function that does the products of all steps, the short last ones included.

        L-BFGS evaluates the gradient once an iteration at the least.
        """
        n_rows, n_features = data.X.shape
        full = n_rows if task.solver == "lbfgs" else min(task.batch_size, n_rows)
        n_units = (n_features, *task.hidden, task.outputs)
        dtype = task.dtype or data.X.dtype
        sizes = {full: task.epochs * (n_rows // full)}
        if n_rows % full:
            sizes[n_rows % full] = task.epochs
        return self._run(n_units, sizes, dtype, backward=True)

    def prediction(self, task, data):
        """Function that does the forward products, block by block."""
        n_units = (data.X.shape[1], *task.hidden, N_CLASSES)
        rows = min(task.rows, PREDICTION_ROWS)
        sizes = {rows: task.calls * (task.rows // rows)}
        return self._run(n_units, sizes, data.X.dtype, backward=False)

    def _run(self, n_units, sizes, dtype, backward):
        largest = max(sizes)
        orders, threads, block = fastest(
            n_units, largest, dtype, backward, self.allowed
        )
        work = [
            (step(n_units, rows, dtype, backward, orders, block), times)
            for rows, times in sizes.items()
        ]

        def run():
            with threadpool_limits(threads):
                return sum(multiply(products, times) for products, times in work)

        return run


class SparseFloor:
    """The contender for one epoch with one hidden layer on CSR samples.

    SciPy multiplies sparse by dense, best with the dense rows contiguous.  It cannot
    write into a given array, so its allocations are part of this floor.
    """

    def training(self, task, data):
        """Function that does the products of all steps."""
        n_rows, n_features = data.X.shape
        (n_hidden,) = task.hidden
        batches = [
            data.X[start : start + task.batch_size]
            for start in range(0, n_rows, task.batch_size)
        ]
        dtype = data.X.dtype
        W = np.ones((n_features, n_hidden), dtype)
        W_out = np.ones((n_hidden + 1, N_CLASSES), dtype)

        def run():
            start = perf_counter()
            for _ in range(task.epochs):
                for X in batches:
                    hidden = X @ W
                    A = np.zeros((X.shape[0], n_hidden + 1), dtype)
                    delta = A @ W_out
                    A.T @ delta
                    delta @ W_out[1:].T
                    X.T @ hidden
            return perf_counter() - start

        return run

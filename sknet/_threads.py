"""How many threads a matrix product is worth.

Two threads on a small product spend longer waiting for each other than multiplying,
and a busy machine makes it worse.  Small products therefore run on one, which also
makes their bits independent of the number of threads that the caller allows.
"""

import threading
from contextlib import contextmanager
from functools import cache
from itertools import pairwise

from scipy.linalg.blas import daxpy, saxpy
from threadpoolctl import ThreadpoolController

# Multiplications of the largest product above which the caller's threads are used.
WORTH_THREADS = 2**25
# Length of a vector up to which OpenBLAS uses one thread.
ONE_THREAD = 10_000

_limited = threading.Lock()


def axpy(x, y, a):
    """Add a x to y, vectors of float32 or float64, in one pass where NumPy takes two.

    Long vectors are added piece by piece: SciPy may have a BLAS of its own, whose
    threads would fight for the cores with those of NumPy, four times slower in all.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([1.0, 2.0])
    >>> axpy(np.array([10.0, 20.0]), y, a=0.5)
    >>> y
    array([ 6., 12.])
    """
    add = saxpy if y.dtype == "float32" else daxpy
    n = len(y)
    if n <= ONE_THREAD:
        add(x, y, a=a)
        return
    for start in range(0, n, ONE_THREAD):
        add(x, y, n=min(ONE_THREAD, n - start), a=a, offx=start, offy=start)


@cache
def _controller():
    return ThreadpoolController()  # looks through all loaded libraries: 1 ms


@contextmanager
def blas_threads(n_units, n_samples):
    """Run with one BLAS thread if a network's products with these samples are small.

    Limits hold for the whole process, so of several fits in threads of one process
    the first to come sets the limit and lifts it when it is done.

    Parameters
    ----------
    n_units : sequence of int
        Units of each layer.
    n_samples : int
        Columns of a batch.

    Yields
    ------
    n_threads : int
        Threads that the caller allows and the products leave idle, this one included.
    """
    largest = max(a * b for a, b in pairwise(n_units))
    small = largest * n_samples <= WORTH_THREADS
    if not small or not _limited.acquire(blocking=False):
        yield 1
        return
    try:
        blas = _controller().select(user_api="blas")
        allowed = min(
            (library.num_threads for library in blas.lib_controllers), default=1
        )
        with blas.limit(limits=1):
            yield allowed
    finally:
        _limited.release()

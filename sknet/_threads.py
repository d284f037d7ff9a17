"""How many threads a matrix product is worth.

Two threads on a small product spend longer waiting for each other than multiplying,
and a busy machine makes it worse.  Small products therefore run on one, which also
makes their bits independent of the number of threads that the caller allows.
"""

import threading
from contextlib import contextmanager
from functools import cache
from itertools import pairwise

from threadpoolctl import ThreadpoolController

# Multiplications of the largest product above which the caller's threads are used.
WORTH_THREADS = 2**25

_limited = threading.Lock()


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

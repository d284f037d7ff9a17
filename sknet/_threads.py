"""How many threads a computation is worth.

Two threads on a small product spend longer waiting for each other than multiplying,
and a busy machine makes it worse.  Small products therefore run on one, which also
makes their bits independent of the number of threads that the caller allows.  Long
vectors, on the other hand, are worth more than the one thread that NumPy gives them.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise

from threadpoolctl import ThreadpoolController

# Multiplications of the largest product above which the caller's threads are used.
WORTH_THREADS = 2**24
# And below which BLAS takes one thread by itself: to limit it costs 20 µs.
TINY = 2**17

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
    """
    largest = max(a * b for a, b in pairwise(n_units))
    small = TINY < largest * n_samples <= WORTH_THREADS
    if not small or not _limited.acquire(blocking=False):
        yield
        return
    try:
        with _controller().limit(limits=1, user_api="blas"):
            yield
    finally:
        _limited.release()


# Elements of a vector that are worked on at a time: a few vectors of that length stay
# in a processor's own cache.
BLOCK = 2**16


def in_blocks(function, *vectors):
    """Call ``function`` with the vectors, if they are long on one block after another.

    The blocks are shared among as many threads as BLAS may use (NumPy lets several
    work at once).  They are the same for any number of threads.

    Parameters
    ----------
    function : callable
        Elementwise in the vectors.
    *vectors : ndarray
        Of one length.

    Returns
    -------
    results : list
        What ``function`` returned for each block, in their order.
    """
    n = len(vectors[0])
    if n <= BLOCK:
        return [function(*vectors)]
    blocks = [slice(start, start + BLOCK) for start in range(0, n, BLOCK)]

    def work_on(blocks):
        return [function(*(vector[block] for vector in vectors)) for block in blocks]

    n_threads = min(threads_allowed(), len(blocks))
    if n_threads == 1:
        return work_on(blocks)
    share = -(-len(blocks) // n_threads)
    shares = [blocks[start : start + share] for start in range(0, len(blocks), share)]
    others = [_pool(os.getpid()).submit(work_on, share) for share in shares[1:]]
    results = work_on(shares[0])
    for other in others:
        results += other.result()
    return results


def threads_allowed():
    """Threads that BLAS may use now: the caller's limits are in it."""
    libraries = _controller().select(user_api="blas").lib_controllers
    return min((library.num_threads for library in libraries), default=1)


@cache
def _pool(pid):  # a process made by fork has none of its parent's threads
    return ThreadPoolExecutor(thread_name_prefix="sknet")

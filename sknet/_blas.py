"""Matrix products and vector updates, done fast: layouts, blocks, sparse X, threads.

The chapters say what is multiplied; how that is fast on this processor is said here.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.linalg.blas import daxpy, dscal, saxpy, sscal
from scipy.sparse import csr_array
from threadpoolctl import ThreadpoolController

try:
    from scipy.sparse._sparsetools import csc_matvecs
except ImportError:  # private: a SciPy to come may lack it
    csc_matvecs = None

# Multiplications of the largest product that runs on one thread.
ONE_THREAD_PRODUCT = 2**25
# Length of the longest vector that OpenBLAS adds on one thread.
ONE_THREAD_VECTOR = 10_000
# OpenBLAS's kernels for AVX-512 have faster ways for products of few multiplications.
SMALL_PRODUCT_KERNELS = {"SkylakeX", "Cooperlake", "SapphireRapids"}
SMALL_PRODUCT = 10**6
# Multiplications of a product that is not worth a look at blocks.
TINY_PRODUCT = SMALL_PRODUCT // 4
# Numbers in the largest result for which OpenBLAS takes its faster way anyway.
FEW_OUTPUTS = 1500
# Units up to which it pays to lay delta out sample by sample, like X1.
FEW_UNITS = 32
# The length of a block is a multiple of what a vector register holds.
REGISTER = 8
ALL = sys.maxsize
# Modules whose threads run nothing of the user's: those of a notebook, of progress
# bars, of callbacks, of pools of processes, of tests.
SERVICES = (
    "IPython.",
    "ipykernel.",
    "google.colab.",
    "debugpy.",
    "_pydevd_bundle.",
    "sklearn.callback.",
    "rich.",
    "tqdm.",
    "joblib.externals.loky.",
    "concurrent.futures.process",
    "multiprocessing.queues",
    "execnet.",
)


def product(W: NDArray[Any], X1: Any, out: NDArray[Any]) -> None:
    """Write the product W @ X1 into the array ``out``.

    Parameters
    ----------
    W : ndarray of shape (n_out, 1 + n_in)
    X1 : ndarray or sparse matrix of shape (1 + n_in, n_samples)
        Or without its row of ones, which is then implied.
    out : ndarray of shape (n_out, n_samples)
        Contiguous.

    Examples
    --------
    >>> W, X1 = np.array([[1.0, 2.0]]), np.array([[1.0, 1.0], [3.0, 4.0]])
    >>> out = np.empty((1, 2))
    >>> product(W, X1, out)
    >>> out
    array([[7., 9.]])
    >>> product(W, X1[1:], out)
    >>> out
    array([[7., 9.]])
    """
    if X1.shape[0] < W.shape[1]:
        product(W[:, 1:], X1, out)
        out += W[:, :1]
    elif not isinstance(X1, np.ndarray):
        out[...] = W @ X1
    elif (
        W.size * X1.shape[1] <= TINY_PRODUCT
        or out.size <= FEW_OUTPUTS
        or not _small_products_are_faster()
    ):
        # On small matrices np.dot has half the overhead, but it copies views with gaps.
        multiply = np.dot if W.flags.forc else np.matmul
        multiply(W, X1, out)
    else:
        by_sample, n_samples = X1.flags.f_contiguous, X1.shape[1]
        size = _product_block(*W.shape, by_sample)
        if by_sample and W.size * min(size, n_samples) <= SMALL_PRODUCT:
            W = np.asfortranarray(W)  # else OpenBLAS would not take its faster way
        for block in _blocks(n_samples, size):
            np.matmul(W, X1[:, block], out=out[:, block])


def outer(delta: NDArray[Any], X1: Any, out: NDArray[Any]) -> None:
    """Write delta @ X1.T into the array ``out``.

    Parameters
    ----------
    delta : ndarray of shape (n_out, n_samples)
    X1 : ndarray or sparse matrix of shape (1 + n_in, n_samples)
    out : ndarray of shape (n_out, 1 + n_in)
        Contiguous, or the transpose of a contiguous array.

    Examples
    --------
    >>> out = np.empty((1, 2))
    >>> outer(np.array([[1.0, 2.0]]), np.array([[1.0, 1.0], [3.0, 4.0]]), out)
    >>> out
    array([[ 3., 11.]])
    """
    if type(X1) is not np.ndarray:
        X1 = getattr(X1, "by_sample", X1)
    if not isinstance(X1, np.ndarray):
        sparse_product(X1, delta.T, out=out.T)
    elif not out.flags.c_contiguous:
        np.dot(X1, delta.T, out.T)
    elif out.size * X1.shape[1] <= TINY_PRODUCT or not _small_products_are_faster():
        np.dot(delta, X1.T, out)
    else:
        by_sample, n_multiplications = X1.flags.f_contiguous, out.size * X1.shape[1]
        size = _outer_block(*out.shape, X1.dtype.char, by_sample)
        if by_sample and (len(out) <= FEW_UNITS or n_multiplications <= SMALL_PRODUCT):
            delta = np.asfortranarray(delta)
        first, *others = _blocks(X1.shape[1], size)
        np.dot(delta[:, first], X1.T[first], out)
        for block in others:
            out += delta[:, block] @ X1.T[block]


def _blocks(n_samples: int, most: int) -> list[slice]:
    """Blocks of about the same size, of which none is larger than ``most``."""
    size = -(-n_samples // -(-n_samples // most))
    size += -size % REGISTER
    return [slice(i, i + size) for i in range(0, n_samples, size)]


@cache
def _small_products_are_faster() -> bool:
    """Whether NumPy multiplies by OpenBLAS, and that by kernels for AVX-512.

    They do not rearrange small matrices first.  With others, such as those for AVX2, a
    product in blocks takes up to a third longer than in one piece.
    """
    libraries = _controller().select(internal_api="openblas").lib_controllers
    of_numpy = [library for library in libraries if "numpy" in library.filepath]
    kernels = {library.architecture for library in of_numpy or libraries}
    return bool(kernels) and kernels <= SMALL_PRODUCT_KERNELS


@cache
def _product_block(n_out: int, n_in: int, by_sample: bool) -> int:
    """Samples to multiply at once in ``product``, at most.

    Measured with 10 to 100 units, 31 to 785 inputs, 32 to 1000 samples: in these blocks
    a product takes 0.4 to 1.1 of the time.
    """
    most = SMALL_PRODUCT // (n_out * n_in)
    if by_sample:
        least = 32 if n_out % REGISTER == 0 else 2 * n_out
        pays = n_out <= 64 and most >= least
    else:
        pays = n_in <= 200 and most >= 96
    return most - most % REGISTER if pays else ALL


@cache
def _outer_block(n_out: int, n_in: int, dtype: str, by_sample: bool) -> int:
    """Samples to multiply at once in ``outer``, at most: 0.57 to 1.1 of the time."""
    most = SMALL_PRODUCT // (n_out * n_in)
    if n_out <= FEW_UNITS:
        pays = by_sample and most >= 64
    else:
        pays = by_sample and most >= 128 and (n_in <= 200 or dtype == "f")
    return most - most % REGISTER if pays else ALL


class _BothWays(np.ndarray):
    """X1 laid out feature by feature; ``by_sample`` is the same sample by sample."""

    by_sample: NDArray[Any]


def laid_out_both_ways(X1: NDArray[Any]) -> NDArray[Any]:
    """X1 for a batch that comes again and again and never changes.

    A copy with each feature's numbers side by side makes the product of the first
    layer up to a third faster; the gradient reads the samples one after the other.

    Parameters
    ----------
    X1 : ndarray of shape (1 + n_features, n_samples)
        Sample by sample in memory.  What comes back is read-only.

    Examples
    --------
    >>> laid_out_both_ways(np.array([[1.0, 2.0]]).T).flags.writeable
    False
    """
    both = np.ascontiguousarray(X1).view(_BothWays)
    both.by_sample = X1
    both.flags.writeable = False
    return both


def sparse_product(A: Any, B: NDArray[Any], out: NDArray[Any]) -> None:
    """Write the product A @ B of a sparse and a dense matrix into the array ``out``.

    SciPy's own makes a new array for it each time, which for the gradient of 50,000
    words takes longer than the product and as much memory as all the weights.

    Parameters
    ----------
    A : sparse matrix of shape (n, m)
    B : ndarray of shape (m, k)
    out : ndarray of shape (n, k)

    Examples
    --------
    >>> out = np.empty((2, 1))
    >>> from scipy.sparse import csc_array
    >>> A = csc_array([[1.0, 2.0], [0.0, 3.0]])
    >>> sparse_product(A, np.array([[5.0], [7.0]]), out)
    >>> out
    array([[19.],
           [21.]])
    """
    fits = A.format == "csc" and A.dtype == B.dtype == out.dtype
    if csc_matvecs is None or not (fits and out.flags.c_contiguous):
        out[...] = A @ B
        return
    _clear(out)  # csc_matvecs adds to what is there
    vectors = np.ascontiguousarray(B).ravel()
    csc_matvecs(*A.shape, B.shape[1], A.indptr, A.indices, A.data, vectors, out.ravel())


def sparse_with_ones(X: Any, dtype: DTypeLike) -> csr_array:
    """Samples with a leading 1, in half the time of SciPy's ``hstack``.

    Parameters
    ----------
    X : CSR matrix of shape (n_samples, n_features)
    dtype : dtype

    Returns
    -------
    X1 : csr_array of shape (n_samples, 1 + n_features)
        A copy.

    Examples
    --------
    >>> sparse_with_ones(csr_array([[0.0, 5.0], [0.0, 0.0]]), float).toarray()
    array([[1., 0., 5.],
           [1., 0., 0.]])
    """
    n_samples, n_features = X.shape
    starts = X.indptr[:-1]
    numbers = np.insert(X.data.astype(dtype, copy=False), starts, 1)
    features = np.insert(X.indices + 1, starts, 0)
    last = X.nnz + n_samples
    long_enough = np.min_scalar_type(-1 - last)  # signed, for it is negative
    indptr = X.indptr + np.arange(1 + n_samples, dtype=long_enough)
    return csr_array((numbers, features, indptr), shape=(n_samples, 1 + n_features))


def _clear(out: NDArray[Any]) -> None:
    """Set all numbers to 0, NaN too.

    To write where nothing was read, the processor waits for memory.  What is read in
    order it fetches in advance: that halves the time for a gradient of millions.
    """
    bits = out.view(f"i{out.itemsize}")
    np.bitwise_and(bits, 0, out=bits)


def axpy(x: NDArray[Any], y: NDArray[Any], a: float) -> None:
    """Y = y + a x, in place, for vectors of float32 or float64.

    NumPy takes two passes where BLAS takes one.  Long vectors are added piece by piece:
    SciPy may have a BLAS of its own, whose threads would fight for the cores with those
    of NumPy: that takes four times as long.

    Examples
    --------
    >>> y = np.array([1.0, 2.0])
    >>> axpy(np.array([10.0, 20.0]), y, a=0.5)
    >>> y
    array([ 6., 12.])
    """
    add = saxpy if y.dtype.char == "f" else daxpy
    if len(y) <= ONE_THREAD_VECTOR:
        add(x, y, a=a)
        return
    for x_part, y_part in in_blocks(x, y):
        add(x_part, y_part, a=a)


def axpby(x: NDArray[Any], y: NDArray[Any], a: float, b: float) -> None:
    """Y = b y + a x, in place, for vectors of float32 or float64.

    Examples
    --------
    >>> y = np.array([1.0, 2.0])
    >>> axpby(np.array([10.0, 20.0]), y, a=0.5, b=3)
    >>> y
    array([ 8., 16.])
    """
    single = y.dtype.char == "f"
    scale, add = (sscal, saxpy) if single else (dscal, daxpy)
    if len(y) <= ONE_THREAD_VECTOR:
        scale(b, y)
        add(x, y, a=a)
        return
    for x_part, y_part in in_blocks(x, y):
        scale(b, y_part)
        add(x_part, y_part, a=a)


def in_blocks(*vectors: NDArray[Any]) -> list[tuple[NDArray[Any], ...]]:
    """Views on the same parts of vectors of one length, each small enough for a cache.

    Examples
    --------
    >>> [len(part) for (part,) in in_blocks(np.zeros(25_000))]
    [10000, 10000, 5000]
    """
    n, size = len(vectors[0]), ONE_THREAD_VECTOR
    if n <= size:
        return [vectors]
    return [tuple(v[i : i + size] for v in vectors) for i in range(0, n, size)]


def norm_of(grad: NDArray[Any]) -> float:
    """Euclidean norm of a vector, as a float, even where squares leave its type.

    Examples
    --------
    >>> f"{norm_of(np.array([3e30, 4e30], dtype=np.float32)):.4g}"
    '5e+30'
    """
    with np.errstate(over="ignore"):
        squares = float(np.dot(grad, grad))
    if np.finfo(grad.dtype).tiny < squares < np.inf:
        return squares**0.5
    largest = np.abs(grad).max()
    if not 0 < largest < np.inf:
        return float(largest)
    scaled = grad / largest
    return float(largest) * float(np.dot(scaled, scaled)) ** 0.5


def flush(v: NDArray[Any], below: float) -> None:
    """Set to 0, in place, what is smaller than ``below`` in absolute value.

    Examples
    --------
    >>> v = np.array([1e-3, -1e-9, 2.0])
    >>> flush(v, below=1e-6)
    >>> v
    array([1.e-03, 0.e+00, 2.e+00])
    """
    for (part,) in in_blocks(v):
        np.copyto(part, 0, where=np.abs(part) < below)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks through all loaded libraries: 1 ms


@contextmanager
def blas_threads(n_units: Sequence[int], n_samples: int) -> Iterator[None]:
    """Run with one BLAS thread if a network's products with these samples are small.

    Two threads on a small product spend longer waiting for each other than multiplying,
    on a busy machine several times as long.  On one thread the bits do not depend on
    the number of threads that the caller allows, either.

    The limit holds for the whole process.  Another thread that sets and lifts a limit
    meanwhile would take this one for the caller's and leave it behind for ever, and
    what it multiplies would have other bits.  So there is no limit but in the main
    thread, and none beside a thread that may run the user's code.

    Parameters
    ----------
    n_units : sequence of int
        Units of each layer.
    n_samples : int
        Columns of a batch.
    """
    largest = max(a * b for a, b in pairwise(n_units))
    if largest * n_samples > ONE_THREAD_PRODUCT or _has_neighbours():
        yield
        return
    blas = _controller().select(user_api="blas")
    if all(library.num_threads == 1 for library in blas.lib_controllers):
        yield
        return
    with blas.limit(limits=1):
        yield


def _has_neighbours() -> bool:
    """Whether this is not the main thread, or another one may run the user's code."""
    this = threading.get_ident()
    if this != threading.main_thread().ident:
        return True
    frames = sys._current_frames()
    # A frame that holds itself would keep what a fit has copied, as garbage, for long.
    del frames[this]
    return not all(map(_serves, frames.values()))


def _serves(frame: FrameType | None) -> bool:
    """Whether a thread, by its innermost frame, was begun by one of ``SERVICES``."""
    begun_by = ""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name != "threading":
            begun_by = name
        frame = frame.f_back
    return begun_by.startswith(SERVICES) and begun_by != "ipykernel.subshell"

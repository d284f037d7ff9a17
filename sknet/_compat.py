"""What SciPy does not offer in public, and what stands in for it should it go."""

import numpy as np

try:
    from scipy.sparse._sparsetools import csc_matvecs
except ImportError:  # a SciPy to come
    csc_matvecs = None


def sparse_product(A, B, out):
    """Write the product A @ B of a sparse and a dense matrix into the array ``out``.

    SciPy's own makes a new array for it each time, which for the gradient of 50,000
    words takes longer than the product and as much memory as all the weights.

    Parameters
    ----------
    A : CSC matrix of shape (n, m)
    B : ndarray of shape (m, k)
    out : ndarray of shape (n, k)

    Examples
    --------
    >>> from scipy.sparse import csc_matrix
    >>> out = np.empty((2, 1))
    >>> sparse_product(
    ...     csc_matrix([[1.0, 2.0], [0.0, 3.0]]), np.array([[5.0], [7.0]]), out
    ... )
    >>> out
    array([[19.],
           [21.]])
    """
    same_type = A.dtype == B.dtype == out.dtype
    if csc_matvecs is None or not (same_type and out.flags.c_contiguous):
        out[...] = A @ B
        return
    out.fill(0)  # csc_matvecs adds to what is there
    vectors = np.ascontiguousarray(B).ravel()
    csc_matvecs(*A.shape, B.shape[1], A.indptr, A.indices, A.data, vectors, out.ravel())

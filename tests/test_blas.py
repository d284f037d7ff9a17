"""Products and vector updates are right, whatever makes them fast."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from threadpoolctl import threadpool_limits

from sknet import _blas
from sknet._blas import axpby, axpy, laid_out_both_ways, outer, product

SHAPES = [
    (3, 5, 7),
    (30, 257, 64),
    (30, 257, 200),
    (64, 257, 200),
    (100, 65, 64),
    (10, 257, 100),
    (10, 101, 1100),
    (64, 101, 500),
    (1, 3, 1),
]
LAYOUTS = {
    "by sample": np.asfortranarray,
    "by feature": np.ascontiguousarray,
    "both ways": lambda X1: laid_out_both_ways(np.asfortranarray(X1)),
    "part of a batch": lambda X1: np.vstack([X1.T, X1.T]).T[:, : X1.shape[1]],
    "csr": sparse.csr_array,
    "csc": sparse.csc_matrix,
}

every_product = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
blocks_or_not = pytest.mark.parametrize("in_blocks", [False, True])
both_orders = pytest.mark.parametrize("order", ["C", "F"])


@pytest.fixture(autouse=True)
def _one_thread():
    with threadpool_limits(1, user_api="blas"):
        yield


# -- products --------------------------------------------------------------------------


def whole_numbers(*shape, dtype):
    """Small enough for their products to be exact in float32."""
    return np.random.RandomState(len(shape)).randint(-3, 4, shape).astype(dtype)


@pytest.mark.parametrize("n", [1, 7, 17, 200, 1000])
@pytest.mark.parametrize("most", [8, 96, 128, _blas.ALL])
def test_blocks_are_as_few_as_can_be_and_hold_each_sample_once(n, most):
    blocks = [list(range(n))[block] for block in _blas._blocks(n, most)]
    assert [i for block in blocks for i in block] == list(range(n))
    assert max(map(len, blocks)) <= most
    assert len(blocks) == -(-n // most)


@every_product
@every_layout
@both_dtypes
@both_orders
@blocks_or_not
def test_product_is_a_matrix_product(
    monkeypatch, shape, layout, dtype, order, in_blocks
):
    monkeypatch.setattr(_blas, "_small_products_are_faster", lambda: in_blocks)
    n_out, n_in, n_samples = shape
    W = np.asarray(whole_numbers(n_out, n_in, dtype=dtype), order=order)
    X1 = whole_numbers(n_in, n_samples, dtype=dtype)
    X1[0] = 1
    out = np.full((n_out, n_samples), np.nan, dtype)
    product(W, LAYOUTS[layout](X1), out)
    assert_array_equal(out, W @ X1)
    out[:] = np.nan
    product(W, LAYOUTS[layout](X1)[1:], out)  # the ones are understood
    assert_array_equal(out, W @ X1)


@every_product
@every_layout
@both_dtypes
@both_orders
@blocks_or_not
def test_outer_is_a_product_with_the_transpose(
    monkeypatch, shape, layout, dtype, order, in_blocks
):
    monkeypatch.setattr(_blas, "_small_products_are_faster", lambda: in_blocks)
    n_out, n_in, n_samples = shape
    delta = whole_numbers(n_out, n_samples, dtype=dtype)
    X1 = whole_numbers(n_in, n_samples, dtype=dtype)
    out = np.full((n_out, n_in), np.nan, dtype, order=order)
    outer(delta, LAYOUTS[layout](X1), out)
    assert_array_equal(out, delta @ X1.T)


@pytest.mark.parametrize("without", ["nothing", "csc_matvecs"])
@both_dtypes
def test_sparse_products_need_no_private_function(monkeypatch, without, dtype):
    if without == "csc_matvecs":
        monkeypatch.setattr(_blas, "csc_matvecs", None)
    delta, X1 = whole_numbers(4, 9, dtype=dtype), whole_numbers(5, 9, dtype=dtype)
    out = np.full((4, 5), np.nan, dtype, order="F")
    outer(delta, sparse.csc_array(X1), out)
    assert_array_equal(out, delta @ X1.T)


@pytest.mark.parametrize(
    ("libraries", "faster"),
    [
        ([("openblas", "SkylakeX", "numpy.libs/a"), ("openblas", "Zen", "b")], True),
        (
            [("openblas", "Haswell", "numpy.libs/a"), ("openblas", "SkylakeX", "b")],
            False,
        ),
        ([("openblas", "SapphireRapids", "lib/a")], True),  # one for all, as conda's
        ([("mkl", "SkylakeX", "numpy/a")], False),
        ([], False),
    ],
)
def test_numpys_own_kernels_decide_on_blocks(monkeypatch, libraries, faster):
    class Controller:
        def __init__(self, libraries):
            self.lib_controllers = libraries

        def select(self, internal_api):
            return Controller(
                [
                    lib
                    for lib in self.lib_controllers
                    if lib.internal_api == internal_api
                ]
            )

    found = [
        SimpleNamespace(internal_api=api, architecture=kernels, filepath=path)
        for api, kernels, path in libraries
    ]
    monkeypatch.setattr(_blas, "_controller", lambda: Controller(found))
    assert _blas._small_products_are_faster.__wrapped__() is faster


@pytest.mark.parametrize("n", [1, 10_000, 10_001, 35_000])
@both_dtypes
def test_vector_updates_reach_every_entry(n, dtype):
    x, y = np.arange(n, dtype=dtype), np.full(n, 2, dtype)
    axpy(x, y, a=0.5)
    assert y.dtype == dtype
    assert_array_equal(y, 2 + 0.5 * np.arange(n))
    axpby(x, y, a=0.25, b=-2)
    assert_array_equal(y, -4 - np.arange(n) + 0.25 * np.arange(n))

"""Data sets, each a folder of .npy files, which any contender's process can read."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.tasks import N_CLASSES

BLOCK_ROWS = 10_000


class Data(NamedTuple):
    """Samples and labels, and where they are stored."""

    folder: Path
    X: object
    y: np.ndarray


def load(folder, memory_map=False):
    """Data of a folder; with ``memory_map`` X stays on disk."""
    folder = Path(folder)
    y = np.load(folder / "y.npy")
    if (folder / "X.npy").exists():
        # Copy on write, because PyTorch warns of arrays that it may not write to.
        X = np.load(folder / "X.npy", "c" if memory_map else None)
        return Data(folder, X, y)
    from scipy import sparse

    parts = [np.load(folder / f"{part}.npy") for part in ("data", "indices", "indptr")]
    shape = tuple(np.load(folder / "shape.npy"))
    return Data(folder, sparse.csr_matrix(tuple(parts), shape=shape), y)


@cache
def read_semeion():
    """X, y and their name; random data of the same shape where there is no Semeion."""
    from sknet.datasets import fetch_semeion

    try:
        return *fetch_semeion(return_X_y=True), "Semeion"
    except (OSError, ImportError):
        rng = np.random.default_rng(0)
        X = (rng.random((1593, 256)) < 0.3).astype(float)
        return X, rng.integers(N_CLASSES, size=1593), "random data in Semeion's shape"


def semeion(root, dtype):
    """The 1593 handwritten digits of the article."""
    folder = Path(root) / f"semeion-{dtype}"
    if not folder.exists():
        folder.mkdir()
        X, y, _ = read_semeion()
        np.save(folder / "X.npy", X.astype(dtype))
        np.save(folder / "y.npy", y)
    return load(folder)


def random_folder(root, n_rows, n_features, dtype):
    """Folder of uniform random numbers, written in blocks so that any size fits."""
    folder = Path(root) / f"random-{n_rows}-{n_features}-{dtype}"
    if not folder.exists():
        folder.mkdir()
        rng = np.random.default_rng(0)
        shape = (n_rows, n_features)
        X = np.lib.format.open_memmap(folder / "X.npy", "w+", dtype, shape)
        for start in range(0, n_rows, BLOCK_ROWS):
            block = X[start : start + BLOCK_ROWS]
            block[...] = rng.random(block.shape, dtype=dtype)
        X.flush()
        y = rng.integers(N_CLASSES, size=n_rows)
        y[:N_CLASSES] = np.arange(N_CLASSES)  # the first rows alone have every class
        np.save(folder / "y.npy", y)
    return folder


def random(root, n_rows, n_features, dtype):
    """Uniform random numbers and random labels."""
    return load(random_folder(root, n_rows, n_features, dtype))


def numbers(root, n_rows, n_features, n_targets, dtype):
    """Uniform random numbers, and targets of size 1 that depend on them."""
    folder = Path(root) / f"numbers-{n_rows}-{n_features}-{n_targets}-{dtype}"
    if not folder.exists():
        folder.mkdir()
        rng = np.random.default_rng(0)
        X = rng.random((n_rows, n_features), dtype=dtype)
        y = np.sin(X @ rng.normal(size=(n_features, n_targets)))
        np.save(folder / "X.npy", X)
        np.save(folder / "y.npy", y[:, 0] if n_targets == 1 else y)
    return load(folder)


def sparse_text(root, n_rows, n_features, dtype, non_zeros=100):
    """CSR matrix like word counts: few columns are frequent, most are rare."""
    folder = Path(root) / f"sparse-{n_rows}-{n_features}-{dtype}"
    if not folder.exists():
        folder.mkdir()
        rng = np.random.default_rng(0)
        lengths = rng.integers(non_zeros // 2, 3 * non_zeros // 2, n_rows)
        rows = []
        for length in lengths:
            # The density of u^3 falls towards 1: Zipf's law in a rough form.
            words = (rng.random(length) ** 3 * n_features).astype(np.int32)
            rows.append(np.unique(words))
        indices = np.concatenate(rows)
        indptr = np.cumsum([0, *map(len, rows)], dtype=np.int32)
        y = rng.integers(N_CLASSES, size=n_rows)
        y[:N_CLASSES] = np.arange(N_CLASSES)
        np.save(folder / "data.npy", rng.random(len(indices), dtype=dtype))
        np.save(folder / "indices.npy", indices)
        np.save(folder / "indptr.npy", indptr)
        np.save(folder / "shape.npy", (n_rows, n_features))
        np.save(folder / "y.npy", y)
    return load(folder)

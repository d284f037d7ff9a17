"""Trains on data that are larger than the memory it may have, and tells the peaks.

``python tests/under_limit.py`` limits itself, on Linux, to little more memory than it
has once it is ready; memory maps are files and do not count.  It says whether a copy of
X fits, which must not be, and prints one line of JSON for each way of training: the
megabytes of X, the most in use above those at the beginning (pages of files not
counted), and the score.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.memory import PeakMemory, release_freed, status
from sknet import ScratchMLPClassifier, ScratchMLPRegressor

MEGABYTE = 2**20
ALLOWED = 40 * MEGABYTE
N_SAMPLES, N_FEATURES, BLOCK = 40_000, 500, 1000  # 80 MB in float32
NON_ZEROS, N_WORDS = 250, 10_000  # of a row of the CSR matrix: 80 MB as well


def written(path, block, n_blocks):
    """Memory map, read-only, of an array that repeats a block."""
    array = np.lib.format.open_memmap(
        path, "w+", block.dtype, (n_blocks * len(block), *block.shape[1:])
    )
    for start in range(0, len(array), len(block)):
        array[start : start + len(block)] = block
    array.flush()
    del array
    return np.load(path, mmap_mode="r")


def dense(folder):
    """X of rows that repeat, in a file; whether the first feature is positive."""
    block = np.random.default_rng(0).normal(size=(BLOCK, N_FEATURES))
    X = written(folder / "X.npy", block.astype(np.float32), N_SAMPLES // BLOCK)
    return X, (X[:, 0] > 0).astype(int)


def csr(folder):
    """CSR matrix whose three arrays are in files; whether a row has word 0."""
    rng = np.random.default_rng(0)
    words = np.cumsum(rng.integers(2, 39, size=(BLOCK, NON_ZEROS)), axis=1)
    words[:, 0] = np.arange(BLOCK) % 2  # later words are larger than that
    words = np.ascontiguousarray(words.ravel(), dtype=np.int32)
    values = np.where(words < 2, 1.0, 0.05).astype(np.float32)
    n_blocks = N_SAMPLES // BLOCK
    X = sparse.csr_matrix(
        (
            written(folder / "data.npy", values, n_blocks),
            written(folder / "indices.npy", words, n_blocks),
            np.arange(N_SAMPLES + 1, dtype=np.int32) * NON_ZEROS,
        ),
        shape=(N_SAMPLES, N_WORDS),
    )
    return X, np.arange(N_SAMPLES) % BLOCK % 2


def fit(net, X, y):
    """All of X at once."""
    return net.fit(X, y)


def fit_with_early_stopping(net, X, y):
    """A tenth of the rows held out."""
    return net.set_params(early_stopping=True).fit(X, y)


def partial_fit(net, X, y):
    """Chunks of 4000 rows."""
    classes = {"classes": [0, 1]} if isinstance(net, ScratchMLPClassifier) else {}
    for start in range(0, len(y), 4000):
        chunk = slice(start, start + 4000)
        net.partial_fit(X[chunk], y[chunk], **classes)
    return net


def networks():
    """One of each kind."""
    settings = {"max_iter": 1, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}
    for kind in ScratchMLPClassifier, ScratchMLPRegressor:
        yield kind(hidden_layer_sizes=(8,), learning_rate_init=0.01, **settings)


def limit():
    """Allow this process ``ALLOWED`` bytes more than it has now."""
    import resource  # not on Windows

    most = status("VmData") + ALLOWED
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def size(X):
    return X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes


def main(folder):
    ways = [
        ("fit, memory map", fit, dense(folder)),
        ("early stopping, memory map", fit_with_early_stopping, dense(folder)),
        ("partial_fit, memory map", partial_fit, dense(folder)),
        ("fit, CSR", fit, csr(folder)),
        ("partial_fit, CSR", partial_fit, csr(folder)),
    ]
    threadpool_limits(1)  # beside the thread that measures, sknet sets no limit itself
    for net in networks():  # threads and buffers of libraries are made
        net.fit(np.eye(500, dtype=np.float32), np.arange(500) % 2)
    limit()
    release_freed()
    before = status("RssAnon")
    try:
        np.array(ways[0][2][0])
    except MemoryError:
        print(json.dumps({"copy of X": "MemoryError"}))
    for name, train, (X, y) in ways:
        for net in networks():
            release_freed()
            already = status("RssAnon") - before
            with PeakMemory() as peak:
                score = train(net, X, y).score(X, y)
            line = {"way": name, "estimator": type(net).__name__, "score": score}
            line["X"] = size(X) / MEGABYTE
            line["peak"] = (already + peak.bytes["anonymous"]) / MEGABYTE
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder))

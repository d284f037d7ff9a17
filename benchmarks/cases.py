"""The cases: each a function from the bench to its tables."""

import statistics
import warnings
from contextlib import ExitStack
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from benchmarks import data
from benchmarks.growth import growth
from benchmarks.measure import interleave, progress, ratios
from benchmarks.peers import PEERS, switched
from benchmarks.report import Table
from benchmarks.tasks import Prediction, Training

DTYPES = ("float32", "float64")
SEMEION_HIDDEN = (30, 20)


def semeion(bench):
    """The article's network at three batch sizes."""
    rows = []
    lengths = {32: 2, 200: 8, 1593: 12} if bench.quick else {32: 10, 200: 40, 1593: 60}
    for batch_size, epochs in lengths.items():
        task = Training(SEMEION_HIDDEN, "logistic", "adam", batch_size, epochs)
        for dtype in DTYPES:
            digits = data.semeion(bench.folder, dtype)
            for threads in bench.thread_counts:
                label = f"batch {batch_size}"
                rows.append(bench.compare(label, task, digits, threads, rounds=9))
    digits = data.semeion(bench.folder, "float64")
    task = Training(
        SEMEION_HIDDEN, "logistic", "adam", 200, lengths[200], dtype="float32"
    )
    for threads in bench.thread_counts:
        label = "batch 200, X float64"
        rows.append(bench.compare(label, task, digits, threads, rounds=9))
    note = (
        f"256-30-20-10, logistic, Adam, {data.read_semeion()[2]}, ms per epoch. In the "
        'last rows sknet casts X to float32 (`dtype="float32"`); MLPClassifier cannot.'
    )
    return [Table("1. Semeion", note, rows)]


def wide(bench):
    """Networks in which the matrix products are most of the work."""
    rows = []
    n_rows = 1000 if bench.quick else 20_000
    for hidden, batch_size, rounds in ((512, 256), 128, 5), ((1024, 1024), 256, 3):
        task = Training(hidden, batch_size=batch_size)
        for dtype in DTYPES:
            numbers = data.random(bench.folder, n_rows, 784, dtype)
            for threads in bench.thread_counts:
                label = f"784-{hidden[0]}-{hidden[1]}-10, batch {batch_size}"
                rows.append(bench.compare(label, task, numbers, threads, rounds))
    note = f"relu, Adam, {n_rows:,} rows of random numbers, ms per epoch."
    return [Table("2. Wide networks", note, rows)]


def lbfgs(bench):
    """L-BFGS on the article's network."""
    rows = []
    task = Training(SEMEION_HIDDEN, "logistic", "lbfgs", epochs=50)
    for dtype in DTYPES:
        digits = data.semeion(bench.folder, dtype)
        for threads in bench.thread_counts:
            label = "50 iterations"
            rows.append(bench.compare(label, task, digits, threads, rounds=9))
    note = (
        "The net of case 1, ms per iteration. The floor evaluates the gradient once an "
        "iteration; a line search may need more."
    )
    return [Table("3. L-BFGS", note, rows)]


def prediction(bench):
    """``predict_proba`` of one row, of some and of many, and its memory."""
    rows, memory = [], []
    n_rows = 5000 if bench.quick else 200_000
    calls = {1: 500, 1000: 50, n_rows: 1}
    for dtype in DTYPES:
        numbers = data.random(bench.folder, n_rows, 256, dtype)
        for n, times in calls.items():
            task = Prediction((100,), n, times)
            for threads in bench.thread_counts:
                label = "1 row" if n == 1 else f"{n:,} rows"
                rows.append(bench.compare(label, task, numbers, threads, rounds=9))
        task = Prediction((100,), n_rows)
        memory.append(memory_row(bench, f"{n_rows:,} rows", task, numbers))
    note = "256-100-10, relu, ms per call."
    memory_note = "Megabytes on top of model and X, which are there before the call."
    return [
        Table("4. predict_proba: time", note, rows),
        Table("4. predict_proba: memory", memory_note, memory),
    ]


def sparse_text(bench):
    """Sparse samples, never made dense."""
    n_rows, n_features = (1000, 5000) if bench.quick else (20_000, 50_000)
    rows, memory = [], []
    task = Training((100,))
    for dtype in DTYPES:
        texts = data.sparse_text(bench.folder, n_rows, n_features, dtype)
        for threads in bench.thread_counts:
            rows.append(bench.compare("epoch", task, texts, threads, rounds=3))
        memory.append(memory_row(bench, "epoch", task, texts))
    shape = f"{n_rows:,} × {n_features:,} CSR, about 100 numbers a row, 100 units"
    note = (
        f"{shape}, Adam, ms per epoch. The products with sparse matrices are SciPy's, "
        "which has no threads. PyTorch's first layer is an EmbeddingBag, its fastest."
    )
    memory_note = "Megabytes on top of X, weights and optimizer included."
    return [
        Table("5. Sparse text: time", note, rows),
        Table("5. Sparse text: memory", memory_note, memory),
    ]


def memory_row(bench, label, task, rows_of):
    """Peak memory of a task for each contender, each in a fresh process."""
    row = {"task": label, "dtype": str(rows_of.X.dtype)}
    with ExitStack() as stack:
        for name, worker in bench.fresh_workers(stack).items():
            peak = worker.memory(task, rows_of.folder)["peak"]
            row[f"{name} MB"] = peak / 1e6
    progress(row)
    return row


def grid_search(bench):
    """A search in two processes, where each fit is short and everything counts."""
    digits = data.semeion(bench.folder, "float64")
    grid = {
        "hidden_layer_sizes": [(20,), (30, 20), (60,)],
        "alpha": [1e-4, 1e-1],
        "learning_rate_init": [0.001, 0.003, 0.01, 0.03],
    }
    folds, epochs = 5, 30
    if bench.quick:
        grid["learning_rate_init"], folds, epochs = [0.01], 2, 3
    rows = []
    for dtype in DTYPES[::-1]:
        task = Training((30,), "logistic", epochs=epochs, dtype=dtype)
        scores, runs = {}, {}
        for name, peer in PEERS.items():
            runs[name] = _search(peer, task, digits, grid, folds, scores, name)
        seconds = interleave(runs, 2 if bench.quick else 3)
        n_candidates = int(np.prod([len(values) for values in grid.values()]))
        row = {
            "task": f"{n_candidates} candidates × {folds} folds",
            "dtype": dtype,
            "sknet s": statistics.median(seconds["sknet"]),
            **ratios(seconds),
            "best score, sknet": scores["sknet"],
            "best score, MLP": scores["MLPClassifier"],
            "_seconds": seconds,
        }
        progress(row)
        rows.append(row)
    note = (
        f"The data of case 1, {epochs} epochs a fit, `n_jobs=2`, seconds in all. X is "
        "float64, the type is that of sknet's weights; MLPClassifier follows X."
    )
    return [Table("7. GridSearchCV", note, rows)]


def _search(peer, task, digits, grid, folds, scores, name):
    """Function that searches in two processes, already started, and notes the score."""
    estimator = peer.new(task)

    def run():
        get_reusable_executor().shutdown(wait=True)  # new ones hear of the extra
        with warnings.catch_warnings(), switched(peer.fast):
            warnings.simplefilter("ignore", ConvergenceWarning)
            fit = delayed(clone(estimator).fit)
            Parallel(n_jobs=2)([fit(digits.X, digits.y)] * 2)
            start = perf_counter()
            result = GridSearchCV(estimator, grid, n_jobs=2, cv=folds)
            result.fit(digits.X, digits.y)
            seconds = perf_counter() - start
        scores[name] = float(result.best_score_)
        return seconds

    return run


def regression(bench):
    """Targets that are numbers, ten of them and one."""
    rows = []
    n_rows, epochs = (1000, 4) if bench.quick else (1593, 40)
    for n_targets in 10, 1:
        task = Training(SEMEION_HIDDEN, epochs=epochs, targets=n_targets)
        for dtype in DTYPES:
            numbers = data.numbers(bench.folder, n_rows, 256, n_targets, dtype)
            for threads in bench.thread_counts:
                label = f"{n_targets} target{'s' if n_targets > 1 else ''}"
                rows.append(bench.compare(label, task, numbers, threads, rounds=9))
    note = (
        f"256-30-20, relu, Adam, batch 200, {n_rows:,} rows of random numbers, squared "
        "error, ms per epoch. MLP is MLPRegressor."
    )
    return [Table("8. Regression", note, rows)]


CASES = {
    1: semeion,
    2: wide,
    3: lbfgs,
    4: prediction,
    5: sparse_text,
    6: growth,
    7: grid_search,
    8: regression,
}

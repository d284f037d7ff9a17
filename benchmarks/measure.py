"""Rounds in which every contender works once, and the ratios of their times."""

import gc
import statistics
import sys
from contextlib import ExitStack

from scipy.sparse import issparse
from threadpoolctl import threadpool_limits

from benchmarks import peers
from benchmarks.floor import Floor, SparseFloor
from benchmarks.report import Spread, cell
from benchmarks.tasks import Training
from benchmarks.worker import Worker, prepare, settle

RATIOS = {
    "sknet / floor": ("sknet", "floor"),
    "MLP / sknet": ("MLPClassifier", "sknet"),
    "torch / sknet": ("PyTorch", "sknet"),
    "JAX / sknet": ("JAX", "sknet"),
    "fast / floor": ("fast", "floor"),
    "MLP / fast": ("MLPClassifier", "fast"),
    "torch / fast": ("PyTorch", "fast"),
    "JAX / fast": ("JAX", "fast"),
}


def spread(values):
    """Spread of a list of numbers."""
    if len(values) < 2:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


def interleave(runs, rounds):
    """Seconds of each run in each round; an untimed round goes before.

    A slow spell of the machine then hits all contenders alike, and each round gives
    a ratio of its own.
    """
    names = list(runs)
    seconds = {name: [] for name in names}
    for number in range(-1, rounds):
        first = number % len(names)  # nobody always follows the same one
        for name in names[first:] + names[:first]:
            gc.collect()
            settle()
            taken = runs[name]()
            if number >= 0:
                seconds[name].append(taken)
    return seconds


class Bench(ExitStack):
    """What all cases share: the folder of the data, the workers, the options."""

    def __init__(
        self,
        folder,
        torch_python=None,
        jax_python=None,
        quick=False,
        thread_counts=(1, 2),
    ):
        super().__init__()
        self.folder = folder
        self.quick = quick
        self.thread_counts = thread_counts
        self.torch_python = torch_python
        self.torch = self.torch_version = None
        if torch_python:
            self.torch = self.enter_context(Worker("PyTorch", torch_python))
            self.torch_version = self.torch.ask()["version"]
        self.jax, self.jax_version = {}, None
        if jax_python:
            self.jax = {
                n: self.enter_context(Worker("JAX", jax_python)) for n in thread_counts
            }
            self.jax_version = self.jax[thread_counts[0]].ask()["version"]

    def fresh_workers(self, stack):
        """A new process for each contender, ended with ``stack``, for its memory."""
        pythons = dict.fromkeys(peers.PEERS, sys.executable)
        if self.torch:
            pythons["PyTorch"] = self.torch_python
        return {
            name: stack.enter_context(Worker(name, python))
            for name, python in pythons.items()
        }

    def compare(self, label, task, data, threads, rounds):
        """Row of a table: the contenders on one task, each in every round."""
        training = isinstance(task, Training)
        by_steps = training and task.solver != "lbfgs"
        contenders = dict(peers.PEERS)
        if not by_steps:
            contenders.pop("fast", None)  # it compiles steps and nothing else
        contenders["floor"] = SparseFloor() if issparse(data.X) else Floor(threads)
        with threadpool_limits(threads):
            runs = {
                name: prepare(peer, task, data) for name, peer in contenders.items()
            }
            # PyTorch's L-BFGS is another algorithm, without SciPy's line search.
            if self.torch and (by_steps or not training):
                runs["PyTorch"] = self.torch.runner(task, data.folder, threads)
            # It trains classifiers on dense samples.
            of_jax = by_steps and not issparse(data.X) and task.targets is None
            jax = self.jax.get(threads) if of_jax else None
            if jax:
                runs["JAX"] = jax.runner(task, data.folder, threads)
            seconds = interleave(runs, 2 if self.quick else rounds)
        parts = task.epochs if training else task.calls
        row = {
            "task": label,
            "dtype": str((training and task.dtype) or data.X.dtype),
            "threads": threads,
            "sknet ms": 1000 * statistics.median(seconds["sknet"]) / parts,
            **ratios(seconds),
            "JAX compiles s": jax.answer["compile"] if jax else None,
            "_seconds": seconds,
        }
        progress(row)
        return row


def progress(row):
    """Print a row as soon as it is there."""
    columns = {name: row[name] for name in row if not name.startswith("_")}
    cells = [f"{name} {cell(value)}" for name, value in columns.items()]
    print(" ", ", ".join(cells), file=sys.stderr, flush=True)


def ratios(seconds):
    """Spread of each ratio, round by round; None without one of its contenders."""
    columns = {}
    for name, (above, below) in RATIOS.items():
        columns[name] = None
        if above in seconds and below in seconds:
            pairs = zip(seconds[above], seconds[below], strict=True)
            columns[name] = spread([a / b for a, b in pairs])
    return columns

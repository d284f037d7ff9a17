"""Case 6: time and memory as the samples, or the units, become more and more."""

import statistics
from contextlib import ExitStack

from benchmarks import data
from benchmarks.measure import interleave, progress, ratios
from benchmarks.report import Table
from benchmarks.tasks import Training

N_FEATURES = 256


def growth(bench):
    """Time per epoch and peak memory, each contender in a fresh process."""
    return [*by_rows(bench), *by_width(bench)]


def by_rows(bench):
    """From a thousand samples to a million, the last in a file that is not loaded."""
    counts = [500, 1000, 2000] if bench.quick else [10**3, 10**4, 10**5, 10**6]
    cases = []
    for n_rows in counts:
        on_disk = n_rows == counts[-1]
        task = Training((100,), epochs=max(1, 10 * counts[1] // n_rows))
        label = {"rows": n_rows, "X": "memory map" if on_disk else "in memory"}
        folder = data.random_folder(bench.folder, n_rows, N_FEATURES, "float32")
        cases.append((label, task, folder, n_rows, on_disk))
    note = (
        "256-100-10, relu, Adam, batch 200, float32, 1 thread. Time is per row and "
        f"epoch, in proportion to that of {counts[1]:,} rows: 1.00 is linear growth."
    )
    memory_note = (
        "Megabytes at the peak of a fit on top of those before, X where it is in "
        "memory; in brackets the anonymous part, without the pages of files, which "
        "the system may drop at will."
    )
    title = "6. Growth with the samples"
    return tables(bench, cases, 1, title, note, memory_note)


def by_width(bench):
    """From 16 to 4096 units in one hidden layer."""
    widths = [16, 64, 256] if bench.quick else [16, 64, 256, 1024, 4096]
    n_rows = 1000 if bench.quick else 10_000
    folder = data.random_folder(bench.folder, n_rows, N_FEATURES, "float32")
    cases = []
    for width in widths:
        task = Training((width,), epochs=max(1, 512 // width))
        cases.append(({"units": width}, task, folder, width, False))
    note = (
        f"256-units-10, relu, Adam, batch 200, float32, {n_rows:,} rows, 1 thread. "
        "Time is per unit and epoch, in proportion to that of 256 units."
    )
    memory_note = "Megabytes at the peak of a fit on top of those before, as above."
    title = "6. Growth with the units"
    return tables(bench, cases, 2, title, note, memory_note)


def tables(bench, cases, reference, title, note, memory_note):
    """Tables of time and memory; time in proportion to the case ``reference``."""
    measured = [measure(bench, *case) for case in cases]
    per_item = measured[reference][0]
    times, memory = [], []
    for (label, *_), (seconds, time_row, memory_row) in zip(
        cases, measured, strict=True
    ):
        relative = {
            f"{name} relative": seconds[name] / per_item[name] for name in seconds
        }
        times.append({**label, **time_row, **relative})
        memory.append({**label, **memory_row})
    return [
        Table(f"{title}: time", note, times),
        Table(f"{title}: memory", memory_note, memory),
    ]


def measure(bench, label, task, folder, n_items, on_disk):
    """Seconds per item of each contender, the row of times and that of memory."""
    with ExitStack() as stack:
        workers = bench.fresh_workers(stack)
        peaks = {
            name: worker.memory(task, folder, on_disk)
            for name, worker in workers.items()
        }
        runs = {
            name: worker.runner(task, folder, 1, on_disk)
            for name, worker in workers.items()
        }
        seconds = interleave(runs, 2 if bench.quick else 3)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    per_item = {name: taken / task.epochs / n_items for name, taken in medians.items()}
    columns = ratios(seconds)
    time_row = {
        "sknet ms": 1000 * medians["sknet"] / task.epochs,
        "MLP / sknet": columns["MLP / sknet"],
        "torch / sknet": columns["torch / sknet"],
        "_seconds": seconds,
    }
    memory_row = {f"{name} MB": megabytes(peak) for name, peak in peaks.items()}
    memory_row["_bytes"] = peaks
    progress({**label, **time_row, **memory_row})
    return per_item, time_row, memory_row


def megabytes(peak):
    """The peak, and in brackets its anonymous part if the system tells it."""
    text = f"{peak['peak'] / 1e6:,.1f}"
    if peak["anonymous"] is not None:
        text += f" ({peak['anonymous'] / 1e6:,.1f})"
    return text

"""``python -m benchmarks``: run the cases, print their tables and write them down."""

import argparse
import os
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from benchmarks.cases import CASES
from benchmarks.measure import Bench
from benchmarks.report import environment, markdown, write


def options():
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--case",
        nargs="+",
        type=int,
        choices=CASES,
        default=list(CASES),
        help="numbers of the cases to run (default: all)",
    )
    parser.add_argument(
        "--threads",
        nargs="+",
        type=int,
        choices=[1, 2],
        default=[1, 2][: os.cpu_count() or 1],
        help="numbers of threads that the linear algebra may use (default: 1 2)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small and with few rounds: does it work?"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent,
        metavar="DIR",
        help="where to write results.json and results.md (default: benchmarks)",
    )
    parser.add_argument(
        "--torch-python",
        default=os.environ.get("SKNET_TORCH_PYTHON"),
        metavar="PATH",
        help="python of an environment with PyTorch (default: $SKNET_TORCH_PYTHON)",
    )
    parser.add_argument(
        "--jax-python",
        default=os.environ.get("SKNET_JAX_PYTHON"),
        metavar="PATH",
        help="python of an environment with JAX (default: $SKNET_JAX_PYTHON)",
    )
    return parser.parse_args()


def version_of(package):
    """Version of a package, None if it is absent."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def main():
    """Run the benchmarks."""
    args = options()
    os.environ["SKNET_FAST"] = "0"  # the contender "fast" lifts that for itself
    tables = []
    pythons = args.torch_python, args.jax_python
    with (
        tempfile.TemporaryDirectory() as folder,
        Bench(folder, *pythons, args.quick, args.threads) as bench,
    ):
        numba = version_of("numba")
        facts = environment(bench.torch_version, bench.jax_version, numba)
        if bench.torch is None:
            print("PyTorch is left out: see --torch-python.", file=sys.stderr)
        if not bench.jax:
            print("JAX is left out: see --jax-python.", file=sys.stderr)
        if numba is None:
            print('The extra "fast" is left out: install numba.', file=sys.stderr)
        start = perf_counter()
        for number in args.case:
            print(f"case {number}", file=sys.stderr)
            for table in CASES[number](bench):
                tables.append(table)
                print(markdown(table), flush=True)
            facts["minutes"] = round((perf_counter() - start) / 60, 1)
            write(args.out, facts, tables)  # what is done is kept if a later one fails


if __name__ == "__main__":
    main()

"""Tables, as Markdown for readers and as JSON for programs."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy
import scipy
import sklearn
from threadpoolctl import threadpool_info

import sknet


class Spread(NamedTuple):
    """Median and quartiles over the rounds."""

    median: float
    low: float
    high: float


class Table(NamedTuple):
    """Rows are dicts; keys that begin with an underscore are for the JSON only."""

    title: str
    note: str
    rows: list


def environment(torch_version=None, jax_version=None, numba_version=None):
    """The machine and the versions that the figures belong to."""
    libraries = sorted(
        "{} of {}: {} {}".format(
            library["internal_api"],
            Path(library["filepath"]).parent.name.removesuffix(".libs"),
            library["version"],
            library.get("architecture", ""),
        )
        for library in threadpool_info()
        if library["user_api"] == "blas"
    )
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2) if os.name == "posix" else None,
        "system": f"{platform.system()} {platform.machine()}",
        "BLAS": libraries,
        "python": platform.python_version(),
        "sknet": sknet.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "torch": torch_version or "left out: no environment with PyTorch was named",
        "jax": jax_version or "left out: no environment with JAX was named",
        "numba": numba_version or "left out: the extra fast is not installed",
    }


def processor():
    """Name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cell(value):
    """A value as the table shows it."""
    if value is None:
        return "–"
    if isinstance(value, Spread):
        return f"{value.median:.2f} ({value.low:.2f}–{value.high:.2f})"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def markdown(table):
    """The table in Markdown, aligned so that it can be read as it is."""
    columns = [
        name
        for name in table.rows[0]
        if not name.startswith("_") and any(row[name] is not None for row in table.rows)
    ]
    lines = [columns] + [[cell(row[name]) for name in columns] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * (width - 1) + ":" for width in widths])
    text = ["| " + " | ".join(map(str.rjust, line, widths)) + " |" for line in lines]
    return "\n".join([f"## {table.title}", "", table.note, "", *text, ""])


def write(folder, facts, tables):
    """Write results.json and results.md."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "environment": facts,
        "tables": [plain(table._asdict()) for table in tables],
    }
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n")
    heading = ["# Benchmarks", ""]
    for name, value in facts.items():
        value = "; ".join(value) if isinstance(value, list) else value
        heading.append(f"- {name}: {value}")
    parts = ["\n".join([*heading, ""]), *map(markdown, tables)]
    (folder / "results.md").write_text("\n".join(parts))


def plain(value):
    """The value with named tuples as dicts, for JSON."""
    if isinstance(value, Spread):
        return value._asdict()
    if isinstance(value, dict):
        return {name.removeprefix("_"): plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value

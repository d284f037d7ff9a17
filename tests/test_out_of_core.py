"""Training on more data than fit into the memory that the system allows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("under_limit.py")


@pytest.fixture(scope="module")
def lines():
    """What the script printed, in a process with little memory of its own."""
    if sys.platform != "linux":
        pytest.skip("Linux alone limits the memory of a process without its files")
    run = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_the_limit_holds(lines):
    assert lines[0] == {"copy of X": "MemoryError"}


def test_networks_learn_from_more_than_the_memory_holds(lines):
    ways = lines[1:]
    assert len(ways) == 10  # five ways, two estimators
    for way in ways:
        assert way["score"] > 0.9, way
        assert way["X"] > 60, way
        assert way["peak"] < 40, way

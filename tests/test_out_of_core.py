"""Training on more data than fit into the memory that the system allows."""

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
import scipy
from sklearn.utils.fixes import parse_version

from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from sknet._sklearn.run import Run
from sknet.batches import Batches

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


@pytest.fixture
def no_looking_for_garbage():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_looking_for_garbage")
@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_what_a_fit_works_with_is_gone_when_it_ends(iris, cls, solver):
    """At once: garbage that refers to itself would keep the copies of many chunks."""
    if solver == "lbfgs" and parse_version(scipy.__version__) < parse_version("1.14"):
        pytest.skip("garbage of SciPy's own keeps the function that it minimised")
    net = cls(hidden_layer_sizes=(3,), solver=solver, max_iter=1000, tol=0.01)
    net.fit(*iris)
    if solver != "lbfgs":
        net.partial_fit(*iris)
        net.set_params(early_stopping=True).fit(*iris)
    assert not [one for one in gc.get_objects() if isinstance(one, Run | Batches)]

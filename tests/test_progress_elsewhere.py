"""Progress where there is no stream, no thread or only half a library for it."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import numpy as np
from sklearn.datasets import load_iris
from sknet import ScratchMLPClassifier

for name in sys.argv[2].split():
    sys.modules[name] = None
net = ScratchMLPClassifier((3,), max_iter=3, tol=0, n_iter_no_change=np.inf, verbose=1)

def fits():
    out = sys.stdout
    for name in sys.argv[1].split():
        setattr(sys, name, None)
    net.fit(*load_iris(return_X_y=True))
    print(net.n_iter_, file=out)

fits() if sys.argv[3] == "now" else __import__("atexit").register(fits)
"""


def fit(without_streams="", without="", when="now"):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, without_streams, without, when],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("streams", "without"),
    # Where rich, tqdm and the line at the end write to, and nothing at all.
    [
        ("stdout", ""),
        ("stderr", "rich"),
        ("stdout", "rich tqdm"),
        ("stdout stderr", ""),
    ],
)
def test_training_without_streams(streams, without):
    run = fit(streams, without)
    assert run.returncode == 0, run.stderr
    assert "Error" not in run.stderr
    assert run.stdout.splitlines()[-1] == "3"


@pytest.mark.parametrize("without", ["", "rich"])
def test_training_at_exit(without):
    run = fit(without=without, when="atexit")
    assert "Error" not in run.stderr
    assert run.stdout.splitlines()[-1] == "3"


def test_rich_without_ipywidgets_in_a_notebook(monkeypatch, capsys):
    rich = pytest.importorskip("rich")
    pytest.importorskip("tqdm")
    from sknet._sklearn.progress import TqdmBar, progress

    console = rich.get_console()
    monkeypatch.setattr(console, "is_jupyter", True)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    bar = progress(1, 3)
    assert type(bar) is TqdmBar
    bar.close()

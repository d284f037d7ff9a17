"""The first picture that a reader makes, and where and how it is made."""

import re
import runpy
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import sknet.__main__
from sknet import _extras
from sknet.datasets import fetch_semeion
from sknet.displays import HistoryDisplay, PredictionsDisplay

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("tqdm")
matplotlib.use("Agg")  # no windows

ROOT = Path(__file__).parents[1]
# Those with arguments, which write their pictures; the others are cells alone.
PROGRAMS = [
    path
    for path in sorted((ROOT / "examples").glob("plot_*.py"))
    if "argparse" in path.read_text("utf-8")
]


@pytest.fixture(params=["Semeion", "bundled digits"])
def data(request, monkeypatch):
    """Semeion at hand, or no way to it."""
    if request.param == "Semeion":
        try:
            fetch_semeion(download_if_missing=False)
        except OSError as error:
            pytest.skip(f"needs the Semeion data: {error}")
        return
    for name, value in request.getfixturevalue("offline").items():
        monkeypatch.setenv(name, value)


def assert_goes_down(costs):
    assert len(costs) == 500
    assert (np.diff(costs) < 0).all()


def test_the_cost_of_python_m_sknet_falls_at_every_step(data, tmp_path, monkeypatch):
    drawn = []
    from_estimator = HistoryDisplay.from_estimator

    def noted(estimator, **options):
        display = from_estimator(estimator, **options)
        (line,) = display.lines_.values()
        drawn.extend(line.get_ydata())
        return display

    monkeypatch.setattr(HistoryDisplay, "from_estimator", noted)
    sknet.__main__.main(["--out", str(tmp_path)])
    assert_goes_down(drawn)


def test_the_cost_of_the_example_falls_at_every_step(data):
    example = runpy.run_path(str(ROOT / "examples/plot_digits.py"))
    dev, test, learning_rate = example["load_dev_and_test"]()
    network = example["article_network"](len(dev[0]), learning_rate)
    costs, accuracies = example["learn"](network, dev, test, 500)
    assert_goes_down(costs)
    assert accuracies[-1] > 0.9


def test_no_two_commands_write_the_same_picture():
    pictures = []
    for path in [ROOT / "sknet/__main__.py", *PROGRAMS]:
        pictures += re.findall(r"\w+\.png", path.read_text("utf-8"))
    assert len(pictures) == len(set(pictures)) == 1 + len(PROGRAMS)


@pytest.mark.parametrize("example", PROGRAMS, ids=lambda path: path.name)
def test_cells_in_a_notebook_do_not_read_the_arguments_of_its_kernel(
    example, monkeypatch
):
    kernel = ["/lib/ipykernel_launcher.py", "-f", "/run/kernel-1.json"]
    monkeypatch.setattr(sys, "argv", kernel)
    source = example.read_text("utf-8")
    cells, last = source.split('if __name__ == "__main__":')
    names = {"__name__": "__main__"}  # and no __file__
    for cell in cells.split("# %%\n"):
        exec(cell, names)
    called_with = []
    names["main"] = called_with.append
    exec('if __name__ == "__main__":' + last, names)
    (argv,) = called_with
    assert names["parsed"](argv).show  # where they were asked for: in the notebook
    monkeypatch.setattr(sys, "argv", [str(example), "--quick"])
    exec('if __name__ == "__main__":' + last, names)
    assert called_with[1] == ["--quick"]


def test_the_recipes_are_drawn_in_a_panel_for_each_measure():
    example = runpy.run_path(str(ROOT / "examples/plot_recipes.py"))
    results = {
        "first": (np.array([0.90, 0.92]), np.array([0.3, 0.1])),
        "second": (np.array([0.96, 0.96]), np.array([0.4, 0.4])),
    }
    accuracy, loss = example["draw"](results).axes
    assert [label.get_text() for label in accuracy.get_yticklabels()] == list(results)
    assert "accuracy" in accuracy.get_xlabel()
    assert "log loss" in loss.get_xlabel()
    # The standard error of two values is half of what lies between them.
    for ax, means, error in (accuracy, [91, 96], 1), (loss, [0.2, 0.4], 0.1):
        (points, _, (bars,)) = ax.containers[0].lines
        np.testing.assert_allclose(points.get_xdata(), means)
        ends = np.array([bar[:, 0] for bar in bars.get_segments()])
        np.testing.assert_allclose(np.ptp(ends, axis=1) / 2, [error, 0], atol=1e-12)


# What is missing, and the extra that has it.
ADVICE = [("matplotlib", "examples"), ("pooch", "datasets"), ("onnx", "export")]


@pytest.mark.parametrize(("package", "extra"), ADVICE)
def test_advice_to_install_works_in_a_checkout(package, extra):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert package in project["project"]["optional-dependencies"][extra]
    advice = _extras.how_to_install(package, extra)
    assert advice.startswith(f"pip install {package}, or ")
    readme = (ROOT / "README.md").read_text("utf-8")
    install = readme.split("## Install\n")[1].split("\n## ")[0]
    command = _extras.INSTALL.format(extra="examples").split(" in a checkout")[0]
    assert f"`{command}`" in install


def test_advice_to_install_has_one_place(monkeypatch, tmp_path, capsys):
    for path in (ROOT / "sknet").rglob("*.py"):
        if path.name != "_extras.py":
            assert "sknet-mlp[" not in path.read_text("utf-8"), path
    monkeypatch.setattr(_extras, "INSTALL", "get {extra} somewhere")
    for module in "matplotlib.figure", "matplotlib.pyplot", "pooch":
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SystemExit):
        sknet.__main__.main([])
    assert (
        "pip install matplotlib, or get examples somewhere" in capsys.readouterr().err
    )
    with pytest.raises(ImportError, match="matplotlib, or get examples somewhere"):
        PredictionsDisplay([[1.0]], [1], [1]).plot()
    with pytest.raises(ImportError, match="pooch, or get datasets somewhere"):
        fetch_semeion(data_home=tmp_path)

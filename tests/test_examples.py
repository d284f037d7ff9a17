"""Every example runs from end to end, with Semeion and without."""

import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sknet.datasets import fetch_semeion

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
# Those that take long, and so have arguments. The others tell one thing each.
PROGRAMS = [path for path in EXAMPLES if "argparse" in path.read_text("utf-8")]
GALLERY = [path for path in EXAMPLES if path not in PROGRAMS]


@pytest.fixture(params=["semeion", "offline"])
def data(request, monkeypatch):
    """Semeion at hand, or no way to it."""
    for module in "matplotlib", "tqdm":
        pytest.importorskip(module)
    if request.param == "semeion":
        try:
            fetch_semeion(download_if_missing=False)
        except OSError as error:
            pytest.skip(f"needs the Semeion data: {error}")
    else:
        for name, value in request.getfixturevalue("offline").items():
            monkeypatch.setenv(name, value)
    return request.param


@pytest.mark.parametrize("example", PROGRAMS, ids=lambda path: path.name)
def test_program(example, data, tmp_path, monkeypatch, capsys):
    """As a script, where a warning is an error."""
    if data == "semeion" and "fetch_semeion" not in example.read_text("utf-8"):
        pytest.skip("runs without Semeion too")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example), "--quick", "--out", "pictures"])
    runpy.run_path(str(example), run_name="__main__")
    printed = capsys.readouterr().out
    if "fetch_semeion" in example.read_text("utf-8"):
        assert ("8x8 digits instead of Semeion" in printed) == (data == "offline")
    percentages = re.findall(r"([\d.]+)%", printed)
    assert percentages, printed
    assert all(0 <= float(percentage) <= 100 for percentage in percentages)
    pictures = list((tmp_path / "pictures").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert re.search(r"^Pictures are in pictures$", printed, re.MULTILINE)


# -- the gallery -----------------------------------------------------------------------


def autoencoder(of):
    assert of.scores["network"] > 1.5 * of.scores["PCA"]


def calibration(of):
    assert of.gaps["network"] > 0.05  # too sure
    assert of.gaps["label smoothing"] < -0.05
    *others, scaled = of.losses.values()
    assert scaled < min(others)


def dropout(of):
    means = {name: np.mean(scores) for name, scores in of.scores.items()}
    assert means["neither"] < means["dropout"] < means["augmentation"]
    assert means["neither"] + 0.01 < means["both"]


def early_stopping(of):
    assert of.scores["last weights"] + 0.02 < of.scores["best weights"]
    assert of.early.n_iter_ < of.net.n_iter_ == of.net.max_iter == len(of.watch.scores)
    assert of.watch.scores[-1] == of.scores["last weights"]
    assert of.early.best_iteration_ == of.kept.best_iteration_
    assert np.array_equal(of.early.coefs_[0], of.kept.coefs_[0])


def errors(of):
    assert of.mistakes.sum() == np.sum(of.guesses != of.y)
    assert of.errors[0] == np.mean(of.guesses != of.y)
    assert of.errors[len(of.y) // 10] < of.errors[0] / 2


def gradient_check(of):
    grows = {name: errors[18] / errors[14] for name, errors in of.errors.items()}
    h = of.steps[18] / of.steps[14]
    assert grows["to one side"] == pytest.approx(h, rel=0.2)
    assert grows["central"] == pytest.approx(h**2, rel=0.2)
    assert min(of.errors["central"]) < min(of.errors["to one side"]) / 10
    found = of.found
    assert found["Objective"].max_relative_error < 1e-7
    for name in "PenaltyForgotten", "BiasesPenalised":
        assert found[name].max_relative_error > 1e-4
    assert found["PenaltyForgotten"].layer == 1
    assert found["BiasesPenalised"].weight[1] == 0


def grid_search(of):
    results = of.search.cv_results_
    for params, mean in zip(results["params"], results["mean_test_score"], strict=True):
        row = of.grid["net__alpha"].index(params["net__alpha"])
        sizes = of.grid["net__hidden_layer_sizes"]
        column = sizes.index(params["net__hidden_layer_sizes"])
        assert of.means[row, column] == 100 * mean
    assert of.search.score(of.X_test, of.y_test) > 0.9


def hidden_units(of):
    assert of.accuracies["pixels"] + 0.02 < of.accuracies["units"]
    hidden, _ = of.display.statistics_
    assert hidden.n_dead == hidden.n_saturated == 0


def optimizers(of):
    steps = {name: of.n_steps(race) for name, race in of.races.items()}
    slowest, *others, fastest = steps.values()
    assert fastest < min(others)
    assert 2 * max(others) < slowest


def partial_fit(of):
    accuracies = list(of.accuracies.values())
    assert accuracies[1] < 0.3
    assert min(accuracies[0], accuracies[2]) > 0.8
    recalls, _ = of.streams["sorted"]
    assert (recalls[:-1].max(axis=1) > 0.9).all()  # read while it came in
    assert (recalls[:-2, -1] < 0.1).all()  # and forgotten


def regression(of):
    assert of.r2[None] < 0 < 0.4 < of.r2["standard"]
    assert of.errors["Huber"] < of.errors["squared error"] / 5
    assert of.covered["network"] == pytest.approx(0.9, abs=0.03)
    assert of.covered["boosted trees"] < of.covered["network"]


def saliency(of):
    first, darkest, at_random = (np.array(curve)[1:8] for curve in of.curves.values())
    assert (first < darkest).all()
    assert (darkest < at_random).all()
    assert first[4] < 0.5 < at_random[4]  # after five


def save(of):
    expected = of.net.predict_proba(of.X_test)
    for name, proba in of.probas.items():
        np.testing.assert_allclose(proba, expected, atol=1e-12, err_msg=name)
    assert np.array_equal(of.probas["joblib"], expected)
    assert of.sizes["joblib, compact"] < of.sizes["joblib"] / 2


def schedules(of):
    ends = {name: curve[-10:].mean() for name, curve in of.curves.items()}
    constant = ends.pop("constant")
    assert max(ends.values()) < constant
    for name, three in of.runs.items():
        rates = three[0]["learning_rate"]
        assert (min(rates) < max(rates)) == (name != "constant")


# What each of them says, which must be so.
TELLS = [
    autoencoder,
    calibration,
    dropout,
    early_stopping,
    errors,
    gradient_check,
    grid_search,
    hidden_units,
    optimizers,
    partial_fit,
    regression,
    saliency,
    save,
    schedules,
]


def test_the_gallery_is_what_these_tests_expect():
    assert PROGRAMS
    names = [tells.__name__ for tells in TELLS]
    assert [path.stem for path in GALLERY] == [f"plot_{name}" for name in names]


@pytest.mark.parametrize("tells", TELLS, ids=lambda tells: tells.__name__)
def test_gallery(tells, tmp_path, monkeypatch):
    """As a script, where a warning is an error, what is told is so."""
    plt = pytest.importorskip("matplotlib.pyplot")
    example = EXAMPLES[0].with_name(f"plot_{tells.__name__}.py")
    if "sklearn.callback" in example.read_text("utf-8"):
        pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")
    monkeypatch.chdir(tmp_path)
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.extend(plt.get_fignums()))
    plt.close("all")
    try:
        names = runpy.run_path(str(example), run_name="__main__")
        assert shown
        for number in shown:
            figure = plt.figure(number)
            figure.savefig(tmp_path / "picture.png")
            titles = [ax.get_title() for ax in figure.axes]
            assert figure.texts or any(titles), "it has no title"
    finally:
        plt.close("all")
    tells(SimpleNamespace(**names))


@pytest.mark.parametrize("example", GALLERY, ids=lambda path: path.name)
def test_gallery_is_easy_to_read(example):
    """As a script and as a notebook, whose cells begin at ``# %%``."""
    text = example.read_text("utf-8")
    _, title, underline, *lines = text.splitlines()
    assert len(title) == len(underline)
    assert not underline.strip("=")
    assert len(text.splitlines()) < 80
    assert lines[-1] == "plt.show()"
    assert text.count("# %%\n# ") == text.count("# %%") >= 2
    for name in "__file__", "sys.argv", "if __name__", "n_jobs":
        assert name not in text, "not in a notebook, or not without a main"


def test_the_article_by_hand_and_by_sknet_learn_alike():
    script = EXAMPLES[0].with_name("article_by_hand.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^ +\d+ +([\d.]+) +([\d.]+)$", done.stdout, re.MULTILINE)
    assert len(rows) == 10
    assert all(by_loops == by_sknet for by_loops, by_sknet in rows)
    (accuracy,) = re.findall(r"([\d]+)% of 297", done.stdout)
    assert int(accuracy) > 85

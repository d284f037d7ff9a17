"""``python -m sknet`` as a user runs it."""

import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

import sknet.__main__
from sknet import ScratchMLPClassifier
from sknet.datasets import fetch_semeion
from support import assert_same_weights

ROOT = Path(__file__).parents[1]
PNG = b"\x89PNG\r\n\x1a\n"


def test_help_names_the_options(tmp_path):
    """By ``python -m``; the other tests call what it calls."""
    done = subprocess.run(
        [sys.executable, "-m", "sknet", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: python -m sknet")
    assert "--iterations" in done.stdout
    assert "--out" in done.stdout
    # And what else there is.
    files = re.findall(r"^  ([\w/]+\.\w+) ", done.stdout, re.MULTILINE)
    assert len(files) >= 5
    for file in files:
        assert (ROOT / file).is_file(), file


@pytest.fixture
def run(offline, tmp_path, monkeypatch, capsys):
    """``python -m sknet`` on the bundled digits; returns what it printed."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    for name, value in offline.items():
        monkeypatch.setenv(name, value)

    def run(*arguments):
        sknet.__main__.main([*arguments])
        return capsys.readouterr().out

    return run


def test_two_runs_learn_what_one_of_twice_the_length_learns(run):
    run("--iterations", "20")
    printed = run("--load", "digits_pictures/digits.joblib", "--iterations", "20")
    assert "Cost after 40 iterations" in printed
    run("--iterations", "40", "--out", "at once")
    in_two, at_once = (
        joblib.load(f"{folder}/digits.joblib")
        for folder in ("digits_pictures", "at once")
    )
    assert_same_weights(in_two, at_once)
    assert in_two.loss_curve_ == at_once.loss_curve_


def test_the_next_command_that_it_names_runs(run):
    printed = run("--iterations", "5", "--out", "made")
    command = re.search(r"python -m sknet (--load .*)$", printed, re.MULTILINE)[1]
    assert "Cost after 10 iterations" in run(*command.split(), "--iterations", "5")


def test_the_saved_network_is_the_one_whose_accuracy_is_printed(run):
    printed = run("--network", "recipe", "--iterations", "5")
    X, y, _ = sknet.__main__._digits()
    _, X_test, _, y_test = sknet.__main__.train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )
    (accuracy,) = re.findall(r"Accuracy on 450 test digits: ([\d.]+)%", printed)
    network = joblib.load("digits_pictures/digits.joblib")
    assert_allclose(network.score(X_test, y_test), float(accuracy) / 100, atol=5.1e-4)
    assert float(accuracy) > 90  # five epochs of the article's network: about 10


def test_the_recipe_is_that_of_the_page():
    names = {}
    text = (ROOT / "docs/recipes.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)[:2]:
        exec(block, names)
    ours, recipe = sknet.__main__._recipe(16).get_params(), names["recipe_a"]
    of_page = recipe.get_params()
    assert type(ours.pop("augment")) is type(of_page.pop("augment"))
    assert ours == of_page


def test_show_opens_the_picture(run, monkeypatch):
    import matplotlib.pyplot as plt

    plt.close("all")  # those of other tests
    opened = []
    monkeypatch.setattr(plt, "show", lambda: opened.append(plt.get_fignums()))
    run("--iterations", "1")
    assert opened == []
    run("--iterations", "1", "--show")
    assert len(opened) == len(opened[0]) == 1
    assert plt.get_fignums() == []


def test_a_short_run_offline(tmp_path, offline, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    for name, value in offline.items():
        monkeypatch.setenv(name, value)
    sknet.__main__.main(["--iterations", "30", "--out", "made/here"])
    printed, errors = capsys.readouterr()
    assert errors == ""
    assert "8x8 digits instead of Semeion" in printed
    assert "after 30 iterations" in printed
    accuracy = re.search(r"Accuracy on 450 test digits: ([\d.]+)%", printed)
    assert 20 < float(accuracy[1]) <= 100  # chance is 10
    picture = tmp_path / "made" / "here" / "digits.png"
    assert str(picture) in printed
    assert picture.read_bytes().startswith(PNG)


def test_the_article_on_semeion(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    try:
        fetch_semeion(download_if_missing=False)
    except OSError as error:
        pytest.skip(f"needs the Semeion data: {error}")
    sknet.__main__.main(["--out", str(tmp_path)])
    printed = capsys.readouterr().out
    accuracy = re.search(r"Accuracy on 399 test digits: ([\d.]+)%", printed)
    assert float(accuracy[1]) > 88  # 91.4 in ten-fold cross-validation
    assert (tmp_path / "digits.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--iterations", "0"], "--iterations must be 1 or more, got 0"),
        (["--iterations", "many"], "invalid int value"),
        (["--load", "nowhere.joblib"], "there is no file nowhere.joblib; run without"),
        (["--load", "a", "--network", "recipe"], "not allowed with argument"),
        (["--out", __file__], "cannot be a folder"),
        (["--out", f"{__file__}/pictures"], "cannot be a folder"),
    ],
)
def test_wrong_arguments_end_in_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        sknet.__main__.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_another_model_cannot_be_trained_on(run, capsys):
    run("--iterations", "1")
    saved = Path("digits_pictures/digits.joblib")
    network = joblib.load(saved)
    for model, message in [
        (DummyClassifier(), "has a DummyClassifier, not a ScratchMLPClassifier"),
        (
            network.set_params(batch_size=2).fit([[0.0], [1.0]], [0, 1]),
            "1 pixels, but the digits have 64",
        ),
        (clone(network), "has a network that has not been trained"),
    ]:
        joblib.dump(model, saved)
        with pytest.raises(SystemExit) as ended:
            run("--load", str(saved))
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
    saved.write_bytes(b"")
    with pytest.raises(SystemExit):
        run("--load", str(saved))
    assert "is no file that a run has saved (EOFError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1] * 5, "for other labels than the digits 0 to 9"),
        ([*"abcdefghij"], "for other labels than the digits 0 to 9"),
        (1 - np.eye(10, dtype=int), "for other labels than the digits 0 to 9"),
    ],
    ids=["two classes", "strings", "multilabel"],
)
def test_a_network_for_something_else_cannot_be_trained_on(y, message, run, capsys):
    model = ScratchMLPClassifier((2,), max_iter=1, tol=0, n_iter_no_change=np.inf)
    joblib.dump(model.fit(np.eye(10, 64), y), "other.joblib")
    with pytest.raises(SystemExit) as ended:
        run("--load", "other.joblib", "--iterations", "1")
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_without_matplotlib_nothing_is_trained_in_vain(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(SystemExit) as ended:
        sknet.__main__.main([])
    assert ended.value.code == 2
    assert "pip install matplotlib" in capsys.readouterr().err

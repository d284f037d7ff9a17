"""Every example runs from end to end, with Semeion and without."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from sknet.datasets import fetch_semeion

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


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


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example(example, data, tmp_path, monkeypatch, capsys):
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
    assert str(tmp_path / "pictures") in printed


def test_there_are_examples():
    assert EXAMPLES


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

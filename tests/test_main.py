"""``python -m sknet`` as a user runs it."""

import re
import subprocess
import sys

import pytest

import sknet.__main__
from sknet.datasets import fetch_semeion

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
    ],
)
def test_wrong_arguments_end_in_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        sknet.__main__.main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_without_matplotlib_nothing_is_trained_in_vain(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SystemExit) as ended:
        sknet.__main__.main([])
    assert ended.value.code == 2
    assert "pip install matplotlib" in capsys.readouterr().err

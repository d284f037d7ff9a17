"""Every example runs from end to end, with Semeion and without."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sknet.datasets import fetch_semeion

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))


@pytest.fixture(params=["semeion", "offline"])
def environment(request):
    """Environment variables with Semeion at hand, or with no way to it."""
    for module in "matplotlib", "tqdm":
        pytest.importorskip(module)
    if request.param == "semeion":
        try:
            fetch_semeion(download_if_missing=False)
        except OSError as error:
            pytest.skip(f"needs the Semeion data: {error}")
        return dict(os.environ)
    return {**os.environ, **request.getfixturevalue("offline")}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example(example, environment, request, tmp_path):
    done = subprocess.run(
        [sys.executable, str(example), "--quick", "--out", "pictures"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr
    offline = "offline" in request.node.callspec.id
    assert ("8x8 digits instead of Semeion" in done.stdout) == offline
    accuracies = re.findall(r"[Aa]ccuracy:? ([\d.]+)%", done.stdout)
    assert accuracies, done.stdout
    assert all(0 <= float(accuracy) <= 100 for accuracy in accuracies)
    pictures = list((tmp_path / "pictures").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert str(tmp_path / "pictures") in done.stdout


def test_there_are_examples():
    assert EXAMPLES

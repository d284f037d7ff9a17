"""Type checkers accept what users write, and refuse what would fail."""

from pathlib import Path

import pytest

mypy = pytest.importorskip("mypy.api")

SCRIPT = Path(__file__).parent / "typing" / "user_script.py"
# What users write, and what they may write by mistake.
TYPOS = {
    'solver="adamw"': 'solver="admaw"',
    '"gelu"': '"gleu"',
    "batch_size=32": 'batch_size="32"',
    'dtype="float64"': 'dtype="float46"',
    "labels: NDArray[Any]": "labels: str",
    "loss: float": "loss: str",
    '"huber"': '"hubert"',
    "r2: float": "r2: str",
    "min_frequency=10": 'min_frequency="ten"',
    "sknet.__version__": "sknet.__versoin__",
}


def errors_of(path, cache):
    """mypy's errors in a script, in strict mode."""
    out, error, _ = mypy.run(["--strict", "--cache-dir", str(cache), str(path)])
    assert not error
    return [line for line in out.splitlines() if ": error: " in line]


def test_what_users_write_is_accepted_and_typos_are_refused(tmp_path):
    """Both in one test: the second run is quick, as mypy remembers the first."""
    assert errors_of(SCRIPT, tmp_path / "cache") == []
    text = SCRIPT.read_text(encoding="utf-8")
    for right, wrong in TYPOS.items():
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    script = tmp_path / "typos.py"
    script.write_text(text, encoding="utf-8")
    lines = {line.split(":")[1] for line in errors_of(script, tmp_path / "cache")}
    expected = {
        str(number)
        for number, line in enumerate(text.splitlines(), start=1)
        if any(wrong in line for wrong in TYPOS.values())
    }
    assert lines == expected

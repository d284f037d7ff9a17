"""Everything that this project checks, each by one command: ``nox -s NAME``.

``nox -l`` lists the sessions.  What follows ``--`` goes to the tool, instead of what it
gets else: ``nox -s tests -- -k pickle``.  ``nox -s matrix`` runs on every Python of
``PYTHONS`` that it finds, ``nox -s matrix -p 3.12`` on one.
"""

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"  # uv is quicker, and shares files
nox.options.sessions = ["lint", "tests"]
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
SKLEARNS = ["1.6", "1.7", "1.8", "1.9"]
# The oldest that pyproject.toml and scikit-learn allow, or the first made for a Python.
OLDEST = {
    "3.11": ["numpy==1.24.1", "scipy==1.10.0"],
    "3.12": ["numpy==1.26.0", "scipy==1.11.2"],
    "3.13": ["numpy==2.1.0", "scipy==1.14.1"],
    "3.14": ["numpy==2.3.2", "scipy==1.16.1"],
}
# The first scikit-learn made for a Python, where that is not the first of the above.
FIRST_SKLEARN = {"3.14": "1.7"}
VERSIONS = (
    "import platform, numpy, scipy, sklearn; print(platform.python_version(), "
    "*(module.__version__ for module in (sklearn, numpy, scipy)))"
)


def pytest(session, *args, **kwargs):
    """Run pytest without windows."""
    env = {"MPLBACKEND": "Agg", **kwargs.pop("env", {})}
    session.run("python", "-m", "pytest", *args, env=env, **kwargs)


# -- every day -------------------------------------------------------------------------


@nox.session
def lint(session):
    """Style and layout."""
    session.install("-e", ".[test]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def tests(session):
    """The tests that every change must pass."""
    session.install("-e", ".[test]")
    pytest(session, *(session.posargs or ["-q", "-n", "2"]))


@nox.session
def docs(session):
    """The pages for the web, in docs/_build/html."""
    session.install("-e", ".[docs]")
    args = session.posargs or ["-W", "--keep-going", "-b", "html"]
    session.run("python", "-m", "sphinx", *args, "docs", "docs/_build/html")


# -- versions --------------------------------------------------------------------------

ROWS = []  # of the table, one for each environment


@nox.session
@nox.parametrize(
    "python,sklearn,others",
    [
        (python, sklearn, others)
        for python in PYTHONS
        for sklearn in SKLEARNS
        for others in ("oldest", "newest")
        if sklearn >= FIRST_SKLEARN.get(python, sklearn)
    ],
)
def matrix(session, sklearn, others):
    """Each scikit-learn with the oldest and the newest NumPy and SciPy; a table."""
    pins = OLDEST[session.python] if others == "oldest" else ["numpy", "scipy"]
    session.install(
        "--only-binary=numpy,scipy,scikit-learn",
        "-e",
        ".[test]",
        f"scikit-learn~={sklearn}.0",
        *pins,
    )
    report = Path(session.create_tmp(), "report.xml")
    pytest(
        session,
        *(session.posargs or ["-q", "-n", "2"]),
        f"--junitxml={report}",
        success_codes=[0, 1],
    )
    installed = session.run("python", "-c", VERSIONS, silent=True).split()
    result = ET.parse(report).getroot().find("testsuite").attrib
    failed = int(result["failures"]) + int(result["errors"])
    skipped = int(result["skipped"])
    passed = int(result["tests"]) - failed - skipped
    ROWS.append([*installed, passed, skipped, failed, round(float(result["time"]))])
    session.log(f"So far:\n{table()}")
    if failed:
        session.error(f"{failed} tests failed")


def table():
    """All rows so far, for a page in Markdown."""
    versions = ["Python", "scikit-learn", "NumPy", "SciPy"]
    names = [*versions, "passed", "skipped", "failed", "seconds"]
    lines = [names, ["---"] * len(names), *ROWS]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


@nox.session
def across(session):
    """Models written in each environment of ``matrix`` and read in each; a table."""
    session.install("-e", ".")
    pythons = session.posargs or sorted(Path(".nox").glob("matrix-*/bin/python"))
    session.run("python", "tests/across_versions.py", *pythons)


# -- neighbours ------------------------------------------------------------------------

# Other packages' warnings, of what will change in their world, are no errors.
THEIRS = ["-W", "default"]


@nox.session
def ecosystem(session):
    """Inside and beside other packages for scikit-learn."""
    session.install("-e", ".[test,ecosystem]")
    pytest(session, *(session.posargs or ["-q", *THEIRS, "tests/ecosystem"]))


@nox.session
def distributed(session):
    """On dask's and Ray's workers; the blocks of the page about them."""
    session.install("-e", ".[test,distributed]")
    page = "test_the_blocks_run_one_after_the_other[docs/howto/scale.md]"
    args = ["-q", *THEIRS, "tests/cluster", f"tests/test_docs.py::{page}"]
    pytest(session, *(session.posargs or args))


# -- for hours, if need be -------------------------------------------------------------


@nox.session
def fuzz(session):
    """Random parameters, data and calls: ``SKNET_FUZZ`` of them, or 20,000."""
    session.install("-e", ".[test]")
    cases = os.environ.get("SKNET_FUZZ", "20000")
    args = session.posargs or ["-q", "tests/test_fuzz.py"]
    pytest(session, *args, env={"SKNET_FUZZ": cases})


@nox.session
def kills(session):
    """Training killed and resumed: ``SKNET_KILLS`` times in each setting, or 8."""
    session.install("-e", ".[test]")
    kills = os.environ.get("SKNET_KILLS", "8")
    args = session.posargs or ["-q", "tests/test_kill.py"]
    pytest(session, *args, env={"SKNET_KILLS": kills})

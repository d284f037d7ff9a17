"""The README's example runs, and its commands are where readers look for them."""

import json
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def code_blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


def test_the_example_prints_a_good_accuracy(capsys):
    example, _ = code_blocks("python")
    exec(example, {})
    accuracy = float(capsys.readouterr().out.removeprefix("accuracy "))
    assert accuracy > 0.95


@pytest.mark.parametrize("heading", ["Run it", "Test it"])
def test_each_command_is_one_line_under_its_heading(heading):
    section = README.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    (command,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert command.count("\n") == 1


def test_links_to_files_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text("utf-8")):
        assert (README.parent / target).exists(), target


def test_the_differences_name_tests_that_exist():
    differences = (README.parent / "docs/differences.md").read_text("utf-8")
    rows = re.findall(r"^\| .* \| .* \| (`.*`) \|$", differences, re.MULTILINE)
    assert len(rows) > 15
    n_headings = len(re.findall(r"^\|---", differences, re.MULTILINE))
    assert len(rows) == len(re.findall(r"^\| ", differences, re.MULTILINE)) - n_headings
    for row in rows:
        for file, name in re.findall(r"`([^`]+)::([^`]+)`", row):
            tests = (README.parent / "tests" / file).read_text("utf-8")
            assert f"def {name}(" in tests, name
        assert row.count("`") == 2 * row.count("::")


RESULTS = json.loads((README.parent / "benchmarks/results.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("page", "least"), [("README.md", 21), ("docs/when_not.md", 6)]
)
def test_the_figures_are_those_of_the_benchmark(page, least):
    text = (README.parent / page).read_text("utf-8")
    measured = {
        (table["title"], row["task"], row["dtype"]): row
        for table in RESULTS["tables"]
        for row in table["rows"]
        if "dtype" in row and row.get("threads", 1) == 1
    }
    columns = ["MLP / sknet", "torch / sknet", "MLP / fast", "torch / fast"]
    quoted = re.findall(
        r"^\| (\d\. [^|]+) \| ([^|]+) \| (float\d\d)" + 4 * r" \| ([\d.–]+)" + r" \|$",
        text,
        re.MULTILINE,
    )
    assert len(quoted) >= least
    for title, task, dtype, *figures in quoted:
        row = measured[title, task, dtype]
        for column, figure in zip(columns, figures, strict=True):
            if row.get(column):
                assert figure == f"{row[column]['median']:.1f}", (title, task, dtype)
            else:
                assert figure == "–"


def test_the_readme_says_where_it_was_measured():
    text = README.read_text("utf-8")
    environment = RESULTS["environment"]
    for name in ["python", "numpy", "scikit-learn", "torch"]:
        assert environment[name] in text
    assert environment["date"][:10] in text

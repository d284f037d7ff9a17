"""The page on the design tells of the modules and of the transitions that there are."""

import re
from itertools import zip_longest
from pathlib import Path

import pytest

from sknet._sklearn.state import TrainingState
from test_structure import CHAPTERS
from test_transitions import TRANSITIONS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/design.md").read_text("utf-8")
TREE = TEXT.split("## The tree\n")[1].split("```")[1]
ASPECTS = ["memory", "patience", "rate", "stream", "order"]


def section(heading):
    return TEXT.split(f"## {heading}\n")[1].split("\n## ")[0]


def rows(text):
    """Cells of the rows of a page's tables, headings and rules left out."""
    found = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in found]


def test_the_tree_has_every_module_and_no_other():
    lines = re.findall(r"^(.*?)[├└]── (.*)$", TREE, re.MULTILINE)
    listed, folder = {}, "sknet"
    for indent, entry in lines:
        if not indent:
            folder = "sknet"
        listed.setdefault(folder, []).extend(re.findall(r"\w+\.py", entry))
        if subfolder := re.match(r"(\w+)/", entry):
            folder = f"sknet/{subfolder[1]}"
    folders = {path.parent for path in (ROOT / "sknet").rglob("*.py")}
    assert {ROOT / folder for folder in listed} == folders
    for folder, names in listed.items():
        there = {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"}
        assert sorted(names) == sorted(there)


def test_the_chapters_are_in_reading_order():
    listed = re.findall(r"^├── (\w+)\.py", TREE, re.MULTILINE)
    assert listed[: len(CHAPTERS)] == CHAPTERS
    readme = (ROOT / "README.md").read_text("utf-8")
    listed = re.findall(r"^\| \[`(\w+)\.py`\]", readme, re.MULTILINE)
    assert listed == CHAPTERS


# What the page calls the changes that are called otherwise in the table of tests.
NAMES = {
    "augment on or off": "augment",
    "other data, as many": "other data",
    "scoring, with early stopping": "scoring",
}
GOING_ON = rows(section("What goes on, and what starts anew"))
CHANGES = {row[0].replace("`", ""): row[1:] for row in GOING_ON if len(row) == 6}
CHANGES = {NAMES.get(name, name): cells for name, cells in CHANGES.items()}


@pytest.mark.parametrize("change", sorted({*TRANSITIONS} - {"coef_init by score"}))
def test_what_goes_on_is_what_the_tests_of_transitions_expect(change):
    for aspect, cell in zip_longest(ASPECTS, CHANGES[change]):
        expected = getattr(TRANSITIONS[change], aspect)
        assert expected in (None, cell), aspect


def test_every_change_of_the_table_is_tested():
    others = {"change", "---", 'an iteration of "lbfgs" in between'}
    assert set(CHANGES) - others == set(TRANSITIONS) - {"coef_init by score"}


def test_the_transitions_are_methods():
    text = section("What goes on, and what starts anew")
    table = text.split("| transition | when |")[1]
    listed = {name for row in rows(table) for name in re.findall(r"`(\w+)`", row[0])}
    methods = {
        name
        for name, value in vars(TrainingState).items()
        if not name.startswith("_") and (callable(value) or name == "of")
    }
    reading = {"attributes", "results", "snapshot"}  # these change nothing
    assert listed == methods - reading

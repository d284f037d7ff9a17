"""The page of equations names functions that exist and lines that say what it says.

When code has moved, ``python tests/test_equations.py`` puts the line numbers of this
page, and of others that link to lines, right.
"""

import importlib
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/equations.md"
TEXT = PAGE.read_text("utf-8")
# A line of code: what it holds, or the name of what it defines; its file; its number.
LINK = re.compile(r"\[`([^`]+)`\]\(([^)#]+)#L(\d+)\)")
NAME = re.compile(r"[\w.]+")
LINKS = sorted(set(LINK.findall(TEXT)))
OTHERS = [page for page in sorted((ROOT / "docs").rglob("*.md")) if page != PAGE]


def stands_on(quoted, line):
    """Whether a line holds the code quoted, or defines what is named."""
    if NAME.fullmatch(quoted):
        name = quoted.rpartition(".")[2]
        return re.match(rf" *(def|class) {name}\b", line) is not None
    return quoted in line.partition("  #")[0]


def lines_with(quoted, file, page=PAGE):
    lines = (page.parent / file).read_text("utf-8").splitlines()
    return [n for n, line in enumerate(lines, 1) if stands_on(quoted, line)]


def misplaced(quoted, file, number, page=PAGE):
    """Nothing where the link is right; else what is wrong with it."""
    found = lines_with(quoted, file, page)
    if int(number) in found:
        return None
    return f"{file}#L{number} is not `{quoted}`, which is on the lines {found}"


def mended(text, page=PAGE):
    """A page with the number of the nearest line that holds what a link quotes."""

    def nearest(found):
        quoted, file, number = found.groups()
        at = min(lines_with(quoted, file, page), key=lambda n: abs(n - int(number)))
        return f"[`{quoted}`]({file}#L{at})"

    return LINK.sub(nearest, text)


@pytest.mark.parametrize(("quoted", "file", "number"), LINKS)
def test_a_line_that_is_linked_holds_what_is_quoted(quoted, file, number):
    assert misplaced(quoted, file, number) is None


@pytest.mark.parametrize("page", OTHERS, ids=lambda page: page.name)
def test_lines_that_other_pages_link_to_hold_what_is_quoted(page):
    text = page.read_text("utf-8")
    assert len(LINK.findall(text)) == len(re.findall(r"\.py#L\d+\)", text))
    for quoted, file, number in LINK.findall(text):
        assert misplaced(quoted, file, number, page) is None


def test_a_link_to_another_line_is_found():
    """Or the test above could not fail."""
    for quoted, file, number in LINKS:
        assert misplaced(quoted, file, int(number) + 1)
        assert misplaced(quoted, file, 10**6)
    assert not stands_on("x = 1", "    y = 2  # not x = 1")
    assert not stands_on("Network.forward", "    self.forward(X1)")


def test_links_can_be_mended():
    moved = re.sub(r"#L(\d+)", lambda found: f"#L{int(found[1]) + 2}", TEXT)
    assert moved != TEXT
    assert mended(moved) == mended(TEXT)


def test_every_link_into_the_code_is_checked():
    n_lines = len(re.findall(r"\.py#L\d+\)", TEXT))
    assert n_lines == len(LINK.findall(TEXT))
    files = {Path(file).stem for _, file, _ in LINKS}
    assert {"activations", "losses", "network", "backprop", "optimizers"} <= files


def test_the_equations_are_in_the_functions_that_the_table_names():
    rows = re.findall(r"^\| .* \| `(\w+)\.py` \| (.*) \|$", TEXT, re.MULTILINE)
    assert len(rows) > 10
    for module, functions in rows:
        names = re.findall(r"`([\w.]+)`", functions)
        assert names
        for name in names:
            place = importlib.import_module(f"sknet.{module}")
            for part in name.split("."):
                place = getattr(place, part)
            assert callable(place), name
        for _, file, _ in LINK.findall(functions):
            assert file == f"../sknet/{module}.py"


def test_formulas_survive_on_the_web():
    """GitHub's Markdown takes the backslash before punctuation out of a formula."""
    blocks = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    formulas = re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", blocks, re.DOTALL)
    formulas = [block or inline for block, inline in formulas]
    assert len(formulas) > 50
    assert blocks.count("$") == sum(
        4 if f"$${formula}$$" in blocks else 2 for formula in formulas
    )
    for formula in formulas:
        assert not re.search(r"\\[^A-Za-z]", formula), formula
        assert formula.count("{") == formula.count("}"), formula
    for row in re.findall(r"^\|.*\|$", blocks, re.MULTILINE):
        assert not [one for one in row.split("$")[1::2] if "|" in one], row


def test_the_picture_is_made_by_its_script_and_quotes_the_code(tmp_path):
    pytest.importorskip("matplotlib")
    script = PAGE.parent / "images/layer.py"
    assert "images/layer.png" in TEXT
    picture = tmp_path / "layer.png"
    runpy.run_path(str(script))["main"](picture)
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert script.with_suffix(".png").stat().st_size < 100_000
    chapters = "".join(
        (ROOT / f"sknet/{name}.py").read_text("utf-8")
        for name in ("network", "backprop")
    )
    quoted = re.findall(r'"((?:product|outer)\(.*?\))"', script.read_text("utf-8"))
    assert len(quoted) == 3
    for code in quoted:
        assert code in chapters


if __name__ == "__main__":
    for page in PAGE, *OTHERS:
        page.write_text(mended(page.read_text("utf-8"), page), "utf-8")

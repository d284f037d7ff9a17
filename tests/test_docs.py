"""Every Python block of the README and the docs runs as it stands."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# A block of Python and, where one follows at once, what it prints.
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
NUMBER = re.compile(r"\d+\.\d+")
CALLBACKS = re.compile(r"^from (?:sklearn\.callback|sknet\.callbacks) ", re.MULTILINE)
IMPORT = re.compile(r"^\s*(?:import|from) (\w+)", re.MULTILINE)


def name(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page):
    """Source, printed output ("" if none is shown) and line of each block."""
    text = page.read_text("utf-8")
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start(1))
        yield found[1], found[2] or "", line


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_blocks_run_one_after_the_other(page, tmp_path, monkeypatch, capsys):
    if CALLBACKS.search(page.read_text("utf-8")) and not find_spec("sklearn.callback"):
        pytest.skip("needs scikit-learn 1.9")
    for package in "pandas", "onnxruntime", "skl2onnx", "skops":
        if package in page.read_text("utf-8"):
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for source, shown, line in blocks(page):
        for package in IMPORT.findall(source):
            if not find_spec(package):
                pytest.skip(f"from line {line} on it needs {package}")
        # The empty lines make a traceback name the line of the page.
        exec(compile("\n" * line + source, str(page), "exec"), names)
        if shown:
            assert_printed(capsys.readouterr().out, shown)


def assert_printed(printed, shown):
    """The same words, and the same numbers but for what rounding may change."""
    assert NUMBER.sub("N", printed) == NUMBER.sub("N", shown)
    for number, expected in zip(
        NUMBER.findall(printed), NUMBER.findall(shown), strict=True
    ):
        assert abs(float(number) - float(expected)) < 0.015


def test_the_pages_have_blocks():
    with_blocks = {name(page) for page in PAGES if list(blocks(page))}
    expected = {"README.md", "docs/callbacks.md", "docs/howto/save_and_load.md"}
    assert expected | {"docs/recipes.md"} <= with_blocks
    for page in PAGES:
        assert len(list(blocks(page))) == page.read_text("utf-8").count("```python")


def test_the_readme_shows_what_its_examples_print():
    for _, shown, _ in blocks(ROOT / "README.md"):
        assert NUMBER.search(shown)


def test_a_difference_in_what_is_printed_is_found():
    assert_printed("accuracy 0.968\n", "accuracy 0.971\n")
    for printed in "accuracy 0.90\n", "error 0.971\n", "", "accuracy 0.971 0.1\n":
        with pytest.raises(AssertionError):
            assert_printed(printed, "accuracy 0.971\n")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = page.read_text("utf-8")
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", text):
        file = (page.parent / target) if target else page
        assert file.exists(), target
        if anchor and file.suffix == ".md":  # lines of code: see test_equations.py
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
            assert anchor in {slug(heading) for heading in headings}, anchor


def slug(heading):
    """The anchor that a heading has on the web."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_a_table_is_learned_by_the_recipe_for_tables(iris):
    names = {}
    for source, _, _ in blocks(ROOT / "docs/recipes.md"):
        exec(source, names)
    X, y = iris
    model = names["table"].set_params(scratchmlpclassifier__max_iter=20).fit(X, y)
    assert model.score(X, y) > 0.9
    limited = names["limited"](X * 1e3)
    assert abs(limited).max() < 3.0000001

"""The site is built without a warning, and has what a newcomer looks for."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknet import ScratchMLPClassifier, ScratchMLPRegressor

ROOT = Path(__file__).parents[1]
NEEDED = ["sphinx", "myst_parser", "numpydoc", "pydata_sphinx_theme", "sphinx_gallery"]
ALL_PARAMETERS = (
    ScratchMLPRegressor().get_params() | ScratchMLPClassifier().get_params()
)
GRADIENT = "outer(delta[l], A[l], out=grad[l])"
LINES = (ROOT / "sknet/backprop.py").read_text("utf-8").splitlines()
(NUMBER,) = [n for n, line in enumerate(LINES, 1) if GRADIENT in line]
# What a newcomer looks for, and the page or line that tells it.
GOALS = {
    "replace MLPClassifier": "howto/replace_mlpclassifier.html",
    "stop early on one's own validation set": "howto/stop_early.html",
    "see the history": "howto/history.html",
    "save and load": "howto/save_and_load.html",
    "search with a random distribution": "howto/search.html#at-random",
    "use a table with categories": "howto/table_with_categories.html",
    "read the line that computes the gradient": f"source/sknet/backprop.html#L{NUMBER}",
}


class Page(HTMLParser):
    """Links and anchors of a page, and which links are in the article itself."""

    def __init__(self, file):
        super().__init__()
        self.links, self.in_article, self.anchors = set(), set(), set()
        self._article = 0
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self._article += tag == "article"
        if "id" in attrs:
            self.anchors.add(attrs["id"])
        link = attrs.get("href" if tag in ("a", "link") else "src")
        if link and not urlsplit(link).scheme and not link.startswith("//"):
            self.links.add(link)
            if self._article and tag == "a":
                self.in_article.add(link)

    def handle_endtag(self, tag):
        self._article -= tag == "article"


def led_to(link, page, site):
    """Path in the site, and anchor, of a link on a page."""
    parts = urlsplit(link)
    folder = site / page if not parts.path else (site / page).parent
    file = os.path.relpath(folder / unquote(parts.path), site)
    return file.replace(os.sep, "/"), parts.fragment


def broken_links(pages, site):
    """Links within the site to files, or anchors of pages, that are not there."""
    for page, content in pages.items():
        for link in content.links:
            target, anchor = led_to(link, page, site)
            anchors = pages[target].anchors if target in pages else {anchor}
            if not (site / target).is_file() or (anchor and anchor not in anchors):
                yield page, link


def clicks(pages, site, goal):
    """Clicks from the start page to a goal, by links in the articles alone."""
    at, seen = {("index.html", "")}, set()
    page, _, anchor = goal.partition("#")
    for n in range(4):
        if any(one == page and (not anchor or to == anchor) for one, to in at):
            return n
        seen |= at
        at = {
            led_to(link, one, site)
            for one in {one for one, _ in at if one in pages}
            for link in pages[one].in_article
        } - seen
    return None


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder of the built site; the examples are run by other tests."""
    for module in NEEDED:
        pytest.importorskip(module)
    if not find_spec("sklearn.callback"):
        pytest.skip("the reference of callbacks needs scikit-learn 1.9")
    # Sphinx writes beside its sources, so these are copied.
    root = tmp_path_factory.mktemp("checkout")
    for folder in "docs", "sknet", "examples", "benchmarks":
        ignored = shutil.ignore_patterns(
            "_build", "auto_examples", "generated", "*.pyc"
        )
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored)
    shutil.copy(ROOT / "CHANGELOG.md", root)
    built = root / "built"
    command = ["-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs"]
    done = subprocess.run(
        [sys.executable, *command, str(built)],
        cwd=root,
        env={**os.environ, "SKNET_GALLERY": "0", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return built


def test_the_site_leads_where_a_newcomer_wants_to_go(site):
    files = [file for file in site.rglob("*.html") if "_static" not in file.parts]
    pages = {file.relative_to(site).as_posix(): Page(file) for file in files}
    assert not list(broken_links(pages, site))
    for goal, page in GOALS.items():
        n = clicks(pages, site, page)
        assert n is not None, goal
        assert n <= 2, goal
    assert clicks(pages, site, "no/such_page.html") is None
    html = (site / "source/sknet/backprop.html").read_text("utf-8")
    line = html.split(f'id="L{NUMBER}"')[1].split('id="L')[0]
    assert GRADIENT in unescape(re.sub("<[^>]*>", "", line))
    assert "../index.html" in pages["draw/index.html"].links
    # Names of sknet in the pages are links to the reference.
    links = pages["callbacks.html"].in_article
    assert "api/generated/sknet.ScratchMLPClassifier.html" in " ".join(links)
    of_parameters = [one for one in pages["parameters.html"].links if "#param-" in one]
    assert len(of_parameters) == len(ALL_PARAMETERS)
    # Formulas are typeset, and no script is fetched to do it.
    assert (site / "equations.html").read_text("utf-8").count("<math") > 100
    fetched = re.compile(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//')
    for file in files:
        assert not fetched.search(file.read_text("utf-8")), file
        assert str(site.parent) not in file.read_text("utf-8"), file  # a private folder


def test_the_parameters_are_on_their_page_once_with_their_defaults():
    text = (ROOT / "docs/parameters.md").read_text("utf-8")
    rows = re.findall(r"^\| \*?`(\w+)`\*? \| `(.+?)` \|", text, re.MULTILINE)
    assert len(rows) == len(dict(rows))
    told = {name: default.replace('"', "'") for name, default in rows}
    assert told == {name: repr(value) for name, value in ALL_PARAMETERS.items()}


def test_the_parameters_that_are_new_are_marked_as_such():
    text = (ROOT / "docs/parameters.md").read_text("utf-8")
    new = set(re.findall(r"^\| \*`(\w+)`\*", text, re.MULTILINE))
    told = set(re.findall(r"^\| \*?`(\w+)`", text, re.MULTILINE))
    old = {*MLPClassifier().get_params(), *MLPRegressor().get_params()}
    old.add("loss")  # since scikit-learn 1.7
    assert new == told - old


def test_every_example_has_a_place_in_the_gallery():
    order = runpy.run_path(str(ROOT / "docs/_ext/examples_run.py"))["ReadingOrder"]
    config = (ROOT / "docs/conf.py").read_text("utf-8")
    (ignored,) = re.findall(r'"ignore_pattern": r"(.*)"', config)
    examples = (file.name for file in (ROOT / "examples").glob("*.py"))
    shown = [name for name in examples if not re.match(ignored, name)]
    assert sorted(map(order("."), shown)) == list(range(len(order.names)))

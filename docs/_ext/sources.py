"""Shows Python files of the repository as pages, and leads links to their lines there.

Pages link to a line of code as it is done on a repository's web site, by
``../sknet/backprop.py#L120``.  On the built site that is the line of a page with the
whole file, and so are the [source] links of the API reference.
"""

import posixpath
import re
import shutil
from pathlib import Path

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

ROOT = Path(__file__).parents[2]
# A folder of the docs that is a page by itself, and is copied as it is.
WHOLE = "draw"
# What its page has here, and not where the folder is opened alone.
BACK = '<nav><a href="../index.html">← sknet: all pages</a></nav>'
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]+)?\)")


def lead_links(app, docname, source):
    """Turn links of a Markdown page to files outside the site into what they are here.

    A Python file becomes ``source:`` and its path, an example its page in the gallery.
    """
    here = posixpath.dirname(f"docs/{docname}")
    copied = app.config.sources_copies.get(docname)
    if copied:
        source[0] = (ROOT / copied).read_text("utf-8")
        app.env.note_dependency(str(ROOT / copied), docname=docname)
    folder = posixpath.dirname(copied) if copied else here
    pages = {file: f"{page}.md" for page, file in app.config.sources_copies.items()}
    pages |= app.config.sources_pages

    def led(found):
        path = posixpath.normpath(posixpath.join(folder, found[1]))
        anchor = found[2] or ""
        if path in pages:
            return f"](/{pages[path]}{anchor})"
        if re.fullmatch(r"examples/plot_\w+\.py", path):
            return f"](/auto_examples/{posixpath.basename(path)[:-3]}.rst)"
        if path.endswith(".py") or path.startswith(f"docs/{WHOLE}/"):
            return f"](source:{path}{anchor})"
        return f"]({posixpath.relpath(path, here)}{anchor})"

    source[0] = LINK.sub(led, source[0])


def resolve_links(app, doctree, docname):
    """Lead ``source:`` to the page of a file."""
    if app.builder.format != "html":
        return
    for link in doctree.findall(nodes.reference):
        scheme, _, target = link.get("refuri", "").partition(":")
        if scheme == "source":
            path, _, anchor = target.partition("#")
            page = app.builder.get_relative_uri(docname, page_of(path))
            if not path.endswith(".py"):
                page = page.removesuffix(app.builder.out_suffix)
            link["refuri"] = f"{page}#{anchor}" if anchor else page
            link["internal"] = True


def page_of(path):
    """Name of the page of a file, or the file's own if it is copied."""
    if path.endswith(".py"):
        return f"source/{path.removesuffix('.py')}"
    return path.removeprefix("docs/")


def copy_whole(app, error):
    """Copy what is a page by itself, with a link back."""
    if error is None and app.builder.format == "html":
        ignored = shutil.ignore_patterns("*.py")
        there = Path(app.outdir, WHOLE)
        shutil.copytree(
            ROOT / "docs" / WHOLE, there, ignore=ignored, dirs_exist_ok=True
        )
        page = there / "index.html"
        html = re.sub("<!-- BACK.*?-->", BACK, page.read_text("utf-8"))
        page.write_text(html, "utf-8")


def pages(app):
    """A page for each Python file that may be linked to."""
    files = [ROOT / "docs/images/layer.py"]
    for folder in "sknet", "examples":
        files += sorted((ROOT / folder).rglob("*.py"))
    for file in files:
        path = file.relative_to(ROOT).as_posix()
        body = f"<h1>{path}</h1>{numbered(file.read_text('utf-8'))}"
        yield page_of(path), {"title": path, "body": body}, "page.html"


def numbered(code):
    """Python code in HTML; line 7 has the anchor L7."""
    formatter = HtmlFormatter(nowrap=True)
    lines = highlight(code, PythonLexer(stripnl=False), formatter).splitlines()
    marked = [
        f'<span class="line" id="L{n}"><a href="#L{n}">{n:4}</a>  {line}\n</span>'
        for n, line in enumerate(lines, 1)
    ]
    return f'<div class="highlight sources"><pre>{"".join(marked)}</pre></div>'


def setup(app):
    app.add_config_value("sources_pages", {}, "env")
    app.add_config_value("sources_copies", {}, "env")
    app.connect("source-read", lead_links)
    app.connect("doctree-resolved", resolve_links)
    app.connect("html-collect-pages", pages)
    app.connect("build-finished", copy_whole)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

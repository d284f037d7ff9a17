"""Builds the site: ``python -m sphinx -W --keep-going -b html docs docs/_build/html``.

Nothing is fetched from the network, neither here nor by a reader's browser.
"""

import inspect
import os
import re
import sys
from pathlib import Path

import sknet

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PACKAGE = Path(sknet.__file__).parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "sknet"
author = "sknet developers"
copyright = "sknet developers, BSD-3-Clause"
version = release = sknet.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.linkcode",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "names",
    "parameters",
    "sources",
]
templates_path = ["_templates"]
smartquotes = False  # quotes in the text are quotes of Python
exclude_patterns = ["_build", "draw", "auto_examples/*.ipynb", "auto_examples/*.py"]

# -- pages -----------------------------------------------------------------------------

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
# "source:" stands for a file of the repository: see _ext/sources.py.
myst_url_schemes = ["http", "https", "mailto", "source"]
# Pages that are files outside this folder.
sources_copies = {"changelog": "CHANGELOG.md"}
# Pages of the repository's web site that are other pages here.
sources_pages = {
    "README.md": "index.md",
    "benchmarks/README.md": "benchmarks.md",
    "benchmarks/results.md": "benchmarks.md",
}

# -- reference -------------------------------------------------------------------------

autodoc_typehints = "none"  # the docstrings tell them
toc_object_entries_show_parents = "hide"
autosummary_generate = True
numpydoc_show_class_members = False
# Every name of sknet that a docstring refers to must be in the reference.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!sknet\b).*|sknet\._.*")]


def leave_out(app, what, name, thing, skip, options):
    """Methods of scikit-learn, whose docstrings refer to its own pages."""
    return skip or str(getattr(thing, "__module__", "")).startswith("sklearn.")


def escape_names(app, what, name, thing, options, lines):
    """Shapes such as (n_features_in_,) are no references."""
    lines[:] = [SHAPE.sub(r"`\1`", line) for line in lines]


SHAPE = re.compile(r"(?<=shape \()(\w+_)(?=[,)])")


def setup(app):
    app.connect("autodoc-process-docstring", escape_names, priority=100)
    app.connect("autodoc-skip-member", leave_out)


def linkcode_resolve(domain, info):
    """Where an object of the reference is in the code."""
    thing = sys.modules.get(info["module"])
    for name in info["fullname"].split("."):
        thing = getattr(thing, name, None)
    if isinstance(thing, property):
        thing = thing.fget
    try:
        thing = inspect.unwrap(thing)
        file = Path(inspect.getsourcefile(thing)).relative_to(
            Path(sknet.__file__).parent
        )
        line = inspect.getsourcelines(thing)[1]
    except (TypeError, ValueError, OSError):  # a constant, or not ours
        return None
    return f"source:sknet/{file.as_posix()}#L{line}"


# -- gallery ---------------------------------------------------------------------------

os.environ["TQDM_DISABLE"] = "1"  # a bar would be a line for each of its steps
# SKNET_GALLERY=0 makes the pages of the examples without running them.
sphinx_gallery_conf = {
    "examples_dirs": str(ROOT / "examples"),
    "gallery_dirs": "auto_examples",
    "ignore_pattern": r"^(?!plot_|article_by_hand)",
    "reset_argv": "examples_run.arguments",
    "capture_repr": ("_repr_html_",),  # no addresses of objects
    "default_thumb_file": str(DOCS / "images/layer.png"),
    "within_subsection_order": "examples_run.ReadingOrder",
    "plot_gallery": os.environ.get("SKNET_GALLERY", "1") != "0",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

# -- looks -----------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "sknet"
html_static_path = ["_static"]
html_css_files = ["sknet.css"]
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_copy_source = False
html_math_renderer = "mathml"
html_theme_options = {
    "logo": {"text": "sknet"},
    "navigation_with_keys": False,
    "show_prev_next": False,
    "header_links_before_dropdown": 7,
    "footer_start": ["copyright"],
    "footer_end": [],
}
# Pages that have none below them.
html_sidebars = {page: [] for page in ["index", "install", "choosing", "equations"]}

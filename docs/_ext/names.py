"""Links names of sknet, written as code in a page, to the API reference.

So a page needs no markup but the backquotes, and reads well in the repository too.
"""

import importlib
import inspect
import pkgutil

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

import sknet

# Of the chapters only the classes: their functions' names (clip, gamma) are words too.
AROUND = ["augment", "callbacks", "datasets", "displays", "export", "tables"]


def public_names():
    """Where each public name of the package is in the reference."""
    names = {}
    for module in pkgutil.iter_modules(sknet.__path__):
        if module.name.startswith("_"):
            continue
        chapter = importlib.import_module(f"sknet.{module.name}")
        for name in getattr(chapter, "__all__", vars(chapter)):
            value = getattr(chapter, name)
            own = getattr(value, "__module__", "").startswith(chapter.__name__)
            if own and (inspect.isclass(value) or module.name in AROUND):
                names[name] = f"{chapter.__name__}.{name}"
    return names | {name: f"sknet.{name}" for name in sknet.__all__}


class NamesBecomeLinks(SphinxTransform):
    """The transform."""

    default_priority = 500

    def apply(self):
        """Wrap each name in a pending reference to it."""
        for literal in list(self.document.findall(nodes.literal)):
            target = NAMES.get(literal.astext().removesuffix("()"))
            inside = nodes.reference, nodes.title, addnodes.pending_xref
            if target is None or isinstance(literal.parent, inside):
                continue
            link = addnodes.pending_xref(
                "",
                refdomain="py",
                reftype="obj",
                reftarget=target,
                refexplicit=True,
                refwarn=False,
                refdoc=self.env.docname,
            )
            literal.replace_self(link)
            link += literal


NAMES = public_names()


def setup(app):
    app.add_transform(NamesBecomeLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

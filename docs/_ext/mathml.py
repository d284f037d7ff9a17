"""Typesets formulas as MathML, which browsers show without a script."""

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def formula_of(node):
    """Its LaTeX, in the words that docutils knows.

    On the web a bare "<" would begin a tag, so the pages write "\\lt".
    """
    return node.astext().replace(r"\lt", "<")


def inline(translator, node):
    """Write a formula within a line."""
    translator.body.append(tex2mathml(formula_of(node)))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula of its own line."""
    formula = tex2mathml(formula_of(node), as_block=True)
    translator.body.append(f'<div class="math">{formula}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Typesets formulas as MathML, which browsers show without a script."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

# A function such as log whose argument has no brackets.
APPLIED = re.compile(r"(<mo>&ApplyFunction;</mo>)(?=\s*<m(?!o))")


def mathml(node, **options):
    r"""A formula's MathML.

    The pages write ``\lt``, as a bare "<" would begin a tag on the web; docutils does
    not know it, nor what a prime looks like, nor that a name stands apart from what
    follows it.
    """
    latex = node.astext().replace(r"\lt", "<")
    formula = tex2mathml(latex, **options).replace(">'<", ">\N{PRIME}<")
    return APPLIED.sub(r'\1<mspace width="0.17em"></mspace>', formula)


def inline(translator, node):
    """Write a formula within a line."""
    translator.body.append(mathml(node))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula of its own line."""
    formula = mathml(node, as_block=True)
    translator.body.append(f'<div class="formula">{formula}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}

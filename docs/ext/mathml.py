"""Mathematics as MathML, made when the site is built: no script, no font, no other host."""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator

__all__ = ["mathml", "setup"]


def mathml(latex: str, *, display: bool) -> str:
    """Turn LaTeX into MathML, which browsers draw themselves.

    Args:
        latex: without dollar signs; `&` and `\\\\` are understood, and make an aligned block.
        display: an equation in a block of its own, not in a line of text.

    Returns:
        One `<math>` element.

    Raises:
        ValueError: a command is unknown to latex2mathml, which would show it as text.
    """
    latex = latex.strip()
    if re.search(r"\\\\|(?<!\\)&", latex) and r"\begin{" not in latex:
        latex = rf"\begin{{align*}} {latex} \end{{align*}}"
    math: str = convert(latex, display="block" if display else "inline")
    if unknown := re.search(r">(\\[a-zA-Z]+)<", math):
        raise ValueError(f"latex2mathml does not know {unknown[1]}; write {latex!r} without it")
    return math


def _visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(mathml(node.astext(), display=False))
    raise nodes.SkipNode


def _visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    # The box can be scrolled on a phone, and a keyboard reaches it.
    self.body.append('<div class="equation" tabindex="0">')
    self.body.append(mathml(node.astext(), display=True))
    self.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> ExtensionMetadata:
    """Draw mathematics with MathML instead of MathJax."""
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_math_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}

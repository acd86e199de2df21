"""A pair as HTML: facing columns without a script, light and dark, stacked where it is narrow."""

import html as escape
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CppLexer, PythonLexer

from diglot.pairs.model import Excerpt, Pair, Part

__all__ = ["css", "fragment", "html", "mathml"]

_LEXERS = {"python": PythonLexer(stripnl=False), "cpp": CppLexer(stripnl=False)}
_SHORT = 24  # lines that fit a window: they stay in it while the other column scrolls
_LANGUAGES = {"python": "Python", "cpp": "C++"}


@cache
def css() -> str:
    """Give the style sheet. All of it is about what is inside `.diglot-pair`."""
    return files("diglot.pairs").joinpath("page.css").read_text(encoding="utf-8")


def html(pair: Pair) -> str:
    """Make a whole page, which asks for nothing from elsewhere.

    Args:
        pair: what `diglot.pairs.find` returns.

    Returns:
        A document in UTF-8.
    """
    title = escape.escape(f"{pair.name} in two languages")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{css()}
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; max-width: 110rem; padding: 0 clamp(0.75rem, 2vw, 2rem) 3rem;
  background: light-dark(#fff, #131416); }}
</style>
</head>
<body>
{fragment(pair, heading=1)}
</body>
</html>
"""


def fragment(
    pair: Pair, *, heading: int = 2, with_style: bool = False, columns_only: bool = False
) -> str:
    """Make the body of a page: one element of the class `diglot-pair`.

    Args:
        pair: what `diglot.pairs.find` returns.
        heading: the level of the heading with the name; the parts are one level below.
        with_style: put the style sheet in front, for a page that does not have it.
        columns_only: leave out the name, title and equation, for a page that has them already.
    """
    style = f"<style>{css()}</style>\n" if with_style else ""
    return style + "\n".join(_lines(pair, heading, columns_only))


def _lines(pair: Pair, heading: int, columns_only: bool) -> Iterator[str]:
    anchor = f"pair-{pair.name}"
    if columns_only:
        yield f'<article class="diglot-pair" aria-label="{escape.escape(pair.name)}">'
    else:
        yield f'<article class="diglot-pair" aria-labelledby="{anchor}">'
        yield from _head(pair, anchor, heading)
    if len(pair.parts) > 2:
        yield '<nav class="pair-contents" aria-label="Parts"><ol>'
        for number, part in enumerate(pair.parts, 1):
            yield f'<li><a href="#{anchor}-{number}">{escape.escape(part.label)}</a></li>'
        yield "</ol></nav>"
    for number, part in enumerate(pair.parts, 1):
        yield from _part(part, f"{anchor}-{number}", heading + 1)
    agreement = escape.escape(str(pair.agreement))
    yield f'<p class="pair-agreement">Compared just before: {agreement}.</p>'
    yield "</article>"


def _head(pair: Pair, anchor: str, heading: int) -> Iterator[str]:
    yield f'<h{heading} class="pair-name" id="{anchor}">{escape.escape(pair.name)}</h{heading}>'
    yield f'<p class="pair-title">{_prose(pair.title)}</p>'
    math = mathml(pair.latex) if pair.latex else None
    if math is not None:
        yield f'<div class="pair-equation" tabindex="0">{math}</div>'
    elif pair.equation:
        text = escape.escape(pair.equation)
        yield f'<pre class="pair-equation" tabindex="0">{text}</pre>'


def _part(part: Part, anchor: str, heading: int) -> Iterator[str]:
    sides = [side for side in (part.left, part.right) if side is not None]
    alone = " pair-alone" * (len(sides) == 1)
    yield f'<section class="pair-part{alone}" id="{anchor}" aria-labelledby="{anchor}-label">'
    label = escape.escape(part.label)
    yield f'<h{heading} class="pair-label" id="{anchor}-label">{label}</h{heading}>'
    yield '<div class="pair-columns">'
    for side in sides:
        yield _side(side, part.label)
    yield "</div>"
    yield "</section>"


def _side(side: Excerpt, label: str) -> str:
    where = f"{side.path}:{side.first_line}"
    name = escape.escape(f"{label}, {_LANGUAGES[side.language]}, {where}")
    digits = len(str(side.last_line))
    short = " pair-short" * (len(side.lines) <= _SHORT)
    return (
        f'<figure class="pair-side pair-{side.language}{short}">\n'
        f"<figcaption><b>{_LANGUAGES[side.language]}</b> <code>{escape.escape(where)}</code>"
        f"</figcaption>\n"
        f'<pre class="pair-code" tabindex="0" role="region" aria-label="{name}" '
        f'style="--digits:{digits}">{_code(side)}</pre>\n</figure>'
    )


def _code(side: Excerpt) -> str:
    """Mark up the lines; their numbers are attributes, so that copied text has none."""
    marked = highlight(side.text, _LEXERS[side.language], HtmlFormatter(nowrap=True))
    lines = marked.removesuffix("\n").split("\n")
    return "".join(
        f'<span class="line" data-line="{number}">{line}\n</span>'
        for number, line in enumerate(lines, side.first_line)
    )


def _prose(text: str) -> str:
    """Escape text, and set what stands between backquotes as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape.escape(text))


def mathml(latex: str) -> str | None:
    """Turn LaTeX into MathML, which browsers draw themselves; None without latex2mathml."""
    try:
        from latex2mathml.converter import convert
    except ImportError:
        return None
    markup: str = convert(latex, display="block")
    return markup

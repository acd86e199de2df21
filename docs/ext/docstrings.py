"""Docstrings are plain text; this makes reStructuredText of them for the reference.

Their grammar: paragraphs; indented blocks (an equation, an example), which stay as they are; and
sections such as "Args:", whose indented items are "name: text". `Code` stands between back-ticks.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Any

import numpy.typing as npt
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata, stringify_annotation

from diglot._typing import Array

__all__ = ["rest", "setup"]

_SECTION = re.compile(r"(Args|Attributes|Returns|Yields|Raises)( \([\w ]+\))?:")
_ITEM = re.compile(r"([\w*.\[\]'\"]+(?:, [\w*.\[\]'\"]+)*): +(.*)")
_PATH = re.compile(r"(?<![\w/`])((?:csrc|python|tests|examples)/[\w./]+\.\w+)")
_EMPHASIS = re.compile(r"(?<!\S)\\\*(\w[\w ]*\w)\\\*(?![\w*])")

EQUATIONS: dict[str, str] = {}
"""The LaTeX of a kernel's equation, by the name under which it is documented."""


def rest(docstring: str, latex: str | None = None) -> str:
    """Write a docstring in reStructuredText.

    Args:
        docstring: without the indentation of its place in the code.
        latex: shown instead of the first indented block, which says the same in plain text.
    """
    blocks = _blocks(docstring.strip("\n").splitlines())
    return "\n\n".join(_render(list(blocks), latex))


def _blocks(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (kind, lines): a kind is "text", "indented", or the name of a section."""
    section = ""
    for indented, group in groupby(lines, lambda line: line[:1].isspace() if line else None):
        part = list(group)
        if indented is None:
            continue
        if indented:
            yield section or "indented", part
            section = ""
        elif _SECTION.fullmatch(part[-1]):
            if part[:-1]:
                yield "text", part[:-1]
            section = part[-1].removesuffix(":")
        else:
            yield "text", part


def _render(blocks: list[tuple[str, list[str]]], latex: str | None) -> Iterator[str]:
    previous = ""
    for kind, lines in blocks:
        if kind == "text":
            yield _escape("\n".join(lines))
        elif kind != "indented":
            yield f":{kind}:\n" + "\n".join(f"   {line}" for line in _items(lines))
        elif latex:
            yield ".. math::\n\n" + "\n".join(f"   {line}" for line in latex.splitlines())
            latex = None
        else:
            python = any("diglot." in line for line in lines)
            head = ".. code-block:: python" if python else "::"
            # Two blocks in a row are one: the line between them was empty.
            yield "\n".join(lines) if previous == kind else f"{head}\n\n" + "\n".join(lines)
        previous = kind


def _items(lines: list[str]) -> list[str]:
    """List the items of a section, or its paragraph if it has no items."""
    depth = min(len(line) - len(line.lstrip()) for line in lines)
    lines = [line[depth:] for line in lines]
    heads = [_ITEM.fullmatch(line) for line in lines if not line[0].isspace()]
    if not all(heads):
        return [_escape(" ".join(line.strip() for line in lines))]
    items: list[str] = []
    for line in lines:
        if head := _ITEM.fullmatch(line):
            items.append(f"- **{_escape(head[1])}**: {head[2]}")
        else:
            items[-1] += f" {line.strip()}"
    return [f"{start}**: {_escape(text)}" for start, text in (i.split("**: ", 1) for i in items)]


def _escape(text: str) -> str:
    """Let text mean itself; back-ticks and paths become code."""
    parts = re.split(r"(`[^`]+`)", text)
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = f"`{part}`"
            continue
        escaped = re.sub(r"([\\*|]|_(?!\w))", r"\\\1", part)
        escaped = _EMPHASIS.sub(r"*\1*", escaped)
        # Code ends where a letter follows only if something stands between, which nobody sees.
        joint = "\\ " if i and part[:1].isalnum() else ""
        parts[i] = joint + _PATH.sub(r"``\1``", escaped)
    return "".join(parts)


def _process(
    app: Sphinx, what: str, name: str, obj: Any, options: Mapping[str, Any], lines: list[str]
) -> None:
    # A module's text has no indentation to lose; Sphinx would take an example's for it.
    text = obj.__doc__ if what == "module" and obj.__doc__ else "\n".join(lines)
    inherited = inspect.getdoc(type(obj)) if what in ("data", "attribute") else None
    undocumented = inherited is not None and text.strip() == inherited.strip()
    lines[:] = [] if undocumented else rest(text, EQUATIONS.get(name)).splitlines()


def _skip(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of a named tuple, which its docstring explains."""
    return True if (getattr(obj, "__doc__", None) or "").startswith("Alias for field") else None


def _tidy(app: Sphinx, doctree: nodes.document) -> None:
    """That a class derives from `object` need not be said."""
    for content in doctree.findall(addnodes.desc_content):
        if content.children and content.children[0].astext() == "Bases: object":
            del content[0]


@cache
def _aliases() -> dict[str, str]:
    """Give the names of types by what Sphinx makes of them."""
    aliases = {"Array": Array, "DTypeLike": npt.DTypeLike}
    return {stringify_annotation(kind, "smart"): name for name, kind in aliases.items()}


def _shorten(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returns: str
) -> tuple[str, str]:
    """Write `Array`, as the code does, for what it stands for."""
    for long, short in _aliases().items():
        signature, returns = (part and part.replace(long, short) for part in (signature, returns))
    return signature, returns


def setup(app: Sphinx) -> ExtensionMetadata:
    """Translate the docstrings that autodoc reads."""
    app.connect("autodoc-process-docstring", _process)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("autodoc-skip-member", _skip)
    app.connect("doctree-read", _tidy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

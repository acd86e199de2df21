"""A drawing as SVG text: no program but a browser is needed to see it."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True, repr=False)
class Drawing:
    """A drawing as SVG text, which a notebook shows.

    Args:
        svg: the text.
    """

    svg: str

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a file, which a browser opens."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __str__(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Drawing: {len(self.svg)} characters of SVG; save(path) writes them>"


def escaped(text: str) -> str:
    """Write text as XML can hold it: no control characters, and no signs that mean something."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    for sign, name in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(sign, f"&{name};")
    return text

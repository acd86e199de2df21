"""Cuts excerpts out of the C++ that was compiled."""

from functools import cache

from diglot import sources
from diglot.pairs.cpp import AnchorError, definition, definitions, statements
from diglot.pairs.model import Excerpt

__all__ = ["excerpt", "header_of"]

_KERNELS = "csrc/kernels/"


def excerpt(anchor: str) -> Excerpt:
    """Cut out what an anchor names.

    Args:
        anchor: a file of csrc/kernels and a name in it, such as "gemm.cpp tile"; "|" and the
            beginnings of the first and the last statement, "a = ..b = ", if it is not all of it.
            The name "//" stands for the file's first comment.

    Raises:
        AnchorError: there is no such place, or there are several.
        SourceError: the file is not the one that was compiled.
    """
    place, _, lines = anchor.partition("|")
    file, _, name = place.partition(" ")
    path = file if "/" in file else _KERNELS + file
    source = sources.read(path)
    try:
        start, end = _place(source, name, lines)
    except AnchorError as error:
        raise AnchorError(f"{path}: {error}") from error
    return Excerpt(path, source.count("\n", 0, start) + 1, source[start:end], "cpp")


def _place(source: str, name: str, lines: str) -> tuple[int, int]:
    if name == "//":
        end = 0
        while source.startswith("//", end):
            end = source.find("\n", end) + 1
        if end == 0:
            raise AnchorError("the file begins with no comment")
        return 0, end
    found = definition(source, name)
    if not lines:
        return found.start, found.end
    first, _, last = lines.partition("..")
    return statements(source, found, first, last or first)


@cache
def header_of(kernel: str) -> str:
    """Find the header that declares a kernel, such as "conv.h"."""
    headers = [
        name
        for name in sources.names()
        if name.startswith(_KERNELS)
        and name.endswith(".h")
        and any(d.name == kernel and not d.is_body for d in definitions(sources.read(name)))
    ]
    if len(headers) != 1:
        raise AnchorError(f"{kernel} is declared in {len(headers)} headers, expected one")
    return headers[0].removeprefix(_KERNELS)

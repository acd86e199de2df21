"""A page for each family of kernels: equation, shapes, both languages side by side, speed."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from textwrap import indent

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from diglot import pairs
from diglot.ladder import RUNGS
from diglot.pairs.page import css, fragment
from ext import docstrings
from ext.chapters import chapters
from ext.generated import ROOT, title, write
from ext.measured import PEERS, Row, load

__all__ = ["FAMILIES", "generate", "setup"]

GENERATED = ROOT / "docs" / "generated"
LADDERS = {"dense": "matmul", "conv": "conv2d", "recurrent": "lstm"}
FAMILIES = (
    "dense", "conv", "pool", "activations", "recurrent", "embedding", "dropout", "losses", "optim",
)  # fmt: skip


def family_page(family: str, found: list[pairs.Pair], where: str, rows: list[Row]) -> str:
    """Write the page of one family in reStructuredText."""
    module = import_module(f"diglot.kernels.reference.{family}")
    doc = inspect.getdoc(module) or ""
    parts = [
        ":hide-toc:\n",
        title(family),
        docstrings.rest(doc),
        f"The whole files: ``python/diglot/kernels/reference/{family}.py``, "
        f"``csrc/kernels/{family}.h``, ``csrc/bindings/{family}.cpp``.",
        *_ladder(family),
        "On this page: "
        + ", ".join(f"{pair.name}_" for pair in found)
        + (", Measured_." if rows else "."),
    ]
    for pair in found:
        parts += _kernel(pair, rows)
    if rows:
        parts += [
            title("Measured", "-"),
            f"{where} A number under a peer says how many times our time it took; for a "
            "convolution or a pooling, NumPy is the definition above.",
            _table(rows),
        ]
    return "\n\n".join(parts) + "\n"


def _kernel(pair: pairs.Pair, rows: list[Row]) -> Iterator[str]:
    yield title(pair.name, "-")
    if pair.latex:  # a comment, so that another equation is another page, which Sphinx reads again
        yield ".. " + " ".join(pair.latex.split())
    yield f".. autofunction:: diglot.kernels.{pair.name}"
    if line := _speed(pair.name, rows):
        yield line
    yield from _chapters(pair.name)
    yield ".. raw:: html\n\n" + indent(_columns(pair), "   ")


def _columns(pair: pairs.Pair) -> str:
    """Set the two languages side by side; the definition's docstring has been read by then."""
    first, *others = pair.parts
    if first.right is not None:
        first = replace(first, left=None)
    pair = replace(pair, parts=(first, *others))
    return fragment(pair, heading=2, columns_only=True)


def _chapters(name: str) -> Iterator[str]:
    doc = getattr(import_module("diglot.kernels.reference"), name).__doc__ or ""
    if book := re.search(r"Book: chapter (\d)", doc):
        links = [f":doc:`{c.title} <{c.page}>`" for c in chapters() if c.number == int(book[1])]
        if links:
            yield "In the book's order: " + ", ".join(links) + "."


def _ladder(family: str) -> Iterator[str]:
    if operation := LADDERS.get(family):
        rungs = ", ".join(
            f"`{rung.name} <repo:{rung.source}>`__" for rung in RUNGS[operation] if rung.native
        )
        yield f"From naive loops to here, one idea a file (:doc:`/ladder`): {rungs}."


def _matching(name: str, rows: list[Row]) -> list[Row]:
    stem = re.sub(r"_(forward|backward)\w*$", "", name)
    exact = [row for row in rows if row.kind == name]
    return exact or [row for row in rows if row.kind == stem]


def _speed(name: str, rows: list[Row]) -> str | None:
    matching = _matching(name, rows)
    if not matching:
        return None
    row = matching[0]
    first, *more = [f"{_times(row, peer)} as {peer}" for peer in PEERS if row.ratio(peer)]
    ratios = ", ".join([first.replace(" as ", " times as fast as "), *more])
    both = ", forward and backward together" if row.kind != name else ""
    return (
        f"Measured{both}: **{ratios}** ({row.name}: {_time(row.seconds['ours'])}; "
        f":ref:`all rows <measured-{row.family}>`)."
    )


def _times(row: Row, peer: str) -> str:
    ratio = row.ratio(peer)
    return "" if ratio is None else f"{ratio:.2g}" if ratio < 100 else f"{ratio:.0f}"


def _time(seconds: float) -> str:
    unit, factor = next(
        ((unit, f) for unit, f in (("s", 1.0), ("ms", 1e3)) if seconds * f >= 1), ("µs", 1e6)
    )
    value = seconds * factor
    return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"


def _table(rows: list[Row]) -> str:
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for cells in (
        ("work", "ours", *PEERS),
        *((row.name, _time(row.seconds["ours"]), *(_times(row, p) for p in PEERS)) for row in rows),
    ):
        lines += [f"   {'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(cells)]
    return "\n".join(lines)


def generate(app: Sphinx) -> None:
    """Compare every pair, write the families' pages and the list of them."""
    where, rows = load()
    found = [pair for pair in map(pairs.find, pairs.names()) if pair.kind == "kernel"]
    assert {pair.family for pair in found} <= set(FAMILIES), "a family has no page"
    for pair in found:
        if pair.latex:
            docstrings.EQUATIONS[f"diglot.kernels.{pair.name}"] = pair.latex
    texts, listed = {}, []
    for family in FAMILIES:
        own = [pair for pair in found if pair.family == family]
        text = family_page(family, own, where, [row for row in rows if row.family == family])
        texts[f"{family}.rst"] = text.replace(
            "Measured\n--", f".. _measured-{family}:\n\nMeasured\n--"
        )
        names = ", ".join(f":py:func:`~diglot.kernels.{pair.name}`" for pair in own)
        listed.append(f"* :doc:`{family}`: {names}")
    tree = "\n".join(f"   {family}" for family in FAMILIES)
    texts["index.rst"] = (
        f"{title('Kernels')}\nEvery hot loop, twice: the definition in NumPy, and the C++ that was "
        "compiled, with their parts facing each other. Each pair was compared when this page was "
        "made.\n\n" + "\n".join(listed) + f"\n\n.. toctree::\n   :hidden:\n\n{tree}\n"
    )
    write(GENERATED / "kernels", texts)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the pages before Sphinx reads, and their style, which is looked for at once."""
    write(GENERATED / "static", {"pairs.css": css()})
    app.connect("builder-inited", generate, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

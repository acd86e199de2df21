"""A name of the library between back-ticks leads to its place in the reference."""

import re
import sys
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

__all__ = ["look_up", "setup"]

_MISSING = object()


def look_up(dotted: str) -> Any:
    """Find what a dotted name means: a module, or an attribute of one.

    Raises:
        LookupError: there is nothing of that name.
    """
    first, *rest = dotted.split(".")
    thing: Any = import_module(first)
    name = first
    for part in rest:
        # A function may hide the module that it is defined in, as diglot.gradcheck does.
        found = getattr(thing, part, getattr(sys.modules.get(name), part, _MISSING))
        name = f"{name}.{part}"
        if found is _MISSING:
            try:
                found = import_module(name)
            except ImportError:
                raise LookupError(f"there is no {name}") from None
        thing = found
    return thing


def places(app: Sphinx) -> dict[Any, tuple[str, str]]:
    """List (page, anchor) of all that is documented: by its name, and by the identity of the thing.

    A class has several names (`diglot.Dense`, `diglot.layers.Dense`), of which one is documented.
    """
    found: dict[Any, tuple[str, str]] = {}
    for name, _, _, page, anchor, _ in app.env.domains.python_domain.get_objects():
        found[name] = (page, anchor)
        try:
            thing = look_up(name)
        except LookupError:  # an attribute of instances
            continue
        if hasattr(thing, "__qualname__") or isinstance(thing, ModuleType):
            found.setdefault(id(thing), (page, anchor))
    return found


def place(known: dict[Any, tuple[str, str]], name: str) -> tuple[str, str] | None:
    """Give the (page, anchor) of a name, if it is documented."""
    if name in known:
        return known[name]
    try:
        return known.get(id(look_up(name)))
    except LookupError:
        return None


def _link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    known: dict[Any, tuple[str, str]] | None = app.env.temp_data.get("known_names")
    if known is None:
        known = app.env.temp_data["known_names"] = places(app)
    for literal in list(doctree.findall(nodes.literal)):
        if isinstance(literal.parent, nodes.reference | addnodes.pending_xref | nodes.title):
            continue
        text = literal.astext()
        if not re.fullmatch(r"(?:diglot|kernels)(?:\.\w+)+(?:\(\))?", text):
            continue
        name = text.removesuffix("()")
        found = place(known, name if name.startswith("diglot") else f"diglot.{name}")
        if found:
            uri = app.builder.get_relative_uri(docname, found[0]) + f"#{found[1]}"
            literal.replace_self(
                nodes.reference("", "", literal.deepcopy(), refuri=uri, internal=True)
            )


def _plain(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Show a name in a signature as text if it exists and is not public; others are mistakes."""
    if node["refdomain"] == "py" and node["reftarget"].startswith("diglot."):
        with suppress(LookupError):
            look_up(node["reftarget"])
            return text
    return None


def setup(app: Sphinx) -> ExtensionMetadata:
    """Link names to the reference."""
    app.connect("doctree-resolved", _link)
    app.connect("missing-reference", _plain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

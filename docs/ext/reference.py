"""The API reference: a page for each public module, made from `__all__` and the docstrings.

The build fails if a public name is missing from it.
"""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata

import diglot
from ext.docstrings import rest
from ext.generated import ROOT, title, write
from ext.names import look_up, place, places

__all__ = ["missing", "public_names", "setup"]

FOLDER = ROOT / "docs" / "generated" / "reference"
OWN_PAGE = 4  # so many names of one module make a page
log = logging.getLogger(__name__)


def public_modules() -> list[str]:
    """Name the package, what it shows as a module, and the modules below it that have `__all__`."""
    found = {"diglot": None}
    for module in pkgutil.iter_modules(diglot.__path__, "diglot."):
        last = module.name.rpartition(".")[2]
        shown = isinstance(getattr(diglot, last, None), ModuleType) and last in diglot.__all__
        if shown or (not last.startswith("_") and hasattr(import_module(module.name), "__all__")):
            found[module.name] = None
    for name in list(found):
        for inside in _names(name):
            if isinstance(getattr(import_module(name), inside), ModuleType):
                found[f"{name}.{inside}"] = None
    return list(found)


def _names(module: str) -> list[str]:
    """Give a module's `__all__`, or what it defines where it has none."""
    loaded = import_module(module)
    defined = [
        name
        for name, thing in vars(loaded).items()
        if not name.startswith("_") and getattr(thing, "__module__", None) == module
    ]
    return list(getattr(loaded, "__all__", defined))


def public_names() -> dict[str, Any]:
    """Give everything that is public, by its full name, the shortest name first."""
    return {
        f"{module}.{name}": getattr(import_module(module), name)
        for module in public_modules()
        for name in _names(module)
    }


def _home(name: str, thing: Any) -> str:
    """Choose the module on whose page a name stands: where it is defined, not where it is shown."""
    defined = getattr(thing, "__module__", None) or name.rpartition(".")[0]
    parts = defined.split(".")
    shown = name.split(".")[:-1]
    return ".".join(parts[:2] if parts[0] == "diglot" and len(shown) == 1 else shown)


def pages() -> dict[str, list[str]]:
    """Sort the public names into pages, each thing once, kernels excepted: they have their own."""
    found: dict[str, list[str]] = {}
    seen: set[int] = set()
    for name, thing in public_names().items():
        if isinstance(thing, ModuleType) or id(thing) in seen:
            continue
        if hasattr(thing, "__qualname__"):
            seen.add(id(thing))
        if name.startswith("diglot.kernels.") and name.split(".")[-1] in diglot.kernels._KERNELS:
            continue
        found.setdefault(_home(name, thing), []).append(name)
    shown = _shown_or_packages()
    for module in [m for m in found if m != "diglot"]:
        if len(found[module]) < OWN_PAGE and module not in shown:
            found.setdefault("diglot", []).extend(found.pop(module))
    for module in shown:
        found.setdefault(module, [])
    return dict(sorted(found.items()))


def _shown_or_packages() -> set[str]:
    """Name the modules that an `__all__` shows, and the packages: each has a page."""
    things = [*public_names().values(), *map(import_module, public_modules())]
    modules = [thing for thing in things if isinstance(thing, ModuleType)]
    shown = {thing.__name__ for thing in public_names().values() if isinstance(thing, ModuleType)}
    return shown | {thing.__name__ for thing in modules if hasattr(thing, "__path__")}


def _directive(name: str) -> Iterator[str]:
    thing = look_up(name)
    kind = "data"
    if inspect.isclass(thing):
        kind = "exception" if issubclass(thing, BaseException) else "class"
    elif callable(thing) and hasattr(thing, "__qualname__"):
        kind = "function"
    yield f".. auto{kind}:: {name}"
    if kind == "data":
        yield "   :no-value:"
    yield ""


def page(module: str, names: list[str]) -> str:
    """Write the page of a module."""
    lines = [title(module)]
    if look_up(module) is import_module(module):
        lines += [f".. automodule:: {module}", "   :no-members:", ""]
    else:  # a function of that name hides it
        lines += [rest(import_module(module).__doc__ or ""), ""]
    if module == "diglot.kernels":
        lines += ["The kernels themselves: :doc:`/generated/kernels/index`.", ""]
    for name in names:
        lines += _directive(name)
    return "\n".join(lines)


def _summary(module: str) -> str:
    return (import_module(module).__doc__ or "").strip().partition("\n")[0].replace("`", "``")


def generate(app: Sphinx) -> None:
    """Write all pages, and the list of them."""
    found = pages()
    texts = {f"{module}.rst": page(module, names) for module, names in found.items()}
    rows = "\n".join(f"* :doc:`{module}`: {_summary(module)}" for module in found)
    tree = "\n".join(f"   {module}" for module in found)
    index = "Everything that is public, from the docstrings. Kernels have :doc:`pages of their own "
    index += "</generated/kernels/index>`."
    texts["index.rst"] = (
        f"{title('Reference')}\n{index}\n\n{rows}\n\n.. toctree::\n   :hidden:\n\n{tree}\n"
    )
    write(FOLDER, texts)


def missing(known: dict[Any, tuple[str, str]]) -> list[str]:
    """List the public names that are not documented.

    Args:
        known: what `ext.names.places` returns.
    """
    return [name for name in public_names() if place(known, name) is None]


def _check(app: Sphinx, env: Any) -> None:
    for name in missing(places(app)):
        log.warning("%s is public and missing from the reference", name, type="reference")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Write the reference before the pages are read, and see that it is complete after."""
    # Autodoc looks kernels up in the switch; the definitions are what has docstrings.
    backend = diglot.use_backend("reference")
    app.connect("builder-inited", generate)
    app.connect("builder-inited", lambda app: backend.__enter__(), priority=900)
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

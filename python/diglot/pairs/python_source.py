"""Finds functions, classes and statements in the package's own Python, by their names."""

import ast
import inspect
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType

from diglot.pairs.cpp import AnchorError
from diglot.pairs.model import Excerpt

__all__ = ["class_pieces", "equation", "excerpt", "title"]

_PACKAGE = Path(__file__).parents[1]
_Definition = ast.FunctionDef | ast.ClassDef


@lru_cache(maxsize=64)
def _read(path: Path) -> tuple[str, ast.Module]:
    source = path.read_bytes().decode()
    return source, ast.parse(source)


def _file_of(thing: type | FunctionType | ModuleType) -> Path:
    return Path(inspect.getfile(inspect.unwrap(thing) if callable(thing) else thing))


def _cut(path: Path, first: int, last: int) -> Excerpt:
    """Take the lines from `first` to `last`, both included, without empty ones around them."""
    lines = _read(path)[0].splitlines(keepends=True)
    while first < last and not lines[first - 1].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    name = "/".join(("python/diglot", *path.relative_to(_PACKAGE).parts))
    return Excerpt(name, first, "".join(lines[first - 1 : last]), "python")


def _find(path: Path, name: str) -> _Definition:
    scope: ast.Module | _Definition = _read(path)[1]
    for part in name.split("."):
        found = [
            node
            for node in scope.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part
        ]
        if len(found) != 1:
            raise AnchorError(f"{path.name} defines {name!r} {len(found)} times, expected once")
        scope = found[0]
    if isinstance(scope, ast.Module):
        raise AnchorError(f"{name!r} is no name")
    return scope


def _first_line(node: ast.stmt) -> int:
    decorated = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.decorator_list
    return decorated[0].lineno if decorated else node.lineno


def _end(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def excerpt(module: ModuleType | type | FunctionType, anchor: str) -> Excerpt:
    """Cut out what an anchor names.

    Args:
        module: the module, or anything that is defined in it.
        anchor: "f" is all of a function (or a class, or "Class.method"); "f.doc" goes to the end of
            its docstring, "f.body" begins behind it; "f|x = " is the statement whose line begins
            so, and "f|x = ..y = " goes from one statement to the end of another.

    Raises:
        AnchorError: there is no such place, or there are several.
    """
    path = _file_of(module)
    name, _, lines = anchor.partition("|")
    name, _, half = name.removesuffix(".doc").removesuffix(".body"), *anchor.rpartition(".")[1:]
    node = _find(path, name)
    if lines:
        first, _, last = lines.partition("..")
        begin, end = (_statement(path, node, text) for text in (first, last or first))
        return _cut(path, _first_line(begin), _end(end))
    if half == "doc":
        return _cut(path, _first_line(node), _end(node.body[0]))
    if half == "body":
        return _cut(path, _end(node.body[0]) + 1, _end(node))
    return _cut(path, _first_line(node), _end(node))


def _statement(path: Path, node: _Definition, beginning: str) -> ast.stmt:
    lines = _read(path)[0].splitlines()
    found = [
        statement
        for statement in ast.walk(node)
        if isinstance(statement, ast.stmt)
        and lines[statement.lineno - 1].lstrip().startswith(beginning)
    ]
    if len(found) != 1:
        raise AnchorError(
            f"{len(found)} statements of {node.name!r} begin with {beginning!r}, expected one"
        )
    return found[0]


def class_pieces(cls: type, wanted: set[str]) -> list[tuple[str, Excerpt]]:
    """Cut a class into the methods that are wanted, and what stands between them.

    Returns:
        Pairs of a method's name, or "" for the rest, and its lines, in their order.
    """
    path = _file_of(cls)
    node = _find(path, cls.__qualname__)
    pieces: list[tuple[str, Excerpt]] = []
    line = _first_line(node)
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name in wanted:
            pieces.append(("", _cut(path, line, _first_line(method) - 1)))
            pieces.append((method.name, _cut(path, _first_line(method), _end(method))))
            line = _end(method) + 1
    if line <= _end(node):
        pieces.append(("", _cut(path, line, _end(node))))
    return [(name, piece) for name, piece in pieces if piece.text.strip()]


def title(thing: type | FunctionType) -> str:
    """Give the first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def equation(thing: type | FunctionType) -> str:
    """Give the first indented block of a docstring, its indentation taken away."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    block: list[str] = []
    for at, line in enumerate(lines):
        if line.endswith(":") and line.strip() in ("Args:", "Returns:", "Attributes:"):
            break
        if line.startswith("    ") and (block or not lines[at - 1].strip()):
            block.append(line)
        elif block and line.strip():
            break
    return inspect.cleandoc("\n".join(["", *block])).rstrip()

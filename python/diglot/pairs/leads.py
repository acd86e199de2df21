"""Which kernels a class leads to, read from its source: `kernels.conv2d_forward(...)` says it."""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterable, Mapping
from functools import cache
from types import FunctionType

from diglot import operations, optimizers
from diglot.kernels.cases import CASES
from diglot.layers import LAYERS
from diglot.losses import LOSSES
from diglot.operations import Operation

__all__ = ["CLASSES", "kernels_of", "methods_that_call", "operations_of"]


def _concrete(module: object, base: type) -> dict[str, type]:
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, base) and not inspect.isabstract(value)
    }


# A name that a layer and the base class of operations share (Activation) means the layer.
CLASSES: Mapping[str, tuple[str, type]] = {
    **{name: ("operation", cls) for name, cls in _concrete(operations, Operation).items()},
    **{name: ("layer", cls) for name, cls in LAYERS.items()},
    **{name: ("loss", cls) for name, cls in LOSSES.items()},
    **{
        name: ("optimizer", cls)
        for name, cls in _concrete(optimizers, optimizers.Optimizer).items()
    },
}
"""Every operation, layer, loss and optimizer that can be used: its kind and the class."""


@cache
def _tree(thing: type | FunctionType) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(thing)))


def _calls(tree: ast.AST) -> list[str]:
    """List the kernels that a piece of source names, in its order, each once."""
    found = [
        (node.lineno, node.col_offset, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "kernels"
        and node.attr in CASES
    ]
    return _once(name for _, _, name in sorted(found))


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def methods_that_call(cls: type) -> dict[str, list[str]]:
    """Map the methods of an operation, loss or optimizer to the kernels that they call."""
    methods = _tree(cls).body[0].body  # type: ignore[attr-defined]
    calls = {m.name: _calls(m) for m in methods if isinstance(m, ast.FunctionDef)}
    return {name: kernels for name, kernels in calls.items() if kernels}


def operations_of(layer: type) -> list[type]:
    """List the operations of a layer that lead to kernels: those which its source names.

    A layer that names none may name a table of them, or a function that makes them.
    """
    module = vars(sys.modules[layer.__module__])

    def named(thing: type | FunctionType) -> list[object]:
        nodes = [node for node in ast.walk(_tree(thing)) if isinstance(node, ast.Name)]
        nodes.sort(key=lambda node: (node.lineno, node.col_offset))
        return [module[name] for name in _once(node.id for node in nodes) if name in module]

    def leading(things: Iterable[object]) -> list[type]:
        return [
            thing
            for thing in things
            if isinstance(thing, type) and issubclass(thing, Operation) and kernels_of(thing)
        ]

    own = named(layer)
    tables = [thing for thing in own if isinstance(thing, Mapping)]
    functions = [thing for thing in own if isinstance(thing, FunctionType)]
    return (
        leading(own)
        or leading(value for table in tables for value in table.values())
        or leading(thing for function in functions for thing in named(function))
    )


@cache
def kernels_of(cls: type) -> tuple[str, ...]:
    """List the kernels that a class leads to, in the order of its source; may be empty."""
    steps = operations_of(cls) if cls in LAYERS.values() else [cls]
    return tuple(
        _once(
            kernel
            for step in steps
            for kernels in methods_that_call(step).values()
            for kernel in kernels
        )
    )

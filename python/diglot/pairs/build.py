"""Puts pairs together: of a kernel from its anchors, of a class from the kernels it calls."""

import re
from collections.abc import Iterable, Iterator
from types import FunctionType

from diglot.kernels import reference
from diglot.pairs import native_source, python_source
from diglot.pairs.agreement import agreement
from diglot.pairs.anchors import ANCHORS
from diglot.pairs.equations import EQUATIONS
from diglot.pairs.leads import CLASSES, kernels_of, methods_that_call, operations_of
from diglot.pairs.model import Excerpt, Pair, Part

__all__ = ["class_pair", "family_of", "kernel_pair"]


def kernel_pair(name: str) -> Pair:
    """Build the pair of one kernel, after its comparison."""
    agreed = agreement([name])
    function = _reference(name)
    return Pair(
        name,
        "kernel",
        family_of(function),
        python_source.title(function),
        python_source.equation(function),
        EQUATIONS.get(name),
        tuple(_kernel_parts(name)),
        (name,),
        agreed,
    )


def _reference(name: str) -> FunctionType:
    function: FunctionType = getattr(reference, name)
    return function


def family_of(thing: type | FunctionType) -> str:
    """Name the module that a kernel's reference or a class is in."""
    return thing.__module__.rpartition(".")[2]


def _twin(name: str) -> Excerpt:
    """Find the C++ function of a kernel's name: the docstring says in which file."""
    found = re.search(r"Native: (csrc/\S+)", _reference(name).__doc__ or "")
    if found is None:
        raise LookupError(f"the docstring of {name} names no native file")
    return native_source.excerpt(f"{found.group(1)} {name}")


def _kernel_parts(name: str) -> Iterator[Part]:
    function = _reference(name)
    yield Part(
        "what it computes",
        python_source.excerpt(function, f"{name}.doc"),
        native_source.excerpt(f"{native_source.header_of(name)} //"),
    )
    yield Part("the kernel", python_source.excerpt(function, f"{name}.body"), _twin(name))
    for row in ANCHORS[name]:
        yield Part(
            row.label,
            python_source.excerpt(function, row.left) if row.left else None,
            native_source.excerpt(row.right) if row.right else None,
        )


def class_pair(name: str) -> Pair:
    """Build the pair of an operation, layer, loss or optimizer, after its kernels' comparison."""
    kind, cls = CLASSES[name]
    kernels = kernels_of(cls)
    agreed = agreement(kernels)
    return Pair(
        name,
        kind,
        family_of(cls),
        python_source.title(cls),
        python_source.equation(cls),
        None,
        tuple(_shown_once(_class_parts(kind, cls))),
        kernels,
        agreed,
    )


def _class_parts(kind: str, cls: type) -> Iterator[Part]:
    if kind == "layer":
        for _, piece in python_source.class_pieces(cls, set()):
            yield Part(f"the layer {cls.__name__}", piece, None)
    for step in operations_of(cls) if kind == "layer" else [cls]:
        yield from _step_parts("operation" if kind == "layer" else kind, step)
    for name in kernels_of(cls):
        for part in _kernel_parts(name):
            yield Part(f"{name}: {part.label}", part.left, part.right)


def _step_parts(kind: str, cls: type) -> Iterator[Part]:
    """Show a class, each method that calls a kernel beside the kernel."""
    calls = methods_that_call(cls)
    label = f"the {kind} {cls.__name__}"
    for method, piece in python_source.class_pieces(cls, set(calls)):
        if not method:
            yield Part(label, piece, None)
            label = f"{cls.__name__}, continued"
            continue
        first, *others = calls[method]
        yield Part(f"{cls.__name__}.{method} calls {first}", piece, _twin(first))
        for other in others:
            yield Part(f"{cls.__name__}.{method} calls {other}", None, _twin(other))


def _shown_once(parts: Iterable[Part]) -> Iterator[Part]:
    """Leave out what has been shown: two kernels share their inner loops."""
    seen: set[Excerpt] = set()
    for part in parts:
        left, right = (
            None if side is None or side in seen else side for side in (part.left, part.right)
        )
        seen |= {side for side in (left, right) if side is not None}
        if left is not None or right is not None:
            yield Part(part.label, left, right)

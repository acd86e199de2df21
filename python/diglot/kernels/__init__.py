"""The switch: one set of names, several sets of bodies.

`kernels.matmul` is looked up, at each call, in the backend that is active: the NumPy *reference*
(the definition) or a *native* build (C++, one module per instruction set). Callers therefore write
`kernels.matmul(...)` and never `from diglot.kernels import matmul`.

Until `use_backend` is called for the first time, there is one backend for everybody, and its
functions are plain names of this module, which are found ten times faster.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType
from typing import TYPE_CHECKING, Any

from diglot.kernels import native, reference
from diglot.settings import refusal

if TYPE_CHECKING:  # to a type checker and an editor, the kernels are those of the reference
    from diglot.kernels.reference import *  # noqa: F403

__all__ = ["available_builds", "get_backend", "use_backend", *reference.__all__]

available_builds = native.available_builds


def _load(name: str) -> ModuleType:
    if name == "reference":
        return reference
    if name == "native":
        return native.best_build()
    if name in native.BUILDS:
        return native.load(name)
    raise ValueError(
        f"backend {name!r} is unknown; choose one of 'reference', 'native', "
        + ", ".join(map(repr, native.BUILDS))
    )


def _load_at_import() -> ModuleType:
    name = os.environ.get("DIGLOT_BACKEND") or "native"
    try:
        return _load(name)
    except ValueError as error:
        if name == "native":  # it is DIGLOT_ISA's, and says so
            raise
        raise refusal("DIGLOT_BACKEND", error) from None


_at_import = _load_at_import()
_active: ContextVar[ModuleType] = ContextVar("diglot_backend", default=_at_import)


def get_backend() -> str:
    """Name the active backend: "reference", or the native build, e.g. "x86_64_v3"."""
    return _active.get().__name__.rpartition(".")[2].removeprefix("_native_")


@contextmanager
def use_backend(name: str) -> Iterator[None]:
    """Run a `with` block on another backend; blocks nest, and other threads are not affected.

    Args:
        name: "reference", "native" (the fastest build this processor has), or one build by name:
            "x86_64_v4", "x86_64_v3", "baseline".

    Raises:
        ValueError: the name is unknown, or this processor cannot run the build.
    """
    module = _load(name)
    for kernel in _KERNELS:  # from now on, __getattr__ is asked
        globals().pop(kernel, None)
    token = _active.set(module)
    try:
        yield
    finally:
        _active.reset(token)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # A module-level __getattr__ (PEP 562) is asked only for names that are not defined above.
        if name in _KERNELS:
            return getattr(_active.get(), name)
        raise AttributeError(f"module {__name__!r} has no kernel {name!r}")


_KERNELS = frozenset(reference.__all__)
globals().update({name: getattr(_at_import, name) for name in _KERNELS})

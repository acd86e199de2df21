"""The others: how PyTorch and JAX do each kind of work. Imported only where they are timed."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import final

from diglot.bench import kinds, language, trainings
from diglot.bench.work import JAX, TORCH, Arguments, Run

_MODULES = {TORCH: ("torch", "with_torch"), JAX: ("jax", "with_jax")}


@final
@dataclass(frozen=True)
class Competitor:
    """One of those that take turns.

    Attributes:
        name: as the table calls it.
        version: of its package.
        prepare: makes a kind of work ready, from its arguments.
        kinds: those that it knows; None means all.
        threads: how its number of threads is set, in words.
    """

    name: str
    version: str
    prepare: Callable[[str, Arguments], Run]
    kinds: frozenset[str] | None = None
    threads: str = ""

    def knows(self, kind: str) -> bool:
        """Tell whether it can do a kind of work."""
        return self.kinds is None or kind in self.kinds


def backend(name: str, module: ModuleType, version: str = "") -> Competitor:
    """Make a competitor of the reference, or of a native build."""

    def prepare(kind: str, arguments: Arguments) -> Run:
        if kind == "training":
            return trainings.prepare(module, arguments)
        if kind == "language":
            return language.prepare(module, arguments)
        return kinds.prepare(module, kind, arguments)

    return Competitor(name, version, prepare)


def installed() -> list[str]:
    """Name the peers that can be imported, without importing them."""
    return [name for name, (package, _) in _MODULES.items() if importlib.util.find_spec(package)]


def load(name: str, threads: int) -> Competitor:
    """Import a peer and give it so many threads.

    JAX makes its threads once, when it is imported; it reads their number from the variable NPROC.
    """
    package, here = _MODULES[name]
    how = ""
    if name == JAX:
        if package in sys.modules:
            how = "imported before, so its threads are as it chose them"
        else:
            os.environ["NPROC"] = str(threads)
            how = f"NPROC={threads}, when it was imported"
    module = importlib.import_module(f"diglot.bench.peers.{here}")
    if name == TORCH:
        module.set_threads(threads)
        how = f"torch.set_num_threads({threads})"
    prepares: Mapping[str, Callable[[Arguments], Run]] = module.PREPARE
    return Competitor(
        name,
        str(module.VERSION),
        lambda kind, arguments: prepares[kind](arguments),
        frozenset(prepares),
        how,
    )

"""The list of rungs: names, ideas and where their code is."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from diglot import kernels
from diglot.kernels import native

__all__ = ["RUNGS", "Rung", "find", "native_build"]


@dataclass(frozen=True)
class Rung:
    """One way to compute the operation.

    Attributes:
        name: as `diglot.ladder.matmul`, `conv2d` and `lstm` take it.
        idea: what it does differently from the rung before, in a few words.
        source: its file, in the repository.
        native: it is a C++ file of csrc/ladder.
        uses_threads: it uses as many threads as the library is set to.
    """

    name: str
    idea: str
    source: str
    native: bool = True
    uses_threads: bool = False


def _native(operation: str, ideas: Mapping[str, str]) -> list[Rung]:
    return [
        Rung(name, idea, f"csrc/ladder/{operation}/{number}_{name}.cpp", True, name == "threads")
        for number, (name, idea) in enumerate(ideas.items(), 1)
    ]


def _ladder(
    operation: str, ideas: Mapping[str, str], reference: str, library: str, *others: Rung
) -> list[Rung]:
    return [
        Rung("python", "loops over lists", "python/diglot/ladder/loops.py", False),
        *others,
        Rung("numpy", "the definition", reference, False),
        *_native(operation, ideas),
        Rung("library", "all the details", library, False, True),
    ]


RUNGS: Mapping[str, tuple[Rung, ...]] = {
    "matmul": tuple(
        _ladder(
            "matmul",
            {
                "naive": "a dot product for each element",
                "loop_order": "read along the rows",
                "registers": "sums stay in registers",
                "blocked": "a block of B stays in the cache",
                "packed": "blocks in the order of reading",
                "micro_kernel": "the largest tile of registers",
                "threads": "each thread a block of C",
            },
            "python/diglot/kernels/reference/dense.py",
            "csrc/kernels/gemm.h",
        )
    ),
    "conv2d": tuple(
        _ladder(
            "conv2d",
            {
                "naive": "seven loops",
                "loop_order": "one weight, a row of outputs",
                "im2col": "a product of matrices",
                "direct": "the tile reads the image",
                "across_rows": "the tile goes on in the next row",
                "threads": "each thread an image",
            },
            "python/diglot/kernels/reference/conv.py",
            "csrc/kernels/conv.h",
        )
    ),
    "lstm": tuple(
        _ladder(
            "lstm",
            {
                "naive": "a dot product for each gate",
                "loop_order": "read along the rows",
                "batch": "a step of all rows is a product",
                "vector_gates": "exp and tanh of a register",
                "prepacked": "weights packed once, used T times",
                "threads": "each thread rows of its own",
            },
            "python/diglot/kernels/reference/recurrent.py",
            "csrc/kernels/recurrent_lstm.h",
            Rung("nodes", "the book's: an object for a step", "python/diglot/nodes/lstm.py", False),
        )
    ),
}
"""The rungs of each operation, from the slowest idea to the library's kernel."""


def find(operation: str, name: str) -> Rung:
    """Look up a rung.

    Raises:
        ValueError: there is no such rung.
    """
    for rung in RUNGS[operation]:
        if rung.name == name:
            return rung
    names = ", ".join(rung.name for rung in RUNGS[operation])
    raise ValueError(f"rung {name!r} of {operation} is unknown; choose one of {names}")


def native_build() -> ModuleType:
    """Give the active native build; under the reference, the fastest one."""
    name = kernels.get_backend()
    return native.best_build() if name == "reference" else native.load(name)

"""The libraries with threads of their own that share a process with diglot."""

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from diglot.doctor.finding import Finding, note, ok
from diglot.doctor.installation import Installation


def check(installation: Installation) -> Iterator[Finding]:
    """Look at what is loaded after `import diglot`."""
    yield from judge(installation.imported.facts.get("runtimes", []))
    if "KMP_DUPLICATE_LIB_OK" in installation.given:  # scikit-learn sets it in its own process
        yield note(
            "KMP_DUPLICATE_LIB_OK",
            "is set: where two copies of LLVM's or Intel's OpenMP are in one process, they do not "
            "say so; their makers call that unsafe. GNU's, which diglot has on Linux, is not meant",
            "unset it; if a program then ends with OMP: Error #15, install its packages from one "
            "source",
        )


def judge(loaded: list[dict[str, Any]]) -> Iterator[Finding]:
    """Judge the libraries.

    Args:
        loaded: of each its kind ("openmp", "blas"), file, and number of threads (or None).
    """
    openmp = [library for library in loaded if library["kind"] == "openmp"]
    if loaded:
        names = ", ".join(map(_describe, loaded))
        if len(openmp) < 2:
            yield ok("runtimes", names)
        else:
            families = {_family(library["file"]) for library in openmp}
            mixed = (
                "of different makers, which may hang or crash together"
                if len(families) > 1
                else "each of which has threads of its own"
            )
            yield note(
                "runtimes",
                f"{names}: {len(openmp)} OpenMP libraries, {mixed}",
                "let one of them have one thread, or install the packages from one source",
            )


def _describe(library: dict[str, Any]) -> str:
    name = PurePath(library["file"]).name
    threads = library["threads"]
    return name if threads is None else f"{name} ({threads} threads)"


def _family(file: str) -> str:
    """Tell the makers apart: LLVM's and Intel's libraries are one family."""
    return "gnu" if re.match(r"libgomp", PurePath(file).name) else "llvm"

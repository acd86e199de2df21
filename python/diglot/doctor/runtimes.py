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
    if "KMP_DUPLICATE_LIB_OK" in installation.environment:
        yield note(
            "KMP_DUPLICATE_LIB_OK",
            "is set: it hides that two OpenMP libraries are in one process, which may then give "
            "wrong results",
            "unset it, and remove one of the two",
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

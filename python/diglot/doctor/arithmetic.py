"""NumPy, and the numbers at the edge, which other libraries' compiler flags have spoiled before."""

import re
from collections.abc import Iterator

from diglot.doctor.finding import Finding, ok, wrong
from diglot.doctor.installation import LIBRARIES, Installation
from diglot.doctor.words import brief

OLDEST_NUMPY = (1, 26)


def check(installation: Installation) -> Iterator[Finding]:
    """Look at NumPy, and at the arithmetic after `import diglot`."""
    numpy = installation.numpy
    if numpy.failed:
        yield wrong("NumPy", brief(numpy.error), "pip install --force-reinstall numpy")
    else:
        yield _numpy(numpy.facts)
    yield _libraries(installation)
    facts = installation.imported.facts
    if facts:
        yield _edges(facts["subnormals"], facts["long_double"])


def _numpy(facts: dict[str, object]) -> Finding:
    version = str(facts["version"])
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_NUMPY:
        oldest = ".".join(map(str, OLDEST_NUMPY))
        return wrong("NumPy", f"{version} is too old", f"pip install 'numpy>={oldest}'")
    if not facts["right"]:
        return wrong(
            "NumPy",
            f"{version} multiplies matrices wrongly: its BLAS is broken",
            "pip install --force-reinstall numpy",
        )
    return ok("NumPy", version)


def _libraries(installation: Installation) -> Finding:
    answer = installation.libraries
    if answer.failed:
        return wrong(
            "libraries",
            f"importing {answer.stage}: {answer.error}",
            f"pip install --force-reinstall {answer.stage}",
        )
    broken = {name: error for name, error in answer.facts["libraries"].items() if error}
    if not broken:
        return ok("libraries", ", ".join(LIBRARIES))
    found = "; ".join(f"{name}: {brief(error)}" for name, error in broken.items())
    return wrong("libraries", found, f"pip install --force-reinstall {' '.join(broken)}")


def _edges(subnormals: bool, long_double: bool) -> Finding:
    if not subnormals:
        return wrong(
            "numbers",
            "1e-40 becomes 0 after the import: a library in this process flushes subnormal numbers",
            "find what was compiled with -ffast-math (gevent and others were), and replace it",
        )
    if not long_double:
        return wrong(
            "numbers",
            "long double does not work after the import: a library leaves the x87 registers in use",
            "report this to diglot, with the output of: diglot doctor --json",
        )
    return ok("numbers", "1e-40 and long double are what they should be")

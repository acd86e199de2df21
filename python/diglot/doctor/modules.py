"""The compiled modules: found, loaded, or refused, and why."""

import re
import sys
import sysconfig
from collections.abc import Iterator

from diglot.doctor.finding import REINSTALL, Finding, note, ok, some, wrong
from diglot.doctor.installation import BUILDS, Installation
from diglot.doctor.loader import explain


def check(installation: Installation) -> Iterator[Finding]:
    """Look at each module."""
    if installation.environment.get("DIGLOT_BACKEND") == "reference" and not _any(installation):
        yield ok("modules", "none is installed, and DIGLOT_BACKEND=reference asks for none")
        return
    yield _processor(installation)
    if installation.cpu.failed:
        return
    for name in BUILDS:
        if installation.file(name):
            yield _installed(installation, name)
        elif name in installation.runnable:
            yield _missing(installation, name)
    if not installation.runnable:
        yield wrong(
            "modules",
            "this processor is older than x86-64-v2 (2009), for which the oldest build is made",
            "run on NumPy: set the environment variable DIGLOT_BACKEND=reference",
        )


def _any(installation: Installation) -> bool:
    return any(installation.file(name) for name in BUILDS)


def _processor(installation: Installation) -> Finding:
    name = "module _cpu"
    if installation.module_file("_cpu") is None:
        return wrong(name, *_absent(installation, "_cpu"))
    if installation.cpu.failed:
        return wrong(name, *explain(installation.cpu, installation.environment))
    can = ", ".join(installation.runnable) or "none of the builds"
    return ok(name, f"this processor can run {can}")


def _installed(installation: Installation, build: str) -> Finding:
    name = f"build {build}"
    if build not in installation.runnable:
        return ok(name, "installed; this processor lacks its instructions, so it is not used")
    answer = installation.builds[build]
    if answer.failed:
        return wrong(name, *explain(answer, installation.environment))
    facts = answer.facts["build"]
    openmp = "OpenMP" if facts["openmp"] else "no OpenMP"
    return ok(name, f"{facts['vector_bits']}-bit vectors, {openmp}, compiler {facts['compiler']}")


def _missing(installation: Installation, build: str) -> Finding:
    found, action = _absent(installation, f"_native_{build}")
    if any(name != build and name in installation.sound for name in BUILDS):
        return note(f"build {build}", f"{found}; another build is used in its place", action)
    return wrong(f"build {build}", found, action)


def _absent(installation: Installation, module: str) -> tuple[str, str]:
    """Say of a missing module whether one for another Python is there."""
    files = [path.name for path in installation.package.glob(f"{module}.*")]
    compiled = [name for name in files if re.search(r"\.(so|pyd|dylib)$", name)]
    if not compiled:
        return f"no compiled module {module} is in {installation.package}", REINSTALL
    ours = sysconfig.get_config_var("EXT_SUFFIX")
    return (
        f"{some(compiled)} is for another Python; this one loads {module}{ours}",
        f"install diglot with this Python: {sys.executable} -m pip install --force-reinstall .",
    )

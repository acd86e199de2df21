"""Which build is used, and why; and whether `import diglot` works."""

from collections.abc import Iterator

from diglot.doctor import refused
from diglot.doctor.finding import REINSTALL, Finding, note, ok, wrong
from diglot.doctor.installation import BUILDS, Installation
from diglot.doctor.words import brief
from diglot.settings import VARIABLES


def check(installation: Installation) -> Iterator[Finding]:
    """Look at the variables that choose a build, then import."""
    faults = list(_variables(installation))
    yield from faults
    yield from _unknown(installation.environment)
    answer = installation.imported
    if answer.failed:
        if not faults:
            threads = refused.threads(answer, installation.environment)
            found, action = threads or (brief(answer.error), _advice(installation))
            yield wrong("import diglot", found, action)
        return
    yield ok("import diglot", f"backend {answer.facts['backend']}, {_reason(installation)}")


def _variables(installation: Installation) -> Iterator[Finding]:
    backend = installation.environment.get("DIGLOT_BACKEND") or "native"
    choices = ("native", "reference", *BUILDS)
    if backend not in choices:
        yield wrong(
            "DIGLOT_BACKEND",
            f"{backend!r} is no backend",
            f"unset it, or choose one of {', '.join(choices)}",
        )
    build = installation.environment.get("DIGLOT_ISA")
    name = "DIGLOT_ISA"
    if backend in BUILDS:
        name, build = "DIGLOT_BACKEND", backend
    elif not build or backend == "reference":
        return
    usable = ", ".join(installation.sound) or "reference (with DIGLOT_BACKEND)"
    if build not in BUILDS:
        yield wrong(name, f"{build!r} is no build", f"unset it, or choose one of {usable}")
    elif not installation.cpu.failed and build not in installation.runnable:
        yield wrong(
            name,
            f"this processor cannot run the build {build}",
            f"unset it, or choose one of {usable}",
        )


def _unknown(environment: dict[str, str]) -> Iterator[Finding]:
    for name in sorted(environment):
        if name.startswith("DIGLOT_") and name not in VARIABLES:
            yield note(
                name,
                f"diglot reads no variable of this name; it reads {', '.join(VARIABLES)}",
                "unset it, or correct its name",
            )


def _reason(installation: Installation) -> str:
    environment = installation.environment
    backend = environment.get("DIGLOT_BACKEND") or "native"
    if backend != "native":
        return "as DIGLOT_BACKEND says"
    if environment.get("DIGLOT_ISA"):
        return "as DIGLOT_ISA says"
    return "the fastest that is installed and runs here"


def _advice(installation: Installation) -> str:
    if installation.numpy.failed:
        return "do what is said of NumPy"
    if not installation.sound:
        return "do what is said of the modules; until then, DIGLOT_BACKEND=reference runs on NumPy"
    if set(installation.builds) - set(installation.sound):
        return f"until the module is mended, set DIGLOT_ISA={installation.sound[0]}"
    return REINSTALL

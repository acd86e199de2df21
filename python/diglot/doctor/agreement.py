"""The kernels, compared with their definitions in every build that runs here."""

from collections.abc import Iterator

from diglot.doctor import refused
from diglot.doctor.finding import REINSTALL, Finding, ok, some, wrong
from diglot.doctor.installation import Installation
from diglot.doctor.words import brief


def check(installation: Installation) -> Iterator[Finding]:
    """Compare, if there is something to compare and NumPy to compare it with."""
    if not installation.sound or installation.numpy.failed:
        return
    answer = installation.kernels
    builds = ", ".join(installation.sound)
    if threads := refused.threads(answer, installation.environment):
        yield wrong("kernels", *threads)
    elif answer.crashed:
        yield wrong(
            "kernels",
            f"while {answer.stage or builds} was checked, {answer.error}",
            "report this to diglot, with the output of: diglot doctor --json",
        )
    elif answer.failed:
        yield wrong("kernels", f"cannot be checked: {brief(answer.error)}", REINSTALL)
    elif answer.facts["failed"]:
        yield wrong(
            "kernels",
            f"differ from their definitions: {some(answer.facts['failed'])}",
            "do not trust results of this machine; report it, with the output of: diglot verify",
        )
    else:
        kernels, checks = answer.facts["kernels"], answer.facts["checks"]
        how = "all cases" if installation.full else "a small case each (all of them: --full)"
        yield ok("kernels", f"{kernels} agree in {builds}: {checks} checks, {how}")

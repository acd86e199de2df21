"""All that the doctor looks at, in order."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from diglot.doctor import (
    agreement,
    arithmetic,
    choice,
    extras,
    files,
    hidden,
    interpreter,
    modules,
    parallel,
    places,
    runtimes,
    sources,
)
from diglot.doctor.finding import Finding, note
from diglot.doctor.installation import Installation

CHECKS: tuple[Callable[[Installation], Iterator[Finding]], ...] = (
    interpreter.check,
    hidden.check,
    files.check,
    arithmetic.check,
    modules.check,
    sources.check,
    choice.check,
    parallel.check,
    runtimes.check,
    agreement.check,
    places.check,
    extras.check,
)


def examine(installation: Installation) -> Iterator[Finding]:
    """Look at everything, and yield each finding as soon as it is known."""
    cause = ""
    for check in CHECKS:
        try:
            for finding in check(installation):
                if finding.is_cause:
                    cause = cause or finding.name
                elif cause and finding.state == "wrong":
                    first = f"first do what is said of {cause}; if that does not help: "
                    finding = replace(finding, action=first + finding.action)
                yield finding
        except Exception as error:  # what is broken in a new way must not hide the rest
            name = check.__module__.rpartition(".")[2]
            yield note(
                name,
                f"could not be looked at: {type(error).__name__}: {error}",
                "report this to diglot, with the output of: diglot doctor --json",
            )

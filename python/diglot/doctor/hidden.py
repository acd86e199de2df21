"""Whether a file stands in for a module of Python, or for a library, because it has its name."""

import os
from collections.abc import Iterator

from diglot.doctor import shadows
from diglot.doctor.finding import Finding, cause, note
from diglot.doctor.installation import LIBRARIES, Installation

_LIBRARIES = ("numpy", *LIBRARIES)


def check(installation: Installation) -> Iterator[Finding]:
    """Look for such files in the folders that Python searches before its own."""
    for module, file in shadows.find(installation.path, _LIBRARIES).items():
        whose = "the library" if module in _LIBRARIES else "Python's own module"
        report = note if installation.works else cause
        yield report(
            os.path.basename(file),
            f"{file} is imported in place of {whose} {module}",
            "give it another name, or start Python in another folder"
            if os.path.dirname(file) == os.getcwd()
            else "give it another name, or take its folder off PYTHONPATH",
        )

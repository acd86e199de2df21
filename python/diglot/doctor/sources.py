"""The C++ files: whether they are what the modules were compiled from."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from diglot.doctor.finding import REINSTALL, Finding, note, ok, some, wrong
from diglot.doctor.installation import Installation


def check(installation: Installation) -> Iterator[Finding]:
    """Compare the C++ files with what the modules were compiled from."""
    known = {name: installation.builds[name].facts["digests"] for name in installation.sound}
    if not known:
        return
    digests = known[installation.sound[0]]
    if any(other != digests for other in known.values()):
        builds = ", ".join(known)
        yield wrong("sources", f"{builds} were compiled from different sources", REINSTALL)
        return
    package = installation.package
    places = (package, package.parents[1])
    folder = next((p for p in places if (p / "csrc" / "kernels").is_dir()), None)
    if folder is None:
        yield wrong("sources", f"the C++ files are not in {package}", REINSTALL)
        return
    other = [name for name, expected in digests.items() if digest(folder / name) != expected]
    if not other:
        yield ok("sources", f"{len(digests)} C++ files, as they were compiled")
    elif folder == package:
        yield wrong("sources", f"damaged or missing: {some(other)}", REINSTALL)
    else:
        yield note(
            "sources",
            f"changed since the modules were compiled: {some(other)}",
            "compile again: pip install --no-build-isolation --no-deps -e .",
        )


def digest(path: Path) -> str:
    """Hash a file; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

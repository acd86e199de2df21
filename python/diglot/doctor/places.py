"""What is around diglot: the folder of the data, the terminal."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from diglot.doctor.finding import Finding, note, ok
from diglot.doctor.installation import Installation

_ROOM = 200_000_000  # bytes: MNIST and Fashion-MNIST, and room for models


def check(installation: Installation) -> Iterator[Finding]:
    """Look at the folder and at the terminal."""
    named = installation.environment.get("DIGLOT_DATA")
    if named:
        yield given(Path(named))
    elif cache := installation.libraries.facts.get("cache"):
        yield kept(Path(cache))
    yield terminal(sys.stdout.encoding or "ascii")


def given(folder: Path) -> Finding:
    """Judge the folder that DIGLOT_DATA names: it is only read."""
    if not folder.is_dir():
        return note(
            "DIGLOT_DATA",
            f"{folder} is no folder; no data set will be found, and none is downloaded",
            "name a folder that exists, or unset the variable",
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        return note("DIGLOT_DATA", f"{folder} may not be read", "change its permissions")
    return ok("DIGLOT_DATA", f"data is read from {folder}")


def kept(folder: Path) -> Finding:
    """Judge the folder that downloads are kept in; nothing is written to find out."""
    advice = "set DIGLOT_DATA to a folder with the data, or XDG_CACHE_HOME to one for downloads"
    if not folder.is_absolute():
        return note("data", f"there is no home directory: downloads would go to {folder}", advice)
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if there is None or not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return note(
            "data", f"downloads cannot be kept in {folder}: {there} is not writable", advice
        )
    free = shutil.disk_usage(there).free
    if free < _ROOM:
        return note("data", f"{free / 1e6:.0f} MB are free for downloads in {folder}", "make room")
    return ok("data", f"downloads are kept in {folder} ({free / 1e9:.0f} GB free)")


def terminal(encoding: str) -> Finding:
    """Judge how standard output is encoded."""
    try:
        "─│╭✓✗→²".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return note(
            "terminal",
            f"{encoding} has no signs for lines and marks: some are shown as ?",
            "set PYTHONIOENCODING=utf-8, if your terminal shows Unicode",
        )
    return ok("terminal", encoding)

"""How findings are shown: as lines for any terminal, or as JSON for a bug report."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from diglot.doctor.files import written_version
from diglot.doctor.finding import Finding
from diglot.doctor.installation import Installation

_COLOURS = {"ok": "green", "note": "yellow", "wrong": "bold red"}
_OURS = ("DIGLOT_", "OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_")
_INDENT = 7


def print_line(finding: Finding) -> None:
    """Print one finding, and below it what to do."""
    width = max(30, min(shutil.get_terminal_size((100, 24)).columns, 100)) - 1
    first = f"{finding.state:<{_INDENT}}{finding.name}: {finding.found}"
    lines = _wrap(first, width, " " * _INDENT)
    if finding.action:
        arrow = " " * _INDENT + _arrow()
        lines += _wrap(arrow + finding.action, width, " " * len(arrow))
    _write(lines, finding.state)


def print_verdict(findings: Sequence[Finding]) -> None:
    """Print what it comes to."""
    faults = sum(finding.state == "wrong" for finding in findings)
    notes = sum(finding.state == "note" for finding in findings)
    remarks = f", {notes} {'note' if notes == 1 else 'notes'}" if notes else ""
    if faults:
        things = "1 thing is" if faults == 1 else f"{faults} things are"
        text = (
            f"{things} wrong{remarks}. Begin with the first; then run this again. "
            "For a bug report: diglot doctor --json"
        )
    else:
        text = f"nothing is wrong{remarks}"
    width = max(30, min(shutil.get_terminal_size((100, 24)).columns, 100)) - 1
    print("\n" + "\n".join(_wrap(text, width, "")))


def as_json(installation: Installation, findings: Iterable[Finding]) -> str:
    """Write a report that can be made public: the home directory's name is left out."""
    found = list(findings)
    variables = {
        name: value
        for name, value in sorted(installation.environment.items())
        if name.startswith(_OURS)
    }
    report = {
        "diglot": written_version(installation.package),
        "healthy": healthy(found),
        "environment": variables,
        "findings": [
            {"name": f.name, "state": f.state, "found": f.found, "action": f.action} for f in found
        ],
    }
    return _without_home(json.dumps(report, indent=2), installation.environment)


def healthy(findings: Iterable[Finding]) -> bool:
    """Tell whether nothing is wrong."""
    return all(finding.state != "wrong" for finding in findings)


def _without_home(text: str, environment: dict[str, str]) -> str:
    given = [environment.get("HOME"), environment.get("USERPROFILE"), os.path.expanduser("~")]
    named = [home.rstrip("/\\") for home in given if home and os.path.isabs(home)]
    homes = {*named, *map(os.path.realpath, named)}  # one may be a link to another
    for home in sorted(homes, key=len, reverse=True):  # one may be in another
        if len(home) > 3:  # not "/", not "C:"
            text = re.sub(re.escape(json.dumps(home)[1:-1]) + r"(?![\w.-])", "~", text)
    return text


def _wrap(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    )


def _arrow() -> str:
    try:
        "→".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "-> "
    return "→ "


def _write(lines: Sequence[str], state: str) -> None:
    """Print lines, the first word in colour where the terminal and rich are there to show it."""
    encoding = sys.stdout.encoding or "ascii"
    text = "\n".join(lines).encode(encoding, "replace").decode(encoding)
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.text import Text
        except Exception:  # it may be what is broken
            pass
        else:
            coloured = Text(text)
            coloured.stylize(_COLOURS[state], 0, len(state))
            Console(markup=False, highlight=False).print(coloured, soft_wrap=True)
            return
    print(text, flush=True)

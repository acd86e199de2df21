"""The command itself: its arguments, its output, its exit status."""

import argparse
import os
import sys
from collections.abc import Sequence

from diglot.doctor import report
from diglot.doctor.examine import examine
from diglot.doctor.installation import Installation

DESCRIPTION = """Look at this installation: the files, the compiled modules and what they need, the
processor, threads and OpenMP, NumPy, and whether every kernel agrees with its definition. Each line
is ok, a note (something costs speed, or will surprise), or wrong; below it stands what to do. It
runs where diglot itself cannot be imported. Exit status 1 if anything is wrong."""


def main(argv: Sequence[str], path: Sequence[str]) -> int:
    """Run the doctor as a program.

    Args:
        argv: the arguments after `diglot doctor`.
        path: sys.path, as other programs get it.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="diglot doctor", description=DESCRIPTION)
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    try:
        passed = run(full=arguments.full, as_json=arguments.json, path=path)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("diglot: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0 if passed else 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the doctor's arguments to a parser."""
    parser.add_argument("--full", action="store_true", help="check every kernel in all its cases")
    parser.add_argument("--json", action="store_true", help="print JSON, for a bug report")


def run(*, full: bool, as_json: bool, path: Sequence[str] | None = None) -> bool:
    """Examine, and print.

    Args:
        full: compare the kernels in all cases.
        as_json: print JSON.
        path: the sys.path to examine; None means that of this process.

    Returns:
        Whether nothing is wrong.
    """
    installation = Installation(full=full, path=path)
    findings = []
    for finding in examine(installation):
        findings.append(finding)
        if not as_json:
            report.print_line(finding)
    if as_json:
        print(report.as_json(installation, findings))
    else:
        report.print_verdict(findings)
    return report.healthy(findings)

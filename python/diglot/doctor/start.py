"""The doctor's own way in: `diglot/__init__.py` comes here first, before what may be broken."""

import argparse
import os
import sys
from pathlib import PurePath

DESCRIPTION = """Look at this installation: the files, the compiled modules and what they need, the
processor, threads and OpenMP, NumPy, and whether every kernel agrees with its definition. Each line
is ok, a note (something costs speed, or will surprise), or wrong; below it stands what to do. It
runs where diglot itself cannot be imported. Exit status 1 if anything is wrong."""


def run_if_called() -> None:
    """Run the doctor, and end, if this process is `diglot doctor` or `python -m diglot doctor`."""
    if not is_called(sys.argv, sys.orig_argv):
        return
    parser = argparse.ArgumentParser(prog="diglot doctor", description=DESCRIPTION)
    add_arguments(parser)
    arguments = parser.parse_args(sys.argv[2:])
    try:
        passed = run(full=arguments.full, as_json=arguments.json)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("diglot: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(0 if passed else 1)


def is_called(argv: list[str], whole: list[str]) -> bool:
    """Tell whether a command line calls the doctor.

    Args:
        argv: the arguments as a program sees them; Python writes "-m" for one that it still seeks.
        whole: the arguments that Python was started with.
    """
    if argv[1:2] != ["doctor"]:
        return False
    if argv[0] == "-m":
        return whole[-len(argv)] in ("diglot", "-mdiglot")
    return PurePath(argv[0]).stem == "diglot"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the doctor's arguments to a parser."""
    parser.add_argument("--full", action="store_true", help="check every kernel in all its cases")
    parser.add_argument("--json", action="store_true", help="print JSON, for a bug report")


def run(*, full: bool, as_json: bool) -> bool:
    """Examine, and print.

    Returns:
        Whether nothing is wrong.
    """
    from diglot.doctor import report
    from diglot.doctor.examine import examine
    from diglot.doctor.installation import Installation

    installation = Installation(full=full)
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

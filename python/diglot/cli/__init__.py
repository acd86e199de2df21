"""The command line: `diglot info`, `demo`, `verify`, `bench` and others.

A command prints; what it prints about is computed by the library. Its exit status is 0 if all is
well, 1 if a check failed, 2 if the command or its input was wrong, 130 after Ctrl-C.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn, final

from diglot.cli import (
    bench,
    demo,
    doctor,
    exercise,
    info,
    ladder,
    mistakes,
    pair,
    reproduce,
    train_text,
    verify,
    write,
)
from diglot.cli.console import UsageError
from diglot.errors import DataError, ModelFileError

__all__ = ["build_parser", "main"]

OK, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
_COMMANDS = (
    info,
    doctor,
    demo,
    verify,
    pair,
    exercise,
    mistakes,
    bench,
    ladder,
    reproduce,
    train_text,
    write,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name; None takes those of the process.

    Returns:
        The exit status.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Unicode still gets its table
    try:
        status = _run(argv)
        sys.stdout.flush()
        return status
    except (UsageError, DataError, ModelFileError) as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        print("diglot: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _complain(str(error))


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of all commands; `run` of what it returns takes the arguments."""
    parser = _Parser(
        prog="diglot",
        description="Deep learning from scratch, in readable NumPy and fast C++.",
        epilog="Start with: diglot demo",
    )
    parser.add_argument("--version", action="version", version=f"diglot {version('diglot')}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = build_parser().parse_args(argv)
        passed: bool = arguments.run(arguments)
    except SystemExit as stopped:  # --help, a wrong argument, or rich has found a broken pipe
        return int(stopped.code or OK)
    return OK if passed else FAILED


@final
class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print one line, and exit."""
        self.exit(_complain(f"{message} (see {self.prog} --help)"))


def _complain(message: str) -> int:
    print(f"diglot: error: {message}", file=sys.stderr)
    return WRONG_USE

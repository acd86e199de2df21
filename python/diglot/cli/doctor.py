"""`diglot doctor`: is this installation sound, and if not, what is to be done?

On a command line, `diglot/__init__.py` has already gone to `diglot.doctor.start`, as what is
imported here may be broken; this is the way of a program that calls `diglot.cli.main`.
"""

import argparse
from typing import Any

from diglot.doctor import command


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "examine this installation, and say what to do"
    parser = commands.add_parser("doctor", help=text, description=command.DESCRIPTION)
    command.add_arguments(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Examine, print, and tell whether nothing is wrong."""
    return command.run(full=arguments.full, as_json=arguments.json)

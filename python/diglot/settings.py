"""The environment variables that diglot reads, and what it says of a value that it cannot use.

The doctor's way in reads this file: it imports nothing that another file could hide.
"""

import os
import sys

VARIABLES = ("DIGLOT_BACKEND", "DIGLOT_DATA", "DIGLOT_ISA", "DIGLOT_WINOGRAD")
"""All of them; an empty one is as good as none."""


def refusal(variable: str, error: ValueError) -> ValueError:
    """Name the variable that led to an error; on the command line, print that and end.

    Args:
        variable: its name.
        error: what came of its value.

    Returns:
        The error to raise.

    Raises:
        SystemExit: this process is the command.
    """
    message = f"unset the environment variable {variable}, or change it: {error}"
    if is_command_line(sys.argv, sys.orig_argv):
        print(f"diglot: error: {message}", file=sys.stderr)
        sys.exit(2)
    return ValueError(message)


def is_command_line(argv: list[str], whole: list[str]) -> bool:
    """Tell whether a process is `diglot` or `python -m diglot`.

    Args:
        argv: the arguments as a program sees them; Python writes "-m" for one that it still seeks.
        whole: the arguments that Python was started with.
    """
    if argv[:1] == ["-m"]:
        return whole[-len(argv)] in ("diglot", "-mdiglot")
    return bool(argv) and os.path.splitext(os.path.basename(argv[0]))[0] == "diglot"

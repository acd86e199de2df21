"""The doctor's own way in: `diglot/__init__.py` comes here first, before what may be broken.

A file random.py in the folder where Python is started, or on PYTHONPATH, stands in for Python's own
random. Until that is put right, nothing may be imported here but what is loaded in any case.
"""

import sys

from diglot.doctor.standard import is_standard
from diglot.settings import is_command_line


def run_if_called() -> None:
    """Run the doctor, and end, if this process is `diglot doctor` or `python -m diglot doctor`."""
    if not is_called(sys.argv, sys.orig_argv):
        return
    path = list(sys.path)
    sys.path.sort(key=lambda entry: not is_standard(entry))  # for this process only

    from diglot.doctor import command

    sys.exit(command.main(sys.argv[2:], path))


def is_called(argv: list[str], whole: list[str]) -> bool:
    """Tell whether a command line calls the doctor.

    Args:
        argv: the arguments as a program sees them.
        whole: the arguments that Python was started with.
    """
    return argv[1:2] == ["doctor"] and is_command_line(argv, whole)

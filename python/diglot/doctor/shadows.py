"""Files that stand in for a module of Python, or for a library, because they have its name."""

import os
import re
import sys
from collections.abc import Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, all_suffixes

from diglot.doctor.standard import is_standard

_INSTALLED = r"{}-.*\.(dist|egg)-info$"  # beside a library that pip has put there


def find(path: Sequence[str], libraries: Sequence[str] = ()) -> dict[str, str]:
    """Find the files, by the names of the modules.

    Args:
        path: sys.path; what comes before Python's own modules is looked at.
        libraries: modules that are not Python's own, to be looked for, too.
    """
    found: dict[str, str] = {}
    for folder in path:
        if is_standard(folder):
            break
        try:
            names = sorted(os.listdir(folder))
        except OSError:  # Python passes over it, too
            continue
        for name in names:
            module = _module(folder, name)
            if module in libraries and any(re.match(_INSTALLED.format(module), n) for n in names):
                continue
            if module in libraries or _is_standard_module(module):
                found.setdefault(module, os.path.join(folder, name))
    return found


def _module(folder: str, name: str) -> str:
    """Name the module that a file or folder is to Python; empty if it is none."""
    if os.path.isfile(os.path.join(folder, name, "__init__.py")):
        return name
    suffix = next((suffix for suffix in all_suffixes() if name.endswith(suffix)), "")
    return name.removesuffix(suffix) if suffix else ""


def _is_standard_module(name: str) -> bool:
    if name not in sys.stdlib_module_names:
        return False
    # What is part of the interpreter is found before any file.
    return not (BuiltinImporter.find_spec(name) or FrozenImporter.find_spec(name))

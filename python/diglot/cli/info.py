"""`diglot info`: what is installed here, and what runs."""

import argparse
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from diglot import kernels
from diglot.cli.console import make_console, print_pairs
from diglot.datasets.files import data_folder
from diglot.kernels import native
from diglot.threads import get_num_threads

_OPENMP = {201511: "4.5", 201811: "5.0", 202011: "5.1", 202111: "5.2", 202411: "6.0"}
_EXTRAS = {"matplotlib": "plots", "scikit-learn": "reproduce"}


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "show the backend, its builds, threads, compiler and versions"
    parser = commands.add_parser("info", help=text, description=text.capitalize() + ".")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Print it."""
    print_pairs(make_console(), describe())
    return True


def describe() -> list[tuple[str, str]]:
    """List what a bug report should contain, as pairs of a name and a value."""
    pairs = [
        ("diglot", version("diglot")),
        ("backend", _backend()),
        *_builds(),
        ("threads", f"{get_num_threads()} of {os.cpu_count()} processors"),
        ("python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("numpy", np.__version__),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("data", f"{data_folder()} ({_data_origin()})"),
    ]
    return pairs + [(package, _extra(package, extra)) for package, extra in _EXTRAS.items()]


def _backend() -> str:
    name = kernels.get_backend()
    forced = [f"{v}={os.environ[v]}" for v in ("DIGLOT_BACKEND", "DIGLOT_ISA") if os.environ.get(v)]
    kind = "NumPy" if name == "reference" else "native"
    return f"{name} ({', '.join([kind, *forced])})"


def _builds() -> list[tuple[str, str]]:
    try:
        names = kernels.available_builds()
        others = [name for name in native.installed_builds() if name not in names]
    except ImportError:
        names = others = []
    if not names and not others:
        return [("builds", "none is installed; build them with: pip install .")]
    pairs = []
    for name in names:
        build = native.load(name).build_info()
        standard = build["openmp"]
        openmp = (
            f"OpenMP {_OPENMP.get(standard, standard)}" if standard else "one thread, no OpenMP"
        )
        compiler = f"compiler {build['compiler']}"
        pairs.append((f"build {name}", f"{build['vector_bits']}-bit vectors, {openmp}, {compiler}"))
        pairs.append(("", build["flags"]))
    if others:
        pairs.append(("not usable here", ", ".join(others)))
    return pairs


def _data_origin() -> str:
    return "DIGLOT_DATA" if os.environ.get("DIGLOT_DATA") else "downloads are kept there"


def _extra(package: str, extra: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return f"not installed: pip install 'diglot[{extra}]'"

"""What is not needed, and what it would give."""

import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from diglot.doctor.finding import Finding, ok
from diglot.doctor.installation import Installation

_EXTRAS = {
    "matplotlib": "draws trainings",
    "scikit-learn": "has the data of chapters 2 and 3",
    "threadpoolctl": "sets the threads of NumPy's BLAS, for fair benchmarks",
    "torch": "is compared with in diglot bench",
    "jax": "is compared with in diglot bench",
}


def check(installation: Installation) -> Iterator[Finding]:
    """Look at optional packages and programs."""
    present, absent = [], []
    for package, use in _EXTRAS.items():
        try:
            present.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            absent.append(f"{package} ({use})")
    compilers = [name for name in ("c++", "g++", "clang++", "cl") if shutil.which(name)]
    if compilers:
        present.append(f"a C++ compiler ({compilers[0]})")
    else:
        absent.append("a C++ compiler (exercises in C++)")
    if present:
        yield ok("extras", ", ".join(present))
    if absent:
        yield ok("not here", ", ".join(absent))

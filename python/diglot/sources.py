"""The C++ that was compiled: installed with the modules, which know the hashes of its files."""

import hashlib
from pathlib import Path

from diglot.kernels import native

__all__ = ["SourceError", "folder", "names", "read"]


class SourceError(OSError):
    """A C++ source is missing, or is not the one that was compiled."""


def folder() -> Path:
    """Return the folder that holds csrc: what a compiler needs as its include path is below it.

    An installed package has its own copy; an editable one reads the repository's.

    Raises:
        SourceError: there is none.
    """
    package = Path(__file__).parent
    for parent in (package, package.parents[1]):
        if (parent / "csrc" / "kernels").is_dir():
            return parent
    raise SourceError(f"the C++ sources are not in {package}; install diglot again")


def names() -> list[str]:
    """List the files that the native modules were compiled from, like "csrc/kernels/conv.cpp"."""
    return sorted(_digests())


def read(name: str) -> str:
    """Read one source, byte for byte as it was compiled.

    Args:
        name: its path, one of `names()`.

    Raises:
        ValueError: nothing was compiled from a file of that name.
        SourceError: the file is missing, or has changed since.
    """
    digests = _digests()
    if name not in digests:
        raise ValueError(f"no module was compiled from {name!r}; diglot.sources.names() lists all")
    path = folder() / name
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}; install diglot again") from error
    if hashlib.sha256(data).hexdigest() != digests[name]:
        raise SourceError(f"{path} has changed since the modules were compiled; install it again")
    return data.decode()


def _digests() -> dict[str, str]:
    digests: dict[str, str] = native.best_build().source_digests()
    return digests

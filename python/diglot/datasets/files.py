"""Where the files of a data set come from: $DIGLOT_DATA, or a download that is kept."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from diglot.errors import DataError


class FileSet(NamedTuple):
    """The files of one data set: where they lie, what they must hash to.

    `folder` is their folder's name, both under $DIGLOT_DATA and in the cache; `mirrors` are the
    addresses of folders, tried in order, or, without a slash at the end, that of the only file;
    `sha256` maps a file's name to its digest.
    """

    folder: str
    mirrors: Sequence[str]
    sha256: Mapping[str, str]


def data_folder() -> Path:
    """Name the folder that data is read from: $DIGLOT_DATA, or the cache that downloads go to."""
    import pooch  # here, because it loads an HTTP library, which takes longer than diglot does

    return Path(os.environ.get("DIGLOT_DATA") or pooch.os_cache("diglot"))


def locate(files: FileSet, name: str) -> Path:
    """Find one file of the set, and make sure that it is the published one, byte for byte.

    With the environment variable DIGLOT_DATA it is $DIGLOT_DATA/<folder>/<name> and nothing is
    downloaded; otherwise it is fetched once and kept in the user's cache folder.

    Raises:
        DataError: the file is missing or damaged, or no mirror served it; the message names them.
    """
    root = os.environ.get("DIGLOT_DATA")
    if root:
        return _local(Path(root) / files.folder / name, files.sha256[name])
    return _download(files, name)


def _local(path: Path, sha256: str) -> Path:
    hint = (
        "the environment variable DIGLOT_DATA names the folder to read data from: put the "
        "published file there, or unset the variable to download it"
    )
    if not path.is_file():
        raise DataError(f"{path} does not exist; {hint}")
    found = _digest(path)
    if found != sha256:
        raise DataError(f"{path} is damaged: its sha256 is {found}, expected {sha256}; {hint}")
    return path


def _download(files: FileSet, name: str) -> Path:
    import pooch

    folder = data_folder() / files.folder
    failures = []
    for mirror in files.mirrors:
        address = mirror + name if mirror.endswith("/") else mirror
        try:
            path = pooch.retrieve(
                address, known_hash="sha256:" + files.sha256[name], fname=name, path=folder
            )
        except (OSError, ValueError) as error:  # no connection, an HTTP error; a wrong hash
            failures.append(f"  {address}: {error}")
        else:
            return Path(path)
    (folder / name).unlink(missing_ok=True)  # what is there now is not the published file
    raise DataError(
        f"no mirror served {name} as it was published; tried\n" + "\n".join(failures) + "\n"
        f"Download it by hand into DATA/{files.folder}/ and set DIGLOT_DATA=DATA"
    )


def _digest(path: Path) -> str:
    import hashlib  # here, as it loads OpenSSL

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

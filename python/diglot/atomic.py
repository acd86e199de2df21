"""Files that are written whole, or not at all."""

import errno
import os
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that whoever opens its name finds the old content or the whole new one.

    Raises:
        OSError: it cannot be written; the error names the path, and the old content stays.
    """
    if path.is_dir():
        raise IsADirectoryError(
            errno.EISDIR, f"{os.strerror(errno.EISDIR)}; give the name of a file", os.fspath(path)
        )
    import secrets  # here, as it loads OpenSSL

    temporary = path.with_name(f"{path.name}.tmp.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):  # where the name itself was refused, there is no file
            temporary.unlink()
        if isinstance(error, OSError) and error.filename == os.fspath(temporary):
            raise known_as(path, error) from None
        raise
    if hasattr(os, "O_DIRECTORY"):  # elsewhere a directory cannot be opened
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)  # or the new name might not survive a power cut
        finally:
            os.close(directory)


def known_as(path: Path, error: OSError) -> OSError:
    """Say what went wrong with a temporary file of the path that the caller knows, alone."""
    return OSError(error.errno, error.strerror, os.fspath(path))

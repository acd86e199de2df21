"""Bytes from outside: opened without waiting, and read without believing what they claim."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import stat
from typing import Any

MOST_BRACKETS = 100_000
"""The most lists and objects in one JSON text: two bytes of it can make a list of 88 bytes."""

MOST_AXES = 32
"""The most axes of an array, as in NumPy 1; a product of more sizes would take its time."""


def open_regular(path: str | os.PathLike[str]) -> io.BufferedReader:
    """Open a regular file for reading.

    Opening a pipe would wait for its writer, and a device may never end.

    Args:
        path: of the file; a symbolic link is followed.

    Raises:
        OSError: there is none, it cannot be opened, or it is something else.
    """
    try:
        stream = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - the caller closes it
    except ValueError as error:  # a NUL in the path
        raise OSError(errno.EINVAL, str(error)) from error
    try:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "this is no regular file")
    except BaseException:
        stream.close()
        raise
    return stream


def read_regular(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read a whole regular file.

    Args:
        path: of the file.
        limit: the largest size, in bytes; a larger file is not read.

    Raises:
        OSError: it cannot be read, is no regular file or is larger.
    """
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > limit:
            raise OSError(errno.EFBIG, f"it has {size} bytes, the limit is {limit}")
        return stream.read(limit)  # not more, should it be growing


def reason(error: OSError) -> str:
    """Say why something cannot be read, without the error's number and file name."""
    said = error.strerror or str(error)
    if isinstance(error, IsADirectoryError):
        return f"{said}; give the path of a file"
    return said


def parse_json(text: bytes | str, what: str) -> Any:
    """Parse JSON more strictly than json does: no key twice, no number that is none.

    Args:
        text: in UTF-8, if it is bytes.
        what: begins the messages: "the header".

    Raises:
        ValueError: it is not JSON, or nested too deeply, or has too many lists and objects.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        parsed = dict(pairs)
        if len(parsed) < len(pairs):
            raise ValueError(f"{what} has a key twice")
        return parsed

    def refuse(constant: str) -> None:
        raise ValueError(f"{what} has {constant}, which is not JSON")

    def finite(digits: str) -> float:
        number = float(digits)
        if not math.isfinite(number):
            shown = digits if len(digits) <= 20 else f"{digits[:17]}…"
            raise ValueError(f"{what} has the number {shown}, which does not fit into 64 bits")
        return number

    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        check_brackets(decoded, what)
        return json.loads(
            decoded, object_pairs_hook=unique, parse_constant=refuse, parse_float=finite
        )
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{what} is not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError(f"{what} is nested too deeply") from error


def parse_object(text: bytes | str, what: str) -> dict[str, Any]:
    """Parse a JSON object; see `parse_json`.

    Raises:
        ValueError: it is something else.
    """
    parsed = parse_json(text, what)
    if not isinstance(parsed, dict):
        raise ValueError(f"{what} is not a JSON object")
    return parsed


def check_brackets(text: str, what: str) -> None:
    """Refuse a JSON text with more lists and objects than `MOST_BRACKETS`, before it is parsed.

    Raises:
        ValueError: it has more.
    """
    brackets = text.count("[") + text.count("{")
    if brackets > MOST_BRACKETS:
        raise ValueError(f"{what} has {brackets} lists and objects, the limit is {MOST_BRACKETS}")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # which Windows has not

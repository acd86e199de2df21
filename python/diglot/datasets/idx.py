"""IDX, the file format of MNIST: a few bytes of header, then one array."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from diglot._typing import Array, Shape
from diglot.errors import DataError
from diglot.untrusted import open_regular, reason

if TYPE_CHECKING:
    import gzip

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_RANK = 8
_CHUNK = 1 << 20
_AT_ONCE = 1 << 23  # what is packed and larger is unpacked twice: at first only to count it
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(
    path: str | PathLike[str], *, shape: Shape | None = None, max_bytes: int = 1 << 30
) -> Array:
    """Read one array from an IDX file, plain or compressed with gzip.

    The file is two zero bytes, a type byte, the rank, one big-endian uint32 per axis, then the
    elements in row-major order, big-endian. The header is a claim, not a fact: the bytes that are
    really there are counted before there is memory for more than 8 MiB of them, and their number
    must be exactly the one that the sizes give.

    Args:
        path: the file.
        shape: what the header must say; None accepts any shape.
        max_bytes: the largest array to read, in bytes.

    Returns:
        The array, in the machine's byte order, writeable, C-contiguous.

    Raises:
        DataError: the file is missing, is no IDX file, is truncated, has bytes left over, is
            damaged, is too large, or holds another shape than `shape`.

    Source: yann.lecun.com/exdb/mnist, "THE IDX FILE FORMAT".
    """
    import gzip  # here, as most programs read no such file

    path = Path(path)
    try:
        with open_regular(path) as plain:
            length = os.fstat(plain.fileno()).st_size
            compressed = plain.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            plain.seek(0)
            if not compressed:
                return _decode(plain, path, shape, max_bytes, length)
            with gzip.GzipFile(fileobj=plain) as unpacked:
                return _decode(unpacked, path, shape, max_bytes, None)
    except (OSError, EOFError, zlib.error) as error:
        why = reason(error) if isinstance(error, OSError) else error
        raise DataError(f"{path} cannot be read: {why}") from error


def _decode(
    file: BinaryIO | gzip.GzipFile,
    path: Path,
    expected: Shape | None,
    max_bytes: int,
    length: int | None,
) -> Array:
    """Read the array from a file whose length in bytes is known, or which has to be unpacked."""
    dtype, shape = _read_header(file, path)
    if expected is not None and shape != expected:
        raise DataError(f"{path} holds an array of shape {shape}, expected {expected}")
    size = math.prod(shape) * dtype.itemsize
    if size > max_bytes:
        raise DataError(f"{path} claims {size} bytes (shape {shape}), the limit is {max_bytes}")
    if math.prod(filter(None, shape)) * dtype.itemsize >= 1 << 63:
        raise DataError(f"{path} claims the shape {shape}, which is too large even for no elements")
    start = file.tell()
    if length is not None:
        found = length - start
    elif size > _AT_ONCE:
        found = sum(map(len, _chunks(file, size + 1)))
        file.seek(start)
    else:
        found = size  # as far as anybody knows
    if found == size:
        data = _read_at_most(file, size + 1)
        found = len(data)
    if found != size:
        problem = "ends too early" if found < size else "has bytes left over"
        raise DataError(f"{path} {problem}: shape {shape} of {dtype.name} takes {size} bytes")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_header(file: BinaryIO | gzip.GzipFile, path: Path) -> tuple[np.dtype[np.generic], Shape]:
    magic = bytes(_read_at_most(file, 4))
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        raise DataError(f"{path} is not an IDX file: it begins with {magic.hex(' ') or 'nothing'}")
    rank = magic[3]
    if not 1 <= rank <= _MAX_RANK:
        raise DataError(f"{path} claims {rank} axes, expected 1 to {_MAX_RANK}")
    sizes = bytes(_read_at_most(file, 4 * rank))
    if len(sizes) < 4 * rank:
        raise DataError(f"{path} ends too early: its header has {rank} sizes of 4 bytes")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    return np.dtype(_DTYPES[magic[2]]), shape


def _read_at_most(file: BinaryIO | gzip.GzipFile, size: int) -> bytearray:
    """Read until `size` bytes or the end; a false size costs no memory."""
    data = bytearray()
    for chunk in _chunks(file, size):
        data += chunk
    return data


def _chunks(file: BinaryIO | gzip.GzipFile, size: int) -> Iterator[bytes]:
    left = size
    while left and (chunk := file.read(min(_CHUNK, left))):
        left -= len(chunk)
        yield chunk

"""Model files: safetensors, with the architecture as JSON in the metadata.

    8 bytes  length n of the header, little-endian
    n bytes  JSON {"__metadata__": {...}, "0.weight": {"dtype": "F32", "shape": [784, 89],
             "data_offsets": [0, 279104]}, ...}
    the rest numbers, little-endian, row by row

A file may come from anywhere. So the header is read by strict rules, and no memory is allocated for
what it claims before the claim has been compared with the file's size and with the architecture.
Checksums tell a file that a failing disk or a broken copy has changed from one that is as it was
written. Another program that writes such a file may leave them out.
"""

import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np

from diglot._typing import Array, DType, Shape
from diglot.atomic import write_atomically
from diglot.config import brief
from diglot.errors import ModelFileError
from diglot.untrusted import MOST_AXES, check_brackets, open_regular, parse_object, reason

FORMAT = {"format": "diglot", "version": "1"}
"""What the metadata of every model file holds, beside the architecture."""

HEADER_LIMIT = 1 << 20
"""A header's largest length, in bytes; enough for some thousand layers."""

TRAINING = "training."
"""How the names of a checkpoint's other arrays begin; those of parameters begin with a digit."""

_CHECKSUMS = ("crc32", "crc32.parameters", "crc32.training")
"""CRC-32: of the metadata's other texts, of the parameters, of a checkpoint's other arrays."""

_PIECE = 1 << 16

_DTYPES: Mapping[str, DType] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}


class Training(NamedTuple):
    """Where a training stands, beside the parameters.

    Attributes:
        facts: in JSON's types.
        arrays: by name.
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, Array]


def write_model(
    path: str | os.PathLike[str],
    parameters: Mapping[str, Array],
    architecture: Mapping[str, Any],
    notes: Mapping[str, Any],
    training: Training | None = None,
) -> None:
    """Write a model file atomically: a reader sees the old file or the whole new one.

    Args:
        path: of the file; a symbolic link is followed.
        parameters: float32 or float64 arrays by name.
        architecture: what can be written as JSON.
        notes: likewise; whatever else belongs to the model.
        training: for a checkpoint.

    Raises:
        ValueError: the notes are no JSON object, or with the architecture too long for a header.
        OSError: the file cannot be written; the old one, if any, is still there.
    """
    from safetensors.numpy import save as to_safetensors  # here: few programs save a model

    metadata = FORMAT | {"architecture": json.dumps(architecture, allow_nan=False)}
    if not isinstance(notes, dict) or not all(isinstance(name, str) for name in notes):
        raise ValueError(f"the notes are {brief(notes)}, expected a dict whose keys are texts")
    if notes:
        try:
            metadata["notes"] = json.dumps(notes, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"the notes cannot be written as JSON: {error}") from error
        parse_object(metadata["notes"], "the notes")  # {1: 0, "1": 0} has a key twice, as JSON
    arrays = {name: _plain(array) for name, array in parameters.items()}
    if training is not None:
        metadata["training"] = json.dumps(training.facts, allow_nan=False)
        arrays |= {TRAINING + name: _plain(array) for name, array in training.arrays.items()}
        metadata["crc32.training"] = _checksum(_written(arrays, training=True))
    metadata["crc32.parameters"] = _checksum(_written(arrays, training=False))
    metadata["crc32"] = _checksum(_texts(metadata))
    content = to_safetensors(arrays, metadata)
    length = int.from_bytes(content[:8], "little")
    if length > HEADER_LIMIT:
        raise ValueError(
            f"the layers and notes are too long for a header of {HEADER_LIMIT} bytes: {length}"
        )
    check_brackets(content[8 : 8 + length].decode(), "the header, with layers and notes,")
    write_atomically(Path(os.path.realpath(path)), content)


@contextmanager
def open_model(path: str | os.PathLike[str]) -> Iterator["ModelFile"]:
    """Open a model file and read its header.

    Within the block, every ValueError becomes a ModelFileError that names the file.

    Args:
        path: of the file.

    Raises:
        ModelFileError: it cannot be read, or the header is not what it has to be.
    """
    try:
        with open_regular(path) as stream:
            yield ModelFile(stream)
    except (ValueError, OverflowError) as error:
        raise ModelFileError(f"{os.fspath(path)}: {error}") from error
    except RecursionError as error:
        raise ModelFileError(f"{os.fspath(path)}: the header is nested too deeply") from error
    except OSError as error:
        raise ModelFileError(f"{os.fspath(path)}: {reason(error)}") from error


@final
class ModelFile:
    """An open model file whose header is sound: its arrays fill the file without gap or overlap.

    Args:
        stream: the file, open for reading, at its beginning.

    Attributes:
        architecture: the JSON object of the metadata.
        notes: another one, empty if there is none.
        training: another one, of a checkpoint; None if this is none.

    Raises:
        ValueError: the header is not sound.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        header, self._data_start = _read_header(stream)
        metadata = self._metadata = _checked_metadata(header.pop("__metadata__", None))
        self.architecture = parse_object(metadata["architecture"], "the architecture")
        self.notes = parse_object(metadata.get("notes", "{}"), "the notes")
        training = metadata.get("training")
        self.training = None if training is None else parse_object(training, "the training")
        data_size = os.fstat(stream.fileno()).st_size - self._data_start
        self._entries = {name: _Entry.parse(name, entry) for name, entry in header.items()}
        _check_layout(self._entries, data_size)

    def require(self, shapes: Mapping[str, Shape], dtype: DType) -> None:
        """Compare what is in the file with what should be, and with what was written.

        Args:
            shapes: of all parameters, by name.
            dtype: of all of them.

        Raises:
            ValueError: something is missing, unknown, or of another shape or type; or a bit of it
                is not the one that was written.
        """
        found = self._entries.keys() - self._training_names()
        missing, unknown = shapes.keys() - found, found - shapes.keys()
        if missing or unknown:
            raise ValueError(
                f"the parameters are not those of the architecture: missing are "
                f"{_few(missing)}, unknown are {_few(unknown)}"
            )
        for name, shape in shapes.items():
            entry = self._entries[name]
            if entry.shape != shape:
                raise ValueError(f"{name} has shape {entry.shape}, the architecture says {shape}")
            if entry.dtype != dtype:
                raise ValueError(f"{name} has dtype {entry.dtype}, the architecture says {dtype}")
        self._require_checksum("crc32.parameters", found)

    def read(self, name: str) -> Array:
        """Read one array; to be called after `require`.

        Raises:
            ValueError: the file has become shorter meanwhile.
        """
        entry = self._entries[name]
        array = np.empty(entry.shape, entry.dtype)
        self._stream.seek(self._data_start + entry.begin)
        if self._stream.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
            raise ValueError(f"the file ends within {name}")
        return array.astype(entry.dtype.newbyteorder("="), copy=False)

    def training_arrays(self) -> dict[str, tuple[Shape, DType]]:
        """Tell what other arrays a checkpoint has, to be compared before they are read."""
        entries = {name: self._entries[name] for name in self._training_names()}
        return {
            name.removeprefix(TRAINING): (entry.shape, entry.dtype)
            for name, entry in entries.items()
        }

    def read_training(self) -> dict[str, Array]:
        """Read a checkpoint's other arrays, once they have been compared with what they can be.

        Raises:
            ValueError: a bit of them is not the one that was written, or the file has become
                shorter meanwhile.
        """
        self._require_checksum("crc32.training", self._training_names())
        return {name.removeprefix(TRAINING): self.read(name) for name in self._training_names()}

    def _training_names(self) -> list[str]:
        if self.training is None:
            return []
        return [name for name in self._entries if name.startswith(TRAINING)]

    def _require_checksum(self, key: str, names: Iterable[str]) -> None:
        _compare(self._metadata.get(key), self._parts(names))

    def _parts(self, names: Iterable[str]) -> Iterator[bytes]:
        """Give what a checksum is of, a little at a time."""
        for name in sorted(names):
            yield _utf8(name)
            entry = self._entries[name]
            self._stream.seek(self._data_start + entry.begin)
            for start in range(entry.begin, entry.end, _PIECE):
                yield self._stream.read(min(_PIECE, entry.end - start))


class _Entry(NamedTuple):
    """What the header says of one array; begin and end count from the end of the header."""

    dtype: DType
    shape: Shape
    begin: int
    end: int

    @classmethod
    def parse(cls, name: str, entry: object) -> "_Entry":
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            raise ValueError(f"the header's entry of {brief(name)} is malformed")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            raise ValueError(f"{brief(name)} has dtype {brief(dtype)}, expected F32 or F64")
        if not (_are_sizes(shape) and _are_sizes(offsets) and len(offsets) == 2):
            raise ValueError(f"the header's entry of {brief(name)} is malformed")
        if len(shape) > MOST_AXES:
            raise ValueError(f"{brief(name)} has {len(shape)} axes, expected {MOST_AXES} at most")
        begin, end = offsets
        return cls(_DTYPES[dtype], tuple(shape), begin, end)


def _read_header(stream: io.BufferedReader) -> tuple[dict[str, Any], int]:
    """Read the JSON at the beginning; return it, and where it ends."""
    size = os.fstat(stream.fileno()).st_size
    length = int.from_bytes(stream.read(8), "little")
    if size < 8 or length > size - 8:
        raise ValueError(
            f"this is no safetensors file, or it is cut off ({size} bytes); expected one that "
            "NeuralNetwork.save or Checkpoint has written"
        )
    if length > HEADER_LIMIT:
        raise ValueError(f"the header claims {length} bytes, more than the limit {HEADER_LIMIT}")
    header = parse_object(stream.read(length), "the header")
    return header, 8 + length


def _checked_metadata(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT["format"]:
        raise ValueError("this file was not written by diglot: it has no architecture")
    if metadata.get("version") != FORMAT["version"]:
        raise ValueError(
            f"the file has version {brief(metadata.get('version'))}, this diglot reads version "
            f"{FORMAT['version']}"
        )
    required = {*FORMAT, "architecture"}
    if metadata.keys() - {"notes", "training", *_CHECKSUMS} != required or not all(
        isinstance(text, str) for text in metadata.values()
    ):
        raise ValueError(
            "the metadata must hold format, version and architecture, perhaps notes, a training "
            "and checksums, and no more"
        )
    _compare(metadata.get("crc32"), _texts({k: v for k, v in metadata.items() if k != "crc32"}))
    return metadata


def _plain(array: Array) -> Array:
    """Lay an array out as it will be in the file."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _written(arrays: Mapping[str, Array], *, training: bool) -> Iterator[bytes | memoryview]:
    """Give what a checksum is of: names and bytes, in an order that is not the file's."""
    for name in sorted(arrays):
        if name.startswith(TRAINING) == training:
            yield _utf8(name)
            yield arrays[name].data


def _texts(metadata: Mapping[str, str]) -> Iterator[bytes]:
    return (_utf8(f"{name}={metadata[name]}") for name in sorted(metadata))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _checksum(parts: Iterable[bytes | memoryview]) -> str:
    value = 0
    for part in parts:
        value = zlib.crc32(part, value)
    return f"{value:08x}"


def _compare(written: str | None, parts: Iterable[bytes]) -> None:
    """Require that what is there has the checksum of what was written, if that is known."""
    if written is not None and (found := _checksum(parts)) != written:
        raise ValueError(
            f"the file is damaged: the checksum of what it holds is {found}, of what was written "
            f"it was {brief(written)}; take another copy of it"
        )


def _check_layout(entries: Mapping[str, _Entry], data_size: int) -> None:
    """Require that the arrays fill the file, one after the other."""
    position = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1][2:]):
        if entry.begin != position:
            raise ValueError(
                f"{brief(name)} begins at byte {entry.begin}, expected {position}: arrays "
                "overlap or leave a gap"
            )
        if entry.end - entry.begin != prod(entry.shape) * entry.dtype.itemsize:
            raise ValueError(
                f"{brief(name)} has {entry.end - entry.begin} bytes, which is not its shape "
                f"{brief(entry.shape)} in {entry.dtype}"
            )
        position = entry.end
    if position != data_size:
        raise ValueError(f"the file has {data_size} bytes of numbers, the header says {position}")


def _are_sizes(values: object) -> bool:
    return isinstance(values, list) and all(type(v) is int and 0 <= v < 1 << 63 for v in values)


def _few(names: set[str]) -> str:
    shown = [brief(name) for name in sorted(names)[:3]]
    return ", ".join([*shown, f"and {len(names) - 3} more"] if len(names) > 3 else shown) or "none"

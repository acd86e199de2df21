"""The table of hostile files: what somebody may have put where a file is expected.

A row names a loader, says what is wrong with the file, makes it, and gives a piece of the message
by which it is refused. All rows run in a child that has 50 MB: see `test_hostile_files.py`.
"""

import gzip
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hostile_models import CHECKPOINTS, MODELS
from loading import Loader, put

MODEL_LIKE = ("model", "checkpoint")
MB = 1 << 20


class Row(NamedTuple):
    """One hostile file.

    Attributes:
        loader: by name.
        what: is wrong with it.
        make: puts it at a path; it is given a file that is right.
        message: a piece of the refusal's.
    """

    loader: str
    what: str
    make: Callable[[Path, bytes], object]
    message: str


def content(change: Callable[[bytes], bytes]) -> Callable[[Path, bytes], object]:
    """Make a row's file from one that is right."""
    return lambda path, good: put(path, change(good))


def sparse(head: bytes, size: int) -> Callable[[Path, bytes], object]:
    """Make a file of so many bytes that are zeros, and take no room, but for the first ones."""

    def make(path: Path, good: bytes) -> None:
        put(path, head)
        os.truncate(path, size)

    return make


def packed_zeros(head: bytes, size: int) -> bytes:
    """Pack so many zeros behind a head: a thousandth of their size."""
    squeeze = zlib.compressobj(6, zlib.DEFLATED, 31)
    parts = [squeeze.compress(head)]
    parts += [squeeze.compress(bytes(MB)) for _ in range(size // MB)]
    return b"".join([*parts, squeeze.flush()])


def idx(code: int, *sizes: int, rank: int | None = None) -> bytes:
    rank = len(sizes) if rank is None else rank
    return bytes([0, 0, code, rank]) + struct.pack(f">{len(sizes)}I", *sizes)


def _symlink_to(target: str) -> Callable[[Path, bytes], object]:
    return lambda path, good: path.symlink_to(target)


_FOLDER = "Is a directory; give the path of a file"

NO_FILES: dict[str, tuple[Callable[[Path, bytes], object], str]] = {
    "nothing": (lambda path, good: None, "No such file"),
    "a folder": (lambda path, good: path.mkdir(), _FOLDER),
    "a pipe that nobody writes to": (lambda path, good: os.mkfifo(path), "no regular file"),
    "a link to a device that never ends": (_symlink_to("/dev/zero"), "no regular file"),
    "a link to chance": (_symlink_to("/dev/urandom"), "no regular file"),
    "a link to itself": (lambda path, good: path.symlink_to(path.name), "symbolic links"),
    "a link that leads nowhere": (_symlink_to("absent"), "No such file"),
}
"""What is no file at all."""

IDX: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "begins with nothing"),
    "half a magic": (b"\0\0", "not an IDX file"),
    "another magic": (b"\1\0\x08\1", "not an IDX file"),
    "a type that is none": (idx(10, 1) + b"\0", "not an IDX file"),
    "no axes": (idx(8), "claims 0 axes"),
    "255 axes": (idx(8, 1, rank=255), "claims 255 axes"),
    "fewer sizes than axes": (idx(8, 1, rank=2), "ends too early"),
    "4 GB": (idx(8, 2**32 - 1), "the limit is"),
    "a negative size": (idx(14, 2**31), "the limit is"),
    "a product beyond 2^63": (idx(8, 2**31, 2**32 - 1), "the limit is"),
    "a product that is 0 modulo 2^64": (idx(8, 2**31, 2**31, 4), "the limit is"),
    "a product beyond 2^64 of nothing": (idx(8, 0, 2**32 - 1, 2**32 - 1, 2**32 - 1), "too large"),
    "a byte too few": (idx(8, 3) + b"ab", "ends too early"),
    "a byte too many": (idx(8, 3) + b"abcd", "bytes left over"),
    "another type than the bytes": (idx(14, 3) + b"abc", "ends too early"),
    "16 MB that are not there": (idx(8, 1 << 24), "ends too early"),
}

TEXTS: dict[str, tuple[Callable[[Path, bytes], object], str]] = {
    "empty": (content(lambda good: b""), "is empty"),
    "a byte order mark alone": (content(lambda good: b"\xef\xbb\xbf"), "is empty"),
    "Latin-1": (content(lambda good: b"caf\xe9"), "byte 0xe9 at position 3"),
    "UTF-16": (content(lambda good: "text".encode("utf-16")), "UTF-16"),
    "half a character": (content(lambda good: b"ab\xf0\x9f\x98"), "byte 0xf0 at position 2"),
    "a lone surrogate": (content(lambda good: b"\xed\xa0\x80"), "byte 0xed at position 0"),
    "two bytes for a NUL": (content(lambda good: b"a\xc0\x80"), "byte 0xc0 at position 1"),
    "2 TB": (sparse(b"text", 1 << 41), "the limit is max_bytes"),
    "100 MB whose last byte is wrong": (
        lambda path, good: put(path, bytes(100 * MB) + b"\xff"),
        f"byte 0xff at position {100 * MB}",
    ),
}

VOCABULARIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not JSON"),
    "no text": (b'"\xff"', "not JSON"),
    "a list": (b"[]", "expected a description"),
    "half": (b'{"type": "Vocab', "not JSON"),
    "more behind": (b'{"type": "Vocabulary", "characters": "a"} 1', "not JSON"),
    "a key twice": (b'{"type": "Vocabulary", "characters": "a", "characters": "b"}', "key twice"),
    "an unknown key": (b'{"type": "Vocabulary", "characters": "a", "b": 1}', "no argument 'b'"),
    "a missing key": (b'{"type": "Vocabulary"}', "lacks its argument"),
    "no order": (b'{"type": "Vocabulary", "characters": "ba"}', "sorted and different"),
    "a character twice": (b'{"type": "Vocabulary", "characters": "aa"}', "sorted and different"),
    "no characters": (b'{"type": "Vocabulary", "characters": ""}', "at least one"),
    "a number": (b'{"type": "Vocabulary", "characters": 1e400}', "1e400"),
    "NaN": (b'{"type": "Vocabulary", "characters": NaN}', "NaN"),
    "a huge integer": (b'{"type": "Vocabulary", "characters": %s}' % (b"9" * 5000), "digits"),
    "nested deeply": (b"[" * 50_000, "nested too deeply"),
    "a megabyte of nested lists": ((b"[" * 500 + b"]" * 500 + b",") * 1000, "lists and objects"),
    "a megabyte of objects": (b"[" + b'{"":0},' * 140_000, "lists and objects"),
    "a megabyte of numbers": (b"[" + b"300," * 250_000 + b"0]", "expected a description"),
    "a megabyte of one character": (
        b'{"type": "Vocabulary", "characters": "%s"}' % ("\U0001f600".encode() * 260_000),
        "sorted and different",
    ),
}

LOGS: dict[str, dict[str, tuple[bytes, str]]] = {
    "CSV log": {
        "another table": (b"a,b\n1,2\n", "epoch is None"),
        "no text": (b"epoch,step\n\xff,1\n", "codec"),
        "an epoch that is none": (b"epoch,step\none,1\n", "invalid literal"),
        "an epoch of 5000 digits": (b"epoch,step\n%s,1\n" % (b"9" * 5000), "digits"),
        "a loss that is none": (b"epoch,step,loss\n1,1,x\n", "could not convert"),
        "a quote that never ends": (b'epoch,step\n"' + b"1\n" * 80_000, "field"),
        "a line of 50 MB": (b"epoch,step\n" + b"1" * 50_000_000, "a line has more than"),
    },
    "JSON log": {
        "a list": (b"[1]\n", "a row is [1]"),
        "an empty line": (b"\n", "not JSON"),
        "no epoch": (b'{"step": 1}\n', "epoch is None"),
        "a list for an epoch": (b'{"epoch": [], "step": 1}\n', "epoch is []"),
        "a list for a loss": (b'{"epoch": 1, "step": 1, "loss": []}\n', "loss is []"),
        "an endless loss": (b'{"epoch": 1, "step": 1, "loss": 1e400}\n', "1e400"),
        "an endless step": (b'{"epoch": 1, "step": 1e400}\n', "1e400"),
        "a loss of 400 digits": (
            b'{"epoch": 1, "step": 1, "loss": %s}\n' % (b"9" * 400),
            "too large to convert",
        ),
        "nested deeply": (b"[" * 50_000 + b"\n", "nested too deeply"),
        "a key twice": (b'{"epoch": 1, "epoch": 1, "step": 1}\n', "key twice"),
    },
}

_HOUSE = ",".join(["1"] * 14)
HOUSES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "0 rows of numbers"),
    "no text": (b"\xff", "not a CSV file"),
    "a row too few": ("\n".join([_HOUSE] * 505).encode(), "505 rows"),
    "a row too many": ("\n".join([_HOUSE] * 507).encode(), "more than 506 rows"),
    "a cell too many": (f"{_HOUSE}\n{_HOUSE},1".encode(), "15 numbers"),
    "NaN": (f"{_HOUSE}\n{_HOUSE}".replace("\n1", "\nnan").encode(), "not all numbers"),
    "the same price everywhere": ("\n".join([_HOUSE] * 506).encode(), "in every row"),
    "huge numbers": ("\n".join([_HOUSE] * 505 + [_HOUSE[:-1] + "1e300"]).encode(), "beyond"),
    "a quote that never ends": (b'"' + b"1\n" * 80_000, "not a CSV file"),
    "a line of 50 MB": (b"1" * 50_000_000, "the limit is"),
}


def _shared(loader: Loader) -> list[Row]:
    """Make the rows that every loader has."""
    words = {
        "text": {"No such file": "no file and no text"},
        "checkpoint": {_FOLDER: "no checkpoint in this folder"},
    }.get(loader.name, {})
    rows = [
        Row(loader.name, what, make, words.get(message, message))
        for what, (make, message) in NO_FILES.items()
    ]
    if loader.name in ("idx", "idx.gz"):
        huge, where = 1 << 41, "not an IDX file"
        rows.append(Row(loader.name, "2 TB of zeros", sparse(b"", huge), where))
        rows.append(Row(loader.name, "2 TB that are left over", sparse(idx(8, 4), huge), "left"))
    elif loader.name in MODEL_LIKE:
        rows.append(Row(loader.name, "2 TB of zeros", sparse(b"", 1 << 41), "the header is not"))
        rows.append(Row(loader.name, "2 TB of header", sparse(b"\xff" * 5, 1 << 41), "the limit"))
    else:
        rows.append(Row(loader.name, "2 TB of zeros", sparse(b"", 1 << 41), "the limit is"))
    return rows


def rows(loaders: dict[str, Loader]) -> list[Row]:
    """Make the table."""
    found = []
    for name in ("model", "checkpoint", "idx", "idx.gz", "text", "vocabulary", "housing table"):
        found += _shared(loaders[name])
    for name in LOGS:
        for what, (make, message) in NO_FILES.items():
            if message != "No such file":  # a log is begun there
                found.append(Row(name, what, make, message))
    for what, (raw, message) in IDX.items():
        found.append(Row("idx", what, content(lambda good, raw=raw: raw), message))
        packed = gzip.compress(raw, mtime=0)
        found.append(Row("idx.gz", what, content(lambda good, raw=packed: raw), message))
    for size, what, claim, message in (
        (100 * MB, "which claims less", 12, "bytes left over"),
        (100 * MB, "which claims another megabyte", 101 * MB, "ends too early"),
        (100 * MB, "which claims a byte less", 100 * MB - 1, "bytes left over"),
        (30 * MB, "which claims a byte less", 30 * MB - 1, "bytes left over"),
    ):
        make = content(lambda good, size=size, claim=claim: packed_zeros(idx(8, claim), size))
        found.append(Row("idx.gz", f"a bomb of {size // MB} MB, {what}", make, message))
    for what, change, message in (
        ("the checksum is wrong", lambda good: good[:-8] + b"\0\0\0\0" + good[-4:], "CRC"),
        ("the length is wrong", lambda good: good[:-4] + b"\0\0\0\0", "Incorrect length"),
        ("cut off in its trailer", lambda good: good[:-5], "ended before"),
        ("cut off in its header", lambda good: good[:7], "ended before"),
        ("another method", lambda good: good[:2] + b"\7" + good[3:], "method"),
        ("more behind it", lambda good: good + b"more", "gzip"),
        ("an empty member", lambda good: gzip.compress(b""), "begins with nothing"),
    ):
        found.append(Row("idx.gz", what, content(change), message))
    found += [Row("text", what, *one) for what, one in TEXTS.items()]
    tables = {"vocabulary": VOCABULARIES, **LOGS, "housing table": HOUSES}
    tables |= {"model": MODELS, "checkpoint": CHECKPOINTS}
    for name, table in tables.items():
        for what, (raw, message) in table.items():
            change = raw if callable(raw) else lambda good, raw=raw: raw
            found.append(Row(name, what, content(change), message))
    return found

"""Files that are almost right: a valid one with a few changes, by the structure of its format.

`mutate(format, data, random)` is all there is. Hypothesis gives it a Random that it can shrink, the
fuzzer one with libFuzzer's seed, so both change files in the same ways.
"""

import gzip
import json
import struct
import zlib
from random import Random

import json_trees

INTEGERS = (
    0, 1, 2, 3, 7, 8, 9, 127, 128, 255, 256, 32767, 65535, 65536, 2**24, 2**31 - 1, 2**31,
    2**32 - 1, 2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
"""What breaks arithmetic: small ones, and those around a type's limits."""

PIECES = (
    *(b"", b"\0", b"\0\0\0\0", b"\xff", b"\xff\xff\xff\xff", b"\n", b"\r", b"\r\n", b"\t", b" "),
    *(b",", b'"', b"\\", b"{", b"}", b"[", b"]", b":", b"-", b".", b"0", b"9", b"e", b"1e400"),
    *(b"NaN", b"nan", b"Infinity", b"null", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xff\xfe", b"\xc3"),
    *(b"\xf0\x9f\x98\x80", b"\xc0\x80", b"\xe2\x80\xa8", b"\x85", b"\x0c", b"\x1a", b"\x1f\x8b"),
    *(b"9" * 400, b"9" * 5000, struct.pack("<f", float("nan")), struct.pack("<d", float("inf"))),
)
"""What parsers stumble over."""


def mutate(form: str, data: bytes, random: Random) -> bytes:
    """Change a file a little.

    Args:
        form: "safetensors", "json", "idx", "gzip" (an IDX file in it) or "text".
        data: any bytes; those that have not the form are changed as plain bytes.
        random: where every choice comes from.
    """
    if random.random() < 0.25:
        return change_bytes(data, random)
    try:
        return _FORMS[form](data, random)
    except (ArithmeticError, EOFError, LookupError, OSError, RecursionError, ValueError):
        return change_bytes(data, random)
    except (struct.error, zlib.error):
        return change_bytes(data, random)


def change_bytes(data: bytes, random: Random) -> bytes:
    """Flip bits, overwrite, insert, remove, double, move, cut off, append."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        start = random.randrange(len(changed) + 1)
        end = min(len(changed), start + random.choice((1, 1, 2, 4, 8, 16, 64, len(changed))))
        what = random.randrange(8)
        if what == 0 and start < len(changed):
            changed[start] ^= 1 << random.randrange(8)
        elif what == 1:
            changed[start:end] = _number(random, end - start)
        elif what == 2:
            changed[start:start] = random.choice(PIECES)
        elif what == 3:
            del changed[start:end]
        elif what == 4:
            changed[start:start] = changed[start:end]
        elif what == 5:
            piece = changed[start:end]
            del changed[start:end]
            place = random.randrange(len(changed) + 1)
            changed[place:place] = piece
        elif what == 6:
            del changed[start:]
        else:
            changed += random.choice(PIECES)
    return bytes(changed)


def _number(random: Random, size: int) -> bytes:
    order = random.choice(("little", "big"))
    return (random.choice(INTEGERS) % (1 << 8 * size)).to_bytes(size, order)


def _json(data: bytes, random: Random) -> bytes:
    tree = json_trees.parse(data.decode())
    for _ in range(random.choice((1, 1, 2, 4))):
        tree = json_trees.change(tree, random)
    return json_trees.write(tree).encode("utf-8", "surrogatepass")


def _safetensors(data: bytes, random: Random) -> bytes:
    """Change the header or the numbers; the header's length is mostly the true one."""
    length = int.from_bytes(data[:8], "little")
    header, numbers = data[8 : 8 + length], data[8 + length :]
    if random.random() < 0.8:
        header = _json(header, random)
    if random.random() < 0.25:
        numbers = change_bytes(numbers, random)
    length = len(header)
    if random.random() < 0.05:
        length = random.choice((length - 1, length + 1, *INTEGERS))
    return (length % 2**64).to_bytes(8, "little") + header + numbers


def _idx(data: bytes, random: Random) -> bytes:
    """Change the type, the rank, a size; or the elements."""
    rank = data[3]
    sizes = list(struct.unpack_from(f">{rank}I", data, 4))
    rest, kind = data[4 + 4 * rank :], data[2]
    what = random.randrange(6)
    if what == 0:
        kind = random.choice((8, 9, 10, 11, 12, 13, 14, 15))
    elif what == 1:
        rank = random.choice((0, rank - 1, rank + 1, 8, 9, 255)) % 256
    elif what == 2 and sizes:
        sizes[random.randrange(len(sizes))] = random.choice(INTEGERS) % 2**32
    elif what == 3:
        random.shuffle(sizes)
    elif what == 4:
        sizes.insert(random.randrange(len(sizes) + 1), random.choice((0, 1, 2**32 - 1)))
        rank = len(sizes) % 256
    else:
        rest = change_bytes(rest, random)
    header = bytes([*data[:2], kind, rank]) + struct.pack(f">{len(sizes)}I", *sizes)
    return header + rest


def _gzip(data: bytes, random: Random) -> bytes:
    """Change what is packed, or pack it in another way: as two members, with a false trailer."""
    plain = gzip.decompress(data)[: 1 << 20]
    what = random.randrange(6)
    if what == 0:
        packed = gzip.compress(plain, random.randrange(10), mtime=0)
        return packed[:-8] + change_bytes(packed[-8:], random)
    if what == 1:
        cut = random.randrange(len(plain) + 1)
        return gzip.compress(plain[:cut], mtime=0) + gzip.compress(plain[cut:], mtime=0)
    if what == 2:
        return gzip.compress(plain + bytes(random.choice((1, 1000, 1 << 20))), mtime=0)
    if what == 3:
        return change_bytes(data[:10], random) + data[10:]
    return gzip.compress(_idx(plain, random) if plain else b"", mtime=0)


def _text(data: bytes, random: Random) -> bytes:
    """Change lines: leave out, double, move, or change the bytes of one."""
    lines = data.splitlines(keepends=True)
    place = random.randrange(len(lines)) if lines else 0
    what = random.randrange(5)
    if what == 0 and lines:
        del lines[place]
    elif what == 1 and lines:
        lines[place:place] = [lines[place]] * random.choice((1, 2, 50))
    elif what == 2:
        random.shuffle(lines)
    elif what == 3 and lines:
        lines[place] = _cells(lines[place], random)
    elif lines:
        lines[place] = change_bytes(lines[place], random)
    return b"".join(lines)


def _cells(line: bytes, random: Random) -> bytes:
    """Change a line as JSON, if it is that, or else a cell between two commas."""
    try:
        json.loads(line)
        return _json(line, random) + b"\n"
    except ValueError:
        cells = line.rstrip(b"\n").split(b",")
        cells[random.randrange(len(cells))] = random.choice(
            (*PIECES, *(b"%d" % i for i in INTEGERS))
        )
        return b",".join(cells) + b"\n"


_FORMS = {
    "safetensors": _safetensors,
    "json": _json,
    "idx": _idx,
    "gzip": _gzip,
    "text": _text,
}

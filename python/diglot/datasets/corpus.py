"""Texts to learn from: one that comes with diglot, one that is downloaded, or any file."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, final

from diglot._typing import Array
from diglot.config import brief, integer, real
from diglot.datasets.files import FileSet, locate
from diglot.datasets.vocabulary import Vocabulary
from diglot.errors import DataError
from diglot.untrusted import open_regular, reason

_PIECE = 1 << 20  # bytes of a text that are looked at together

TINY_SHAKESPEARE = FileSet(
    folder="tinyshakespeare",
    mirrors=(
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/",
        "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt",
        "https://cdn.jsdelivr.net/gh/karpathy/char-rnn@master/data/tinyshakespeare/",
    ),
    sha256={"input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"},
)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Text:
    """A text, the vocabulary of its characters, and the tokens they turn it into.

    `len(corpus)` counts the characters. Nothing of it can be changed; the tokens are read-only.

    Args:
        name: what to call it.
        text: the characters.
        vocabulary: what the tokens are numbered by; by default that of the text itself.

    Raises:
        DataError: the text is empty, or has a character that the vocabulary lacks.
    """

    name: str
    text: str
    vocabulary: Vocabulary = None  # type: ignore[assignment]  # until __post_init__

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise DataError(f"text is {brief(self.text)}, expected a str")
        if not self.text:
            raise DataError(f"{self.name} is empty: there is nothing to learn from")
        if self.vocabulary is None:
            object.__setattr__(self, "vocabulary", Vocabulary.from_text(self.text))
        self.tokens.setflags(write=False)  # they are computed here: what is wrong is found at once

    @cached_property
    def tokens(self) -> Array:
        """The text as int64 tokens, (len(corpus),)."""
        return self.vocabulary.encode(self.text)

    def __len__(self) -> int:
        return len(self.text)

    def __repr__(self) -> str:
        return f"Text({self.name!r}, {len(self)} characters, {len(self.vocabulary)} different)"

    def split(self, fraction: float = 0.9) -> tuple[Text, Text]:
        """Cut the text in two, by position: the beginning to train on, the end to validate with.

        Characters drawn at random would not do: each is known from its neighbours in the other
        part. Both parts keep the vocabulary of the whole.

        Args:
            fraction: the first part's share of the characters, above 0 and below 1; it is rounded
                down to whole characters.

        Returns:
            The two parts: `train, validation = corpus.split(0.8)`.

        Raises:
            DataError: the fraction is no such share, or a part would be empty.
        """
        if not 0 < real("fraction", fraction) < 1:
            raise DataError(f"fraction is {fraction}, expected a share between 0 and 1")
        cut = int(fraction * len(self))
        if not 0 < cut < len(self):
            raise DataError(
                f"{self.name} has {len(self)} characters, too few for a part of {fraction:g}: one "
                "part would be empty; take a longer text, or another fraction"
            )
        return (
            Text(f"{self.name}, beginning", self.text[:cut], self.vocabulary),
            Text(f"{self.name}, end", self.text[cut:], self.vocabulary),
        )


def text(
    path_or_name: str | os.PathLike[str] = "alice",
    *,
    length: int | None = None,
    max_bytes: int = 1 << 30,
) -> Text:
    """Load a text to train a language model on.

    "alice" comes with diglot: *Alice's Adventures in Wonderland*, 148 425 characters, 70 different
    ones. "tiny_shakespeare" is 40 000 lines of the plays, 1 115 394 characters, 65 different ones;
    it is read from $DIGLOT_DATA/tinyshakespeare/input.txt if that environment variable is set,
    otherwise downloaded once (1.1 MB) and kept in the user's cache folder; it is checked against
    its sha256. Anything else is the path of a file in UTF-8 ("./alice" is a file of that name).
    Line ends become "\\n", and a byte order mark is left out, so that a text has the same tokens
    wherever it was written.

    Args:
        path_or_name: "alice", "tiny_shakespeare", or the path of a file.
        length: only so many characters from the beginning; None is all of them.
        max_bytes: the largest file to read.

    Returns:
        The text, its vocabulary (of the characters up to `length`) and its tokens.

    Raises:
        DataError: there is no such file or name, the file is empty, too large or not UTF-8, no
            mirror serves it, or it has fewer characters than `length`.

    Book: chapter 6. Source: Carroll 1865 (public domain); Karpathy 2015, char-rnn (public domain).
    """
    if not isinstance(path_or_name, str | os.PathLike):
        raise DataError(f"a text is {brief(path_or_name)}, expected a path or one of {_names()}")
    if length is not None:
        length = integer("length", length)
    read = _CORPORA.get(path_or_name) if isinstance(path_or_name, str) else None
    if read is not None:
        name, content = str(path_or_name), read()
    else:
        path = Path(path_or_name)
        name, content = path.name, _read_file(path, integer("max_bytes", max_bytes))
        if not content:
            raise DataError(f"{path} is empty: there is nothing to learn from")
    if length is not None and len(content) < length:
        raise DataError(f"{name} has {len(content)} characters, fewer than length={length}")
    return Text(name, content[:length])


def _alice() -> str:
    import gzip  # here, as most programs read no such file

    path = Path(__file__).parent / "alice" / "alice.txt.gz"
    return gzip.decompress(path.read_bytes()).decode("ascii")


def _tiny_shakespeare() -> str:
    return _read_file(locate(TINY_SHAKESPEARE, "input.txt"), 1 << 21)


_CORPORA: Mapping[str, Callable[[], str]] = {
    "alice": _alice,
    "tiny_shakespeare": _tiny_shakespeare,
}


def _read_file(path: Path, max_bytes: int) -> str:
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes:
                raise DataError(f"{path} has {size} bytes, the limit is max_bytes={max_bytes}")
            _check_utf_8(file, path)
            file.seek(0)
            content = file.read(size).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(
            f"no file and no text is called {brief(str(path))}; {_near(path)}expected the path of "
            f"a UTF-8 file, or one of {_names()}"
        ) from error
    except OSError as error:  # a folder, a pipe, no permission; a path with a NUL in it
        raise DataError(f"{brief(str(path))} cannot be read: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} has changed while it was read: {error}") from error
    return content.replace("\r\n", "\n").replace("\r", "\n")


def _check_utf_8(file: BinaryIO, path: Path) -> None:
    """Refuse what is not UTF-8, piece by piece, before there is memory for the whole."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    position, line, begins = 0, 1, file.read(2)
    file.seek(0)
    while True:
        piece = file.read(_PIECE)
        kept = decoder.getstate()[0]  # the beginning of a character
        try:
            decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            at = error.start
            position += at - len(kept)
            line += (kept + piece).count(b"\n", 0, at)
            guess = "UTF-16" if begins in (b"\xff\xfe", b"\xfe\xff") else "Latin-1, for example"
            raise DataError(
                f"{path} is not UTF-8: byte 0x{error.object[at]:02x} at position {position} (line "
                f"{line}) does not belong there. Save it as UTF-8, or read it with the encoding "
                f"that it has ({guess}) and make a diglot.datasets.Text(name, text)"
            ) from error
        if not piece:
            return
        position, line = position + len(piece), line + piece.count(b"\n")


def _near(path: Path) -> str:
    """Suggest what was meant: one of the texts, or a file beside the one that is missing."""
    import difflib

    near = list(difflib.get_close_matches(str(path), _CORPORA, n=1))
    try:
        beside = {entry.name: entry for entry in path.parent.iterdir() if entry.is_file()}
    except OSError:
        beside = {}
    near += [str(beside[name]) for name in difflib.get_close_matches(path.name, beside, n=2)]
    return f"did you mean {' or '.join(map(repr, near))}? " if near else ""


def _names() -> str:
    return " and ".join(map(repr, _CORPORA))

"""The characters of a text, numbered: the way from text to tokens and back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Self, final

import numpy as np

from diglot._arrays import plain_array
from diglot._typing import Array
from diglot.atomic import write_atomically
from diglot.config import Configured, brief, build
from diglot.errors import DataError, ShapeError
from diglot.untrusted import parse_json, read_regular, reason

_LIMIT = 1 << 20  # the largest file, in bytes


@final
@dataclass(frozen=True, repr=False)
class Vocabulary(Configured):
    """Different characters in the order of their code points; a token is a character's position.

    The same set of characters gives the same tokens everywhere, so a model can be used with the
    text that it was trained on as long as the characters are known. Two vocabularies are equal if
    their characters are. `len(vocabulary)` counts them, and `"é" in vocabulary` looks one up.

    Args:
        characters: in order, each once; `Vocabulary.from_text` finds those of a text.

    Raises:
        DataError: there are none, or they are out of order.

    Book: chapter 6 (char_to_idx and idx_to_char, whose order is another in every run).
    """

    characters: str

    def __post_init__(self) -> None:
        if not isinstance(self.characters, str):
            raise DataError(f"characters are {brief(self.characters)}, expected a str")
        if not self.characters:
            raise DataError("a vocabulary needs at least one character")
        for i, (this, following) in enumerate(pairwise(self.characters)):
            if this >= following:
                raise DataError(
                    f"the characters of a vocabulary are sorted and different: {following!r} at "
                    f"position {i + 1} follows {this!r}; Vocabulary.from_text(…) puts them in order"
                )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Collect the characters of a text.

        Raises:
            DataError: the text is empty.
        """
        if not isinstance(text, str):
            raise DataError(f"text is {brief(text)}, expected a str")
        if not text:
            raise DataError("the text is empty: it has no characters to collect")
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1 and character in self.characters

    def encode(self, text: str) -> Array:
        """Turn a text into tokens.

        Args:
            text: any length, 0 included.

        Returns:
            tokens: int64, (len(text),), each in 0..len(vocabulary)-1.

        Raises:
            DataError: a character is not in the vocabulary; the message says which and where.
        """
        if not isinstance(text, str):
            raise DataError(f"text is {brief(text)}, expected a str")
        codes = _code_points(text)
        largest = len(self._token_of) - 1  # stands for all code points above the vocabulary's
        tokens: Array = self._token_of[np.minimum(codes, largest)]
        if tokens.size and tokens.min() < 0:
            position = int(tokens.argmin())
            raise DataError(
                f"the character {text[position]!r} at position {position} is not in the vocabulary "
                f"of {len(self)} characters, {brief(self.characters)}"
            )
        return tokens

    def decode(self, tokens: Array) -> str:
        """Turn tokens back into text.

        Args:
            tokens: integers, (N,).

        Raises:
            ShapeError: tokens are not one row.
            DataError: they are no integers, or one is outside 0..len(vocabulary)-1; the message
                says which and where.
        """
        tokens = plain_array("tokens", tokens)
        if tokens.ndim != 1:
            raise ShapeError(f"tokens have shape {tokens.shape}, expected (N,): decode row by row")
        if not tokens.size:
            return ""
        if tokens.dtype.kind not in "iu":
            raise DataError(f"tokens have dtype {tokens.dtype}, expected integers")
        outside = (tokens < 0) | (tokens >= len(self))
        if outside.any():
            position = int(outside.argmax())
            raise DataError(
                f"the token {tokens[position]} at position {position} is outside "
                f"0..{len(self) - 1}, the vocabulary's"
            )
        chosen: Array = self._code_of[tokens]
        return chosen.tobytes().decode("utf-32-le", "surrogatepass")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the vocabulary as a JSON file, `{"type": "Vocabulary", "characters": "…"}`.

        Raises:
            DataError: there are more characters than a file may have: some hundred thousand.
            OSError: the file cannot be written; the old one, if any, is still there.
        """
        content = json.dumps(self.config()) + "\n"
        if len(content) > _LIMIT:
            raise DataError(f"the file would have {len(content)} bytes, the limit is {_LIMIT}")
        write_atomically(Path(os.path.realpath(path)), content.encode("ascii"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """Read a file that `save` wrote.

        Raises:
            DataError: the file cannot be read, or holds something else.
        """
        try:
            content = read_regular(path, _LIMIT)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {reason(error)}") from error
        try:
            return cls.from_config(parse_json(content, "the file"))
        except ValueError as error:
            raise DataError(f"{path} holds no vocabulary: {error}") from error

    @classmethod
    def from_config(cls, config: Mapping[str, object]) -> Vocabulary:
        """Make the vocabulary that `config()` describes, by way of a model file for example.

        Raises:
            ValueError: it describes something else.
        """
        return build(config, {"Vocabulary": cls}, "vocabulary")

    @cached_property
    def _code_of(self) -> Array:
        return _code_points(self.characters)

    @cached_property
    def _token_of(self) -> Array:
        """The token of each code point, -1 where there is none; the last entry is such a one."""
        table = np.full(int(self._code_of[-1]) + 2, -1, np.int64)
        table[self._code_of] = np.arange(len(self))
        return table


def _code_points(text: str) -> Array:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")

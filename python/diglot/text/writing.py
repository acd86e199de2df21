"""A network writes: it reads the prompt, then each character that was drawn from what it predicts.

The network is known here by what is called of it, five methods. A stand-in of ten lines can take
its place, and tests do so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from diglot._typing import Array
from diglot.config import brief, checked_seed, integer
from diglot.datasets.vocabulary import Vocabulary
from diglot.errors import DataError, ShapeError
from diglot.text.sampling import check_settings, draw, next_token_probabilities

_PIECE = 256  # characters of the prompt at a time: a book as a prompt would fill the memory


class LanguageModel(Protocol):
    """What `generate` needs of a network; `diglot.NeuralNetwork` has it."""

    def predict(self, x: Array, /) -> Array:
        """Predict the logits (1, T, V) of the tokens that follow the tokens (1, T)."""

    def reset_state(self) -> Any:
        """Begin a text: the state of all recurrent layers is the initial one."""

    def get_state(self) -> Any:
        """Copy the state of all recurrent layers, in a form that only the network knows."""

    def set_state(self, state: Any, /) -> Any:
        """Put back a state that `get_state` returned."""

    def carrying_state(self) -> AbstractContextManager[Any]:
        """Within a `with` block, begin each call with the state that the last one left."""


def generate(
    network: LanguageModel,
    vocabulary: Vocabulary,
    prompt: str,
    length: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int | np.random.Generator | None = None,
) -> Iterator[str]:
    """Let a network continue a text, and yield the characters as they come.

        token ~ softmax(logits / temperature), perhaps of the top k or the nucleus alone

    Each character costs one step of the network, whose state remembers the text so far. Between two
    characters, the network has the state that it had before: it may be trained further, or write
    another text, and whoever stops early leaves nothing behind.

    Args:
        network: takes tokens (1, T), predicts logits (1, T, V).
        vocabulary: the one that the network was trained with; V is its length.
        prompt: the beginning, which is not repeated. Empty: a line break, as at the beginning of a
            line, or the vocabulary's first character if it has none.
        length: how many characters to write, at least 0.
        temperature: below 1 bolder, above 1 more varied; 0 always takes the most likely character,
            the first of equals.
        top_k: only from the k most likely characters.
        top_p: only from the most likely characters that have this share of the probability.
        seed: fixes the text: an integer, a Generator, or None for chance.

    Returns:
        An iterator over `length` characters.

    Raises:
        ValueError: at once, if an argument is wrong or the vocabulary lacks a character of the
            prompt; at the first character, if the network does not fit the vocabulary.

    Book: chapter 6 (sample_output). Source: Karpathy 2015, char-rnn.
    """
    if not isinstance(vocabulary, Vocabulary):
        raise DataError(f"vocabulary is {brief(vocabulary)}, expected a Vocabulary")
    check_settings(temperature, top_k, top_p, len(vocabulary))
    length = integer("length", length, least=0)
    rng = np.random.default_rng(checked_seed(seed))
    if prompt == "":
        prompt = "\n" if "\n" in vocabulary else vocabulary.characters[0]
    tokens = vocabulary.encode(prompt)

    def characters() -> Iterator[str]:
        reader, unread = _Reader(network, len(vocabulary)), tokens
        for _ in range(length):
            p = next_token_probabilities(
                reader.read(unread), temperature=temperature, top_k=top_k, top_p=top_p
            )
            token = draw(p, rng)
            unread = np.array([token])
            yield vocabulary.characters[token]

    return characters()


class _Reader:
    """A text that a network is reading: the state is here, but for the time of each call."""

    def __init__(self, network: LanguageModel, vocabulary_size: int) -> None:
        self._network = network
        self._size = vocabulary_size
        self._state: Any = None
        self._begun = False

    def read(self, tokens: Array) -> Array:
        """Read on, and return the logits (V,) of what follows the last token."""
        network = self._network
        before = network.get_state()
        try:
            with network.carrying_state():
                if self._begun:
                    network.set_state(self._state)
                else:
                    network.reset_state()
                for start in range(0, len(tokens), _PIECE):
                    logits = network.predict(tokens[None, start : start + _PIECE])
                self._state, self._begun = network.get_state(), True
        finally:
            network.set_state(before)
        return self._last_of(logits)

    def _last_of(self, logits: Array) -> Array:
        if logits.ndim != 3 or logits.shape[::2] != (1, self._size):
            raise ShapeError(
                f"the network predicts {logits.shape} for a row of tokens, expected (1, T, "
                f"{self._size}): one logit for each of the vocabulary's {self._size} characters"
            )
        last: Array = logits[0, -1]
        return last

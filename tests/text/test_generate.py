"""A network writes: what it is fed, what it remembers, and what it is left with."""

import math
from contextlib import contextmanager

import numpy as np
import pytest

import diglot
from diglot.datasets import Vocabulary
from diglot.errors import DataError, ShapeError
from diglot.text import generate

ABC = Vocabulary("\nabc")


class Fake:
    """A network of no layers: its logits are an injective function of all tokens it has read.

    The state is the text so far, so that what is forgotten or fed twice is seen in every logit.
    """

    def __init__(self, size=4, seed=0):
        self.size, self.seed = size, seed
        self.state = ()
        self.carrying = False
        self.fed = []

    def reset_state(self):
        self.state = ()

    def get_state(self):
        return self.state

    def set_state(self, state):
        self.state = state

    @contextmanager
    def carrying_state(self):
        assert not self.carrying
        self.carrying = True
        try:
            yield
        finally:
            self.carrying = False
            self.state = "left over"  # a network may do so: nobody may rely on it

    def predict(self, tokens):
        assert self.carrying
        assert tokens.shape[0] == 1
        assert tokens.dtype.kind == "i"
        self.fed.append(tokens.shape[1])
        rows = []
        for token in tokens[0]:
            self.state = (*self.state, int(token))
            rows.append(np.random.default_rng([self.seed, *self.state]).normal(size=self.size))
        return np.array([rows], np.float32)


def write(network, prompt="a", length=30, **settings):
    return "".join(generate(network, ABC, prompt, length, **{"seed": 1} | settings))


def naive(network, prompt, length, seed, choose):
    """Read the whole text again for every character, without any state."""
    rng, text = np.random.default_rng(seed), prompt
    for _ in range(length):
        tokens = [ABC.characters.index(character) for character in text]
        logits = np.random.default_rng([network.seed, *tokens]).normal(size=network.size)
        text += ABC.characters[choose(logits.astype(np.float32).astype(float), rng)]
    return text[len(prompt) :]


def sample(logits, rng):
    p = np.exp(logits) / np.exp(logits).sum()
    u = rng.random()
    return next(i for i in range(len(p)) if math.fsum(p[: i + 1]) > u)


class TestText:
    def test_is_what_reading_everything_again_would_give(self):
        assert write(Fake(), "cab") == naive(Fake(), "cab", 30, 1, sample)

    def test_the_most_likely(self):
        expected = naive(Fake(), "cab", 30, 1, lambda logits, rng: logits.argmax())
        assert write(Fake(), "cab", temperature=0) == expected
        assert write(Fake(), "cab", temperature=0, seed=99) == expected
        assert write(Fake(), "cab", top_k=1) == expected
        assert write(Fake(), "cab", top_p=1e-9) == expected

    def test_does_not_repeat_the_prompt_and_has_the_length(self):
        assert [len(write(Fake(), length=n)) for n in (0, 1, 7)] == [0, 1, 7]

    def test_the_seed_decides(self):
        assert write(Fake(), seed=1) == write(Fake(), seed=np.random.default_rng(1))
        assert write(Fake(), seed=1) != write(Fake(), seed=2)
        assert write(Fake(), seed=None) != write(Fake(), seed=None)

    def test_an_empty_prompt_is_a_line_break(self):
        assert write(Fake(), "") == write(Fake(), "\n")

    def test_or_the_first_character(self):
        letters = Vocabulary("abc")
        empty, first = (
            "".join(generate(Fake(3), letters, prompt, 20, seed=1)) for prompt in ("", "a")
        )
        assert empty == first

    def test_each_network_that_fits_the_vocabulary(self):
        vocabulary = Vocabulary("x")
        assert "".join(generate(Fake(1), vocabulary, "", 5)) == "xxxxx"


class TestSteps:
    def test_the_prompt_and_then_a_character_at_a_time(self):
        network = Fake()
        write(network, "abc", 4)
        assert network.fed == [3, 1, 1, 1]

    def test_characters_come_as_they_are_drawn(self):
        network = Fake()
        characters = generate(network, ABC, "a", 10)
        assert network.fed == []
        next(characters)
        assert network.fed == [1]
        next(characters)
        assert network.fed == [1, 1]

    def test_a_long_prompt_is_read_in_pieces(self):
        network = Fake()
        network.predict, whole = lambda tokens: whole_text(network, tokens), "abc" * 200
        text = write(network, whole, 5, temperature=0)
        assert max(network.fed) <= 256
        assert sum(network.fed) == 600 + 4
        network.fed.clear()
        short = write(network, whole[:200], 5, temperature=0)
        assert network.fed[0] == 200
        assert len(text) == len(short) == 5


def whole_text(network, tokens):
    """Predict as a Fake does, but quickly: from the length of the text alone."""
    network.fed.append(tokens.shape[1])
    ends = len(network.state) + 1 + np.arange(tokens.shape[1])
    network.state = (*network.state, *tokens[0].tolist())
    return np.cos(ends[None, :, None] * np.arange(1, network.size + 1))


class TestState:
    BEFORE = ("of", "a", "training")

    @pytest.fixture
    def network(self):
        network = Fake()
        network.state = self.BEFORE
        return network

    def test_what_was_read_before_does_not_matter(self, network):
        assert write(network) == write(Fake())

    def test_is_as_it_was_afterwards(self, network):
        write(network)
        assert network.state == self.BEFORE

    def test_is_as_it_was_between_two_characters(self, network):
        for _ in generate(network, ABC, "a", 5):
            assert network.state == self.BEFORE
            assert not network.carrying

    def test_and_if_the_caller_stops_early(self, network):
        characters = generate(network, ABC, "a", 100)
        next(characters)
        characters.close()
        assert network.state == self.BEFORE
        assert list(characters) == []

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ShapeError])
    def test_and_if_the_network_fails(self, network, error):
        read, network.predict = network.predict, None

        def fail_later(tokens):
            if network.fed:
                raise error
            return read(tokens)

        network.predict = fail_later
        characters = generate(network, ABC, "a", 100)
        next(characters)
        with pytest.raises(error):
            next(characters)
        assert network.state == self.BEFORE
        assert not network.carrying

    def test_two_texts_at_once(self, network):
        pair = zip(
            generate(network, ABC, "a", 20, seed=1),
            generate(network, ABC, "b", 20, seed=2),
            strict=True,
        )
        first, second = map("".join, zip(*pair, strict=True))
        assert first == write(Fake(), "a", 20, seed=1)
        assert second == write(Fake(), "b", 20, seed=2)

    def test_a_text_while_the_network_is_used(self, network):
        text = ""
        for character in generate(network, ABC, "a", 30, seed=1):
            text += character
            network.state = (*network.state, "more")  # another step of the training
        assert text == write(Fake())
        assert network.state == (*self.BEFORE, *["more"] * 30)


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"prompt": "abd"}, "the character 'd' at position 2 is not in the vocabulary"),
            ({"prompt": None}, "text is None, expected a str"),
            ({"prompt": 0}, "text is 0, expected a str"),
            ({"length": -1}, "length is -1, expected at least 0"),
            ({"length": 2.5}, "length is 2.5, expected an integer"),
            ({"temperature": -0.1}, "temperature is -0.1"),
            ({"top_k": 5}, "top_k is 5, expected 1 to 4, the size of the vocabulary"),
            ({"top_p": 0}, "top_p is 0"),
            ({"seed": "a"}, "seed is 'a'"),
            ({"vocabulary": "abc"}, "vocabulary is 'abc', expected a Vocabulary"),
        ],
    )
    def test_is_refused_before_the_first_character(self, arguments, message):
        network = Fake()
        good = {"network": network, "vocabulary": ABC, "prompt": "a", "length": 5}
        with pytest.raises(ValueError, match=message):
            generate(**good | arguments)
        assert network.fed == []

    @pytest.mark.parametrize(
        "logits",
        [np.zeros((1, 1, 5)), np.zeros((1, 4)), np.zeros((2, 1, 4)), np.zeros((1, 1, 1, 4))],
    )
    def test_a_network_that_does_not_fit_the_vocabulary(self, logits):
        network = Fake()
        network.predict = lambda tokens: logits
        with pytest.raises(ShapeError, match=r"expected \(1, T, 4\): one logit for each"):
            write(network)

    def test_a_network_that_diverged(self):
        network = Fake()
        network.predict = lambda tokens: np.full((1, 1, 4), np.nan)
        with pytest.raises(DataError, match="logits hold nan"):
            write(network)


def test_is_there_in_the_package():
    assert diglot.text.generate is generate
    assert diglot.text.Vocabulary is diglot.datasets.Vocabulary

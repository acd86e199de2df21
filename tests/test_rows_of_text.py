"""Rows cut from a text: what is input, what is target, what is dropped, and what is too short."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diglot import datasets
from diglot.errors import DataError, ShapeError

TOKENS = np.arange(100, 123)  # 23, each different

LONG_ENOUGH = st.tuples(st.integers(1, 12), st.integers(0, 60)).map(
    lambda p: (p[0], p[0] + 1 + p[1])
)


class TestStreams:
    def test_each_row_goes_on_where_it_is(self):
        x, y = datasets.streams(TOKENS, 3)  # 22 // 3 = 7 each, 1 dropped
        np.testing.assert_array_equal(x, TOKENS[:21].reshape(3, 7))
        np.testing.assert_array_equal(y, x + 1)

    @given(LONG_ENOUGH)
    def test_fewer_than_rows_are_dropped(self, sizes):
        rows, count = sizes
        tokens = np.arange(count)
        x, y = datasets.streams(tokens, rows)
        assert x.shape == y.shape == (rows, (count - 1) // rows)
        np.testing.assert_array_equal(x.ravel(), tokens[: x.size])
        np.testing.assert_array_equal(y, x + 1)
        assert 0 <= count - 1 - x.size < rows

    def test_are_views(self):
        assert all(np.shares_memory(part, TOKENS) for part in datasets.streams(TOKENS, 4))

    def test_of_a_text(self):
        x, y = datasets.streams(datasets.text().tokens, 32)
        assert x.shape == (32, 4638)
        np.testing.assert_array_equal(x[:, 1:], y[:, :-1])


class TestWindows:
    def test_each_is_a_piece_of_the_text(self):
        x, y = datasets.windows(TOKENS, 5, 200, np.random.default_rng(0))
        assert x.shape == y.shape == (200, 5)
        np.testing.assert_array_equal(np.diff(x), 1)
        np.testing.assert_array_equal(y, x + 1)
        assert set(x[:, 0]) == set(range(100, 118))  # 18 positions, the first and last included
        assert x.flags.c_contiguous
        assert y.flags.c_contiguous

    def test_positions_are_equally_likely(self):
        x, _ = datasets.windows(TOKENS[:11], 7, 40_000, 3)
        counts = np.bincount(x[:, 0] - 100)
        assert len(counts) == 4
        np.testing.assert_allclose(counts, 10_000, atol=5 * np.sqrt(7500))  # 5 deviations

    def test_the_seed_decides(self):
        first, again, other = (datasets.windows(TOKENS, 3, 50, seed)[0] for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_a_generator_goes_on(self):
        rng = np.random.default_rng(0)
        first, second = (datasets.windows(TOKENS, 3, 50, rng)[0] for _ in range(2))
        assert not np.array_equal(first, second)

    def test_are_copies(self):
        assert not any(np.shares_memory(part, TOKENS) for part in datasets.windows(TOKENS, 3, 4, 0))

    def test_the_only_window_there_is(self):
        x, y = datasets.windows(TOKENS, 22, 2, 0)
        np.testing.assert_array_equal(x, [TOKENS[:-1]] * 2)
        np.testing.assert_array_equal(y, [TOKENS[1:]] * 2)

    def test_a_seed_that_is_none(self):
        with pytest.raises(ValueError, match="seed is 'a'"):
            datasets.windows(TOKENS, 3, 4, "a")


class TestConsecutiveWindows:
    def test_erratum_15_every_character_is_predicted_once(self):
        x, y = datasets.consecutive_windows(TOKENS, 5)
        np.testing.assert_array_equal(x, TOKENS[:20].reshape(4, 5))  # the last 2 are dropped
        np.testing.assert_array_equal(np.sort(y.ravel()), np.unique(y))
        np.testing.assert_array_equal(y, x + 1)

    @given(LONG_ENOUGH)
    def test_less_than_a_window_is_dropped(self, sizes):
        length, count = sizes
        tokens = np.arange(count)
        x, y = datasets.consecutive_windows(tokens, length)
        assert x.shape == ((count - 1) // length, length)
        np.testing.assert_array_equal(x.ravel(), tokens[: x.size])
        np.testing.assert_array_equal(y, x + 1)
        assert 0 <= count - 1 - x.size < length

    def test_are_views(self):
        parts = datasets.consecutive_windows(TOKENS, 5)
        assert all(np.shares_memory(part, TOKENS) for part in parts)


CUTS = {
    "streams": lambda tokens, size=4: datasets.streams(tokens, size),
    "windows": lambda tokens, size=4: datasets.windows(tokens, size, 2, 0),
    "consecutive_windows": lambda tokens, size=4: datasets.consecutive_windows(tokens, size),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
class TestBadInput:
    @pytest.mark.parametrize("count", [0, 1, 4])
    def test_a_text_that_is_too_short(self, cut, count):
        message = f"the text has {count} characters, expected at least 5"
        with pytest.raises(DataError, match=message):
            cut(np.arange(count))
        assert cut(np.arange(5))[0].size >= 4

    @pytest.mark.parametrize("size", [0, -1, 2.5, "4", True, None])
    def test_a_size_that_is_none(self, cut, size):
        with pytest.raises(ValueError, match=r"(rows|length) is .*, expected"):
            cut(TOKENS, size)

    @pytest.mark.parametrize("tokens", ["to be or not", TOKENS / 1, TOKENS > 0, datasets.text()])
    def test_what_is_no_tokens(self, cut, tokens):
        with pytest.raises(DataError, match=r"expected integers: Vocabulary\.encode makes them"):
            cut(tokens)

    @pytest.mark.parametrize("tokens", [TOKENS[:20].reshape(4, 5), np.array(3)])
    def test_what_is_no_row(self, cut, tokens):
        with pytest.raises(ShapeError, match="one long row"):
            cut(tokens)

    def test_a_mask(self, cut):
        with pytest.raises(DataError, match="masked"):
            cut(np.ma.array(TOKENS, mask=TOKENS > 110))


@pytest.mark.parametrize("count", [0, 2.5, None])
def test_a_count_that_is_none(count):
    with pytest.raises(ValueError, match="count is"):
        datasets.windows(TOKENS, 3, count, 0)

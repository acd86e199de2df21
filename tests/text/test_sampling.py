"""From logits to probabilities, as mathematics: what is kept, exactly, and what it adds up to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diglot.errors import DataError, ShapeError
from diglot.text import keep_most_likely, keep_nucleus, next_token_probabilities
from diglot.text.sampling import draw

P = np.array([0.125, 0.5, 0.0625, 0.25, 0.0625])  # exact in binary; two are equal
LOGITS = np.log(P)

ROWS = st.lists(st.floats(-1e4, 1e4) | st.just(-np.inf), min_size=1, max_size=20)
SETTINGS = st.fixed_dictionaries(
    {
        "temperature": st.floats(0, 1e3),
        "top_k": st.none() | st.integers(1, 20),
        "top_p": st.none() | st.floats(0, 1, exclude_min=True),
    }
)


@given(ROWS, SETTINGS)
def test_probabilities_are_probabilities(logits, settings):
    logits = np.array(logits)
    if not np.isfinite(logits).any():
        logits[0] = 0
    if settings["top_k"] is not None:
        settings["top_k"] = min(settings["top_k"], len(logits))
    p = next_token_probabilities(logits, **settings)
    assert p.dtype == np.float64
    assert p.shape == logits.shape
    assert p.min() >= 0
    assert p.sum() == pytest.approx(1, abs=1e-14)
    assert p.max() > 0
    assert logits[p.argmax()] == pytest.approx(logits.max(), abs=1e-9 * settings["temperature"])
    assert not p[np.isneginf(logits)].any()
    if settings["top_k"] is not None:
        assert np.count_nonzero(p) <= settings["top_k"]


class TestTemperature:
    def test_1_is_softmax(self):
        np.testing.assert_allclose(next_token_probabilities(LOGITS), P, rtol=1e-15)
        np.testing.assert_allclose(next_token_probabilities(LOGITS + 1000), P, rtol=1e-12)

    def test_is_a_power_of_the_probabilities(self):
        for temperature in (0.5, 2.0):
            power = P ** (1 / temperature)
            p = next_token_probabilities(LOGITS, temperature=temperature)
            np.testing.assert_allclose(p, power / power.sum(), rtol=1e-14)

    def test_0_is_the_most_likely_and_the_first_of_equals(self):
        p = next_token_probabilities(np.array([1.0, 3.0, 3.0]), temperature=0)
        np.testing.assert_array_equal(p, [0, 1, 0])

    @pytest.mark.parametrize("temperature", [1e-3, 1e-300, 5e-324])
    def test_towards_0_it_shares_among_equals_and_does_not_overflow(self, temperature):
        p = next_token_probabilities(np.array([1.0, 3.0, 3.0, -np.inf]), temperature=temperature)
        np.testing.assert_array_equal(p, [0, 0.5, 0.5, 0])

    def test_a_high_one_makes_all_alike(self):
        p = next_token_probabilities(LOGITS, temperature=1e12)
        np.testing.assert_allclose(p, 0.2, rtol=1e-10)

    def test_is_computed_in_float64(self):
        logits = np.array([0, -80, 12], np.float32)
        exact = np.exp([0, -80, 12]) / np.exp([0.0, -80, 12]).sum()
        np.testing.assert_allclose(next_token_probabilities(logits), exact, rtol=1e-14)

    def test_logits_stay_what_they_were(self):
        logits = LOGITS.copy()
        next_token_probabilities(logits, temperature=0.5, top_k=2, top_p=0.5)
        np.testing.assert_array_equal(logits, LOGITS)


class TestTopK:
    @pytest.mark.parametrize(
        ("k", "kept"), [(1, [1]), (2, [1, 3]), (3, [0, 1, 3]), (4, [0, 1, 2, 3]), (5, range(5))]
    )
    def test_keeps_exactly_k_and_the_first_of_equals(self, k, kept):
        p = next_token_probabilities(LOGITS, top_k=k)
        np.testing.assert_array_equal(np.flatnonzero(p), kept)
        np.testing.assert_allclose(p[kept], P[kept] / P[kept].sum(), rtol=1e-14)
        np.testing.assert_array_equal(keep_most_likely(P, k), np.where(p > 0, P, 0) / P[kept].sum())

    def test_all_equal(self):
        np.testing.assert_array_equal(keep_most_likely(np.full(4, 0.25), 2), [0.5, 0.5, 0, 0])


class TestNucleus:
    @pytest.mark.parametrize(
        ("share", "kept"),
        [
            (1e-9, [1]),
            (0.5, [1]),  # reached exactly: no more is needed
            (np.nextafter(0.5, 1), [1, 3]),
            (0.75, [1, 3]),
            (0.875, [0, 1, 3]),
            (0.9, [0, 1, 2, 3]),  # the first of the two equals
            (0.9375, [0, 1, 2, 3]),
            (0.95, range(5)),
            (1, range(5)),
        ],
    )
    def test_is_the_smallest_set_that_has_the_share(self, share, kept):
        p = keep_nucleus(P, share)
        np.testing.assert_array_equal(np.flatnonzero(p), kept)
        np.testing.assert_allclose(p[kept], P[kept] / P[kept].sum(), rtol=1e-14)

    @given(st.lists(st.integers(1, 1000), min_size=1, max_size=9), st.floats(0.01, 0.99))
    def test_no_smaller_set_has_the_share(self, weights, share):
        p = np.array(weights) / sum(weights)
        kept = p[keep_nucleus(p, share) > 0]
        rest = p[keep_nucleus(p, share) == 0]
        assert kept.sum() >= share - 1e-12
        assert kept.sum() - kept.min() < share + 1e-12
        assert not rest.size or rest.max() <= kept.min()

    def test_1_keeps_even_what_rounding_would_lose(self):
        p = next_token_probabilities(np.array([0.0, -45.0, -700.0]), top_p=1)
        assert np.count_nonzero(p) == 3

    def test_is_that_of_the_top_k(self):
        # Of the top 2, the first has 2/3.
        p = next_token_probabilities(LOGITS, top_k=2, top_p=0.6)
        np.testing.assert_array_equal(p, [0, 1, 0, 0, 0])
        p = next_token_probabilities(LOGITS, top_k=2, top_p=0.7)
        np.testing.assert_allclose(p, [0, 2 / 3, 0, 1 / 3, 0], rtol=1e-14)


class TestBadInput:
    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"temperature": -1}, r"temperature is -1.0, expected a finite number >= 0"),
            ({"temperature": float("nan")}, "temperature is nan"),
            ({"temperature": float("inf")}, "temperature is inf"),
            ({"temperature": "hot"}, "temperature is 'hot', expected a number"),
            ({"temperature": None}, "temperature is None"),
            ({"top_k": 0}, "top_k is 0, expected at least 1"),
            ({"top_k": 6}, "top_k is 6, expected 1 to 5, the size of the vocabulary"),
            ({"top_k": 2.5}, "top_k is 2.5, expected an integer"),
            ({"top_p": 0}, "top_p is 0, expected above 0"),
            ({"top_p": 1.01}, "top_p is 1.01, expected above 0 and at most 1"),
            ({"top_p": float("nan")}, "top_p is nan"),
            ({"top_p": "most"}, "top_p is 'most'"),
        ],
    )
    def test_settings(self, settings, message):
        with pytest.raises(ValueError, match=message):
            next_token_probabilities(LOGITS, **settings)

    @pytest.mark.parametrize(
        ("logits", "message"),
        [
            ([0.0, np.nan], "logits hold nan"),
            ([0.0, np.inf], "logits hold inf"),
            ([-np.inf, -np.inf], "no token can follow"),
            (["a", "b"], "expected real numbers"),
            ([1j, 0], "expected real numbers"),
        ],
    )
    def test_logits(self, logits, message):
        with pytest.raises(DataError, match=message):
            next_token_probabilities(np.array(logits))

    @pytest.mark.parametrize("logits", [np.zeros((1, 5)), np.zeros(0), np.array(1.0)])
    def test_shapes(self, logits):
        with pytest.raises(ShapeError, match=r"expected \(V,\), those of one step"):
            next_token_probabilities(logits)

    def test_the_parts_alone(self):
        with pytest.raises(ValueError, match="k is 0"):
            keep_most_likely(P, 0)
        for share in (0, -1, 2, float("nan")):
            with pytest.raises(ValueError, match="share is"):
                keep_nucleus(P, share)


class _Fixed:
    """In the place of a Generator: draws a number that was chosen."""

    def __init__(self, number):
        self.random = lambda: number


class TestDraw:
    def test_frequencies_are_the_probabilities(self, rng):
        p = np.array([0.0, 0.2, 0.0, 0.7, 0.1, 0.0])
        counts = np.bincount([draw(p, rng) for _ in range(20_000)], minlength=6)
        assert not counts[p == 0].any()
        np.testing.assert_allclose(counts / 20_000, p, atol=5 * np.sqrt(0.25 / 20_000))

    @pytest.mark.parametrize(
        ("number", "token"),
        [(0.0, 1), (0.2499, 1), (0.25, 3), (0.999, 3), (np.nextafter(1.0, 0.0), 3)],
    )
    def test_ends_of_the_range(self, number, token):
        assert draw(np.array([0, 0.25, 0, 0.75, 0]), _Fixed(number)) == token

    @given(st.lists(st.floats(0, 1), min_size=1, max_size=50).filter(sum))
    def test_never_falls_off_the_end(self, weights):
        p = np.array(weights) / sum(weights)
        for number in (0.0, np.nextafter(1.0, 0.0)):
            assert p[draw(p, _Fixed(number))] > 0

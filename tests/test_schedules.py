"""Schedules, against the formulas of the book and of their papers."""

import math
from itertools import pairwise

import pytest

from diglot.schedules import Constant, Cosine, Exponential, Linear, Schedule, Step, WarmUp


def values(schedule: Schedule, total: int, count: int | None = None) -> list[float]:
    return [schedule.value(step, total) for step in range(count or total)]


def test_constant() -> None:
    assert values(Constant(0.3), 3) == [0.3, 0.3, 0.3]


def test_linear_falls_by_the_books_difference() -> None:
    rates = values(Linear(0.15, 0.05), 50)
    assert rates[0] == 0.15
    assert rates[-1] == pytest.approx(0.05)
    differences = [a - b for a, b in pairwise(rates)]
    assert differences == pytest.approx([(0.15 - 0.05) / 49] * 49)


def test_exponential_falls_by_the_books_factor() -> None:
    rates = values(Exponential(0.2, 0.05), 50)
    assert rates[0] == 0.2
    assert rates[-1] == pytest.approx(0.05)
    ratios = [b / a for a, b in pairwise(rates)]
    assert ratios == pytest.approx([(0.05 / 0.2) ** (1 / 49)] * 49)


def test_step() -> None:
    assert values(Step(0.8, 0.5, every=2), 5) == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2])


def test_cosine() -> None:
    rates = values(Cosine(1.0, 0.2), 11)
    assert rates[0] == 1.0
    assert rates[5] == pytest.approx(0.6)
    assert rates[10] == pytest.approx(0.2)
    assert rates == sorted(rates, reverse=True)
    assert rates[2] == pytest.approx(0.2 + 0.8 * (1 + math.cos(0.2 * math.pi)) / 2)


def test_warm_up_then_a_number() -> None:
    assert values(WarmUp(3, 0.4), 6) == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_warm_up_then_a_schedule_from_its_beginning() -> None:
    rates = values(WarmUp(3, Linear(0.4, 0.1)), 7)
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.3, 0.2, 0.1])
    assert values(WarmUp(0, Linear(0.4, 0.1)), 4) == pytest.approx([0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize("make", [Linear, Exponential, Cosine])
class TestLength:
    def test_past_the_end_the_last_value_stays(self, make) -> None:
        assert values(make(0.4, 0.1), 5, 9)[4:] == pytest.approx([0.1] * 5)

    def test_steps_win_over_the_total(self, make) -> None:
        assert values(make(0.4, 0.1, steps=3), 100, 4) == values(make(0.4, 0.1), 3, 4)

    def test_a_single_step_is_the_first(self, make) -> None:
        assert make(0.4, 0.1).value(0, 1) == 0.4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(-0.1), "rate is -0.1"),
        (lambda: Linear(0.1, math.nan), "final is nan"),
        (lambda: Linear(math.inf, 0.1), "initial is inf"),
        (lambda: Exponential(0.1, 0.0), "final is 0.0, expected a number above 0"),
        (lambda: Step(0.1, 0.5, every=0), "every is 0"),
        (lambda: Step(0.1, 0.0, every=2), "factor is 0.0"),
        (lambda: Cosine(0.1, steps=2.5), "steps is 2.5"),
        (lambda: WarmUp(-1, 0.1), "steps is -1"),
        (lambda: WarmUp(2, -0.1), "then is -0.1"),
        (lambda: Cosine(0.1, per="minute"), "'minute', expected 'epoch' or 'batch'"),
        (lambda: WarmUp(2, Cosine(0.1), per="batch"), "give both the same"),
    ],
)
def test_bad_settings(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_repr_shows_what_is_not_the_default() -> None:
    assert repr(Cosine(0.1, per="batch")) == "Cosine(0.1, per='batch')"

"""An entry of the gallery: two pieces of code, a check that tells them apart, a training."""

from __future__ import annotations

import inspect
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Literal, TypeAlias, TypeVar, final

from diglot.errors import GradientError

T = TypeVar("T")

BEYOND = "beyond the book"
"""Where a mistake is seen that is none of the book's."""

SEEDS = (0, 1, 2)
"""A training is repeated with each of them: a difference has to show every time."""

Effect: TypeAlias = Literal["breaks", "ends worse", "no difference", "looks better"]
"""What a mistake does to the figure that is watched in training."""


class Caught(Exception):  # noqa: N818 - that a check has found something is no error
    """A check has found a mistake; the message says what came and what was expected."""


@final
@dataclass(frozen=True)
class Verdict:
    """What a check says about a piece of code.

    Attributes:
        caught: whether it found a mistake.
        message: what it saw.
    """

    caught: bool
    message: str


@final
@dataclass(frozen=True)
class Training:
    """The same training with the mistake and without it, once for each of `SEEDS`.

    Attributes:
        figure: what the curves show, as "test accuracy".
        higher_is_better: whether it should rise.
        wrong: one curve for each seed; NaN from where the training has broken.
        right: likewise.
    """

    figure: str
    higher_is_better: bool
    wrong: tuple[tuple[float, ...], ...]
    right: tuple[tuple[float, ...], ...]

    @property
    def effect(self) -> Effect:
        """Compare where the curves end.

        A difference counts if each seed shows it, and if it is one percentage point of an accuracy
        or a twentieth of a loss in the mean.
        """
        wrong, right = ([curve[-1] for curve in curves] for curves in (self.wrong, self.right))
        if not all(map(math.isfinite, wrong)):
            return "breaks"
        sign = 1 if self.higher_is_better else -1
        gains = [sign * (w - r) for w, r in zip(wrong, right, strict=True)]
        mean = sum(gains) / len(gains)
        margin = 0.01 if self.higher_is_better else 0.05 * sum(right) / len(right)
        if max(gains) < 0 and mean <= -margin:
            return "ends worse"
        return "looks better" if min(gains) > 0 and mean >= margin else "no difference"

    @staticmethod
    def mean(curves: tuple[tuple[float, ...], ...]) -> list[float]:
        """Average curves of several seeds, point by point."""
        return [sum(points) / len(points) for points in zip(*curves, strict=True)]


@final
@dataclass(frozen=True, kw_only=True)
class Mistake(Generic[T]):
    """A well-known mistake.

    Attributes:
        id: what `find` and the command call it.
        title: one line.
        seen: the number of its erratum, "E4", or `BEYOND`.
        text: what is wrong, and why it is easy to make.
        wrong: the code with the mistake.
        right: the library's own code for the same purpose.
        caught_by: what kind of check finds it.
        check: returns what it saw, or raises `Caught` or `GradientError`.
        curve: trains with one of the two and a seed, and gives the figure after each epoch.
        figure: what the curve shows.
        higher_is_better: whether it should rise.
        effect: what the curves show; a test trains again and compares.
        wrong_code: whose source is shown as wrong; by default `wrong`.
        right_code: whose source is shown as right; by default `right`.
    """

    id: str
    title: str
    seen: str
    text: str
    wrong: T
    right: T
    caught_by: str
    check: Callable[[T], str]
    curve: Callable[[T, int], list[float]]
    figure: str = "test accuracy"
    higher_is_better: bool = True
    effect: Effect
    wrong_code: tuple[object, ...] = ()
    right_code: tuple[object, ...] = ()

    @property
    def wrong_source(self) -> str:
        """The source of what runs as wrong."""
        return _source(self.wrong_code or (self.wrong,))

    @property
    def right_source(self) -> str:
        """The source of what runs as right."""
        return _source(self.right_code or (self.right,))

    @property
    def check_source(self) -> str:
        """The source of the check."""
        return _source((self.check,))

    def judge_wrong(self) -> Verdict:
        """Run the check on the code with the mistake."""
        return self._judge(self.wrong)

    def judge_right(self) -> Verdict:
        """Run the check on the library's code."""
        return self._judge(self.right)

    def training(self) -> Training:
        """Train with both, with every seed."""
        wrong, right = (
            tuple(tuple(self.curve(subject, seed)) for seed in SEEDS)
            for subject in (self.wrong, self.right)
        )
        return Training(self.figure, self.higher_is_better, wrong, right)

    def _judge(self, subject: T) -> Verdict:
        try:
            return Verdict(False, self.check(subject))
        except (Caught, GradientError) as found:
            return Verdict(True, str(found))


def _written(thing: object) -> Any:
    return thing.func if isinstance(thing, partial) else thing


def _source(things: tuple[object, ...]) -> str:
    """Give what is run, as it was written."""
    parts = [textwrap.dedent(inspect.getsource(_written(thing))) for thing in things]
    return "\n\n".join(part.strip() + "\n" for part in parts)

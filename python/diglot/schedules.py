"""Learning rates that change while a network learns.

A schedule is given in the place of a number: `SGD(lr=Cosine(0.1))`. The trainer asks it for a value
once per epoch, or with `per="batch"` once per batch. What is counted from 0 to N-1 below is then
epochs or batches; N is `steps`, or the length of the trainer's first fit. Past the end the last
value stays.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final

from diglot.config import Configured, integer, positive, real

Per: TypeAlias = Literal["epoch", "batch"]


class Schedule(Configured, ABC):
    """A learning rate as a function of time; `per` says what its steps are."""

    per: Per

    @abstractmethod
    def value(self, step: int, total: int) -> float:
        """Return the learning rate of one step.

        Args:
            step: the epoch's or batch's number, from 0.
            total: how many there are in the whole training, at least 1.
        """


@final
@dataclass(eq=False, repr=False)
class Constant(Schedule):
    """The same learning rate at all times."""

    rate: float
    per: Per = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        self.rate = real("rate", self.rate, least=0)
        _check_per(self.per)

    def value(self, step: int, total: int) -> float:
        """Return the rate."""
        return self.rate


@final
@dataclass(eq=False, repr=False)
class Linear(Schedule):
    """Fall (or rise) by the same amount each step, from `initial` to `final`.

        lr = initial + (final - initial) * step / (N - 1)

    Book: chapter 4.
    """

    initial: float
    final: float
    steps: int | None = None
    per: Per = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        self.initial = real("initial", self.initial, least=0)
        self.final = real("final", self.final, least=0)
        _check_steps(self.steps)
        _check_per(self.per)

    def value(self, step: int, total: int) -> float:
        """Return the rate on the straight line."""
        return self.initial + (self.final - self.initial) * _way(step, self.steps or total)


@final
@dataclass(eq=False, repr=False)
class Exponential(Schedule):
    """Shrink (or grow) by the same factor each step, from `initial` to `final`.

        lr = initial * (final / initial) ** (step / (N - 1))

    Book: chapter 4.
    """

    initial: float
    final: float
    steps: int | None = None
    per: Per = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        self.initial = positive("initial", self.initial)
        self.final = positive("final", self.final)
        _check_steps(self.steps)
        _check_per(self.per)

    def value(self, step: int, total: int) -> float:
        """Return the rate on the exponential curve."""
        ratio = self.final / self.initial
        return self.initial * math.pow(ratio, _way(step, self.steps or total))


@final
@dataclass(eq=False, repr=False)
class Step(Schedule):
    """Multiply by `factor` every so many steps.

    lr = initial * factor ** (step // every)
    """

    initial: float
    factor: float
    every: int
    per: Per = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        self.initial = real("initial", self.initial, least=0)
        self.factor = positive("factor", self.factor)
        self.every = integer("every", self.every)
        _check_per(self.per)

    def value(self, step: int, total: int) -> float:
        """Return the rate on the stairs."""
        return self.initial * math.pow(self.factor, step // self.every)


@final
@dataclass(eq=False, repr=False)
class Cosine(Schedule):
    """Follow half a cosine wave: slowly, fast, slowly from `initial` to `final`.

        lr = final + (initial - final) * (1 + cos(pi * step / (N - 1))) / 2

    Source: Loshchilov & Hutter 2017, arXiv:1608.03983.
    """

    initial: float
    final: float = 0.0
    steps: int | None = None
    per: Per = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        self.initial = real("initial", self.initial, least=0)
        self.final = real("final", self.final, least=0)
        _check_steps(self.steps)
        _check_per(self.per)

    def value(self, step: int, total: int) -> float:
        """Return the rate on the wave."""
        height = (1 + math.cos(math.pi * _way(step, self.steps or total))) / 2
        return self.final + (self.initial - self.final) * height


@final
@dataclass(eq=False, repr=False)
class WarmUp(Schedule):
    """Rise in a straight line for some steps, then follow another schedule from its beginning.

        lr = first * (step + 1) / (steps + 1)    while step < steps, first = then's first value
        lr = then(step - steps)                  afterwards

    Args:
        steps: length of the rise, 0 or more.
        then: a schedule that counts the same thing, or a number.

    Source: Goyal et al. 2017, arXiv:1706.02677.
    """

    steps: int
    then: Schedule | float
    per: Per = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        self.steps = integer("steps", self.steps, least=0)
        _check_per(self.per)
        if not isinstance(self.then, Schedule):
            self.then = real("then", self.then, least=0)
        elif self.then.per != self.per:
            raise ValueError(
                f"the warm-up counts per={self.per!r} and what follows per={self.then.per!r}; "
                "give both the same"
            )

    def value(self, step: int, total: int) -> float:
        """Return the rate on the slope, or the later schedule's."""
        if not isinstance(self.then, Schedule):
            return self.then * min(1.0, (step + 1) / (self.steps + 1))
        rest = max(1, total - self.steps)
        if step >= self.steps:
            return self.then.value(step - self.steps, rest)
        return self.then.value(0, rest) * (step + 1) / (self.steps + 1)


def _way(step: int, steps: int) -> float:
    """Say how much of the way is done: 0 at the first step, 1 at the last and ever after."""
    return min(step, steps - 1) / (steps - 1) if steps > 1 else 0.0


def _check_steps(steps: int | None) -> None:
    if steps is not None:
        integer("steps", steps)


def _check_per(per: str) -> None:
    if per not in ("epoch", "batch"):
        raise ValueError(f"per is {per!r}, expected 'epoch' or 'batch'")

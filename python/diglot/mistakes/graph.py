"""A mistake in automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np

from diglot.autograd import NumberWithGrad
from diglot.autograd.graph import send_back, topological_order
from diglot.mistakes.mistake import Caught, Mistake

MakeNumber: TypeAlias = Callable[[float], Any]
"""Makes a number that has +, *, num, grad and backward."""


@final
class HastyNumber:
    """A number that hands its gradient on whenever a part of it arrives."""

    def __init__(self, num: float, sources: tuple[tuple[HastyNumber, float], ...] = ()) -> None:
        self.num, self.grad = num, 0.0
        self.sources = sources  # each with the slope in it

    def __add__(self, other: HastyNumber) -> HastyNumber:
        return HastyNumber(self.num + other.num, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other: HastyNumber) -> HastyNumber:
        return HastyNumber(self.num * other.num, ((self, other.num), (other, self.num)))

    def backward(self, grad: float = 1.0) -> None:
        """Add a part to the gradient, and hand the sum on."""
        self.grad += grad
        for source, slope in self.sources:
            source.backward(self.grad * slope)


def _used_twice_is_counted_twice(make: MakeNumber) -> str:
    a = make(3.0)
    b = a * make(4.0)
    c = b + b
    c.backward()
    if a.grad != 8:
        raise Caught(f"with b = 4a and c = b + b, dc/da is {a.grad:g}, expected 8")
    return "with b = 4a and c = b + b, dc/da is 8"


def _fit_a_parabola(make: MakeNumber, seed: int) -> list[float]:
    """Learn y = (w x + b)², in which the sum in brackets is used twice."""
    rng = np.random.default_rng(seed)
    xs = rng.uniform(-1, 1, 20)
    ys = (1.5 * xs + 0.5) ** 2
    w, b, losses = 1.0, 1.0, []
    for _ in range(15):
        total = 0.0
        for x, y in zip(xs, ys, strict=True):
            weight, bias = make(w), make(b)
            line = weight * make(float(x)) + bias
            error = line * line + make(float(-y))
            loss = error * error
            loss.backward()
            w, b = w - 0.05 * weight.grad, b - 0.05 * bias.grad
            total += loss.num / len(xs)
        losses.append(total)
    return losses


MISTAKES = (
    Mistake[MakeNumber](
        id="autograd-order",
        title="A number hands its gradient on before all of it has arrived",
        seen="E10",
        text="Each number adds what arrives to its gradient and at once hands the sum on. One that "
        "is used twice hands on the first part, and then the first and the second together: "
        "with b = 4a and c = b + b, dc/da becomes 12. Chains are right, so that the first "
        "examples work. A number must wait for all its users: the reverse of a topological order.",
        wrong=HastyNumber,
        right=NumberWithGrad,
        right_code=(send_back, topological_order),
        caught_by="a known value: a number that is used twice",
        check=_used_twice_is_counted_twice,
        curve=_fit_a_parabola,
        figure="loss (squared error)",
        higher_is_better=False,
        effect="breaks",
    ),
)
"""The entries of this family."""

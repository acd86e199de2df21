"""Test numbers: a `Case` is one set of a kernel's arguments, a `Draw` is what fills its arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt

from diglot._typing import Array, DType
from diglot.kernels import reference

Arguments: TypeAlias = dict[str, Any]
"""A kernel's arguments by name: arrays and settings."""


@dataclass(frozen=True)
class Draw:
    """A source of arrays of one floating dtype; every method takes a shape."""

    rng: np.random.Generator
    dtype: DType

    def zeros(self, *shape: int) -> Array:
        """Draw zeros, the state in which every optimizer begins."""
        return np.zeros(shape, self.dtype)

    def normal(self, *shape: int) -> Array:
        """Draw from the standard normal distribution."""
        return self.rng.standard_normal(shape).astype(self.dtype)

    def squares(self, *shape: int) -> Array:
        """Draw squares of normal numbers."""
        return self.normal(*shape) ** 2

    def unit(self, *shape: int) -> Array:
        """Draw from [0, 1], both ends included."""
        return self.rng.random(shape).astype(self.dtype).round(1 + self.rng.integers(3))

    def special(self, *shape: int) -> Array:
        """Draw normal numbers, then hide a NaN, two infinities and two zeros among them."""
        x = self.normal(*shape)
        special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], self.dtype)[: x.size]
        x.flat[self.rng.choice(x.size, special.size, replace=False)] = special
        return x

    def subnormal(self, *shape: int) -> Array:
        """Draw numbers below the smallest normal one, which a flush to zero would lose."""
        smallest_normal = float(np.finfo(self.dtype).smallest_normal)
        return (self.rng.standard_normal(shape) * smallest_normal / 64).astype(self.dtype)

    def large(self, *shape: int) -> Array:
        """Draw numbers whose squares overflow."""
        exponent = 3 * np.finfo(self.dtype).maxexp // 4
        return np.ldexp(self.rng.standard_normal(shape), exponent).astype(self.dtype)

    def tiny(self, *shape: int) -> Array:
        """Draw numbers whose squares are subnormal."""
        exponent = np.finfo(self.dtype).minexp // 2 - 3
        return np.ldexp(self.rng.standard_normal(shape), exponent).astype(self.dtype)

    def wide(self, *shape: int) -> Array:
        """Draw every magnitude from subnormal to nearly the largest, of both signs."""
        info = np.finfo(self.dtype)
        exponents = self.rng.uniform(info.minexp - info.nmant, info.maxexp - 1, shape)
        return np.copysign(np.exp2(exponents), self.rng.standard_normal(shape)).astype(self.dtype)

    def ramp(self, *shape: int) -> Array:
        """Step evenly through the range in which exp is neither 0 nor infinite, and past it."""
        end = 1.2 * float(np.log(np.finfo(self.dtype).max))
        return np.linspace(-end, end, int(np.prod(shape))).reshape(shape).astype(self.dtype)

    def ties(self, *shape: int) -> Array:
        """Draw a few whole numbers and negative infinity, so that many are equal."""
        x = self.rng.integers(-1, 3, shape).astype(self.dtype)
        x[x == -1] = -np.inf
        return x

    def holes(self, *shape: int) -> Array:
        """Draw normal numbers, a third of them NaN."""
        x = self.normal(*shape)
        x[self.rng.random(shape) < 1 / 3] = np.nan
        return x

    def distribution(self, *shape: int) -> Array:
        """Draw rows of probabilities."""
        return reference.softmax_forward(self.normal(*shape))

    def mask(self, *shape: int) -> Array:
        """Draw truth values."""
        return self.rng.random(shape) < 0.7


Fill: TypeAlias = Callable[..., Array]
"""A method of Draw, called as fill(draw, *shape)."""


@dataclass(frozen=True)
class Case:
    """One set of arguments of a kernel.

    Attributes:
        name: tells the case from the kernel's others.
        make: draws the arguments.
        terms: how many rounded terms make up one output element.
        calls: how often in a row the kernel is called (steps of an optimizer).
        smooth: finite differences may judge gradients here: the arguments are few and finite.
    """

    name: str
    make: Callable[[Draw], Arguments]
    terms: int = 1
    calls: int = 1
    smooth: bool = False

    def arguments(self, dtype: npt.DTypeLike, seed: int = 0) -> Arguments:
        """Draw the arguments: always the same ones for the same seed."""
        rng = np.random.default_rng([seed, crc32(self.name.encode())])
        return self.make(Draw(rng, np.dtype(dtype)))

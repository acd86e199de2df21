"""The parameters that a network starts with, drawn from a Generator."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from diglot._typing import Array, DType, Shape
from diglot.config import Configured, boolean, positive, real
from diglot.errors import ShapeError


class Initializer(Configured, ABC):
    """A way to draw the first values of a parameter."""

    @abstractmethod
    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Draw one parameter.

        Args:
            shape: dense weights (in, out), filters (OC, C/groups, KH, KW), biases (n,).
            rng: where all the randomness comes from.
            dtype: float32 or float64; both get the same numbers, up to rounding.
        """


@final
@dataclass(eq=False, repr=False)
class Zeros(Initializer):
    """All zeros: right for biases, wrong for weights, which would all learn the same."""

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Make zeros."""
        return np.zeros(shape, dtype)


@final
@dataclass(eq=False, repr=False)
class Standard(Initializer):
    """Normal numbers whose spread does not depend on the shape.

        w ~ N(0, std²)

    Args:
        std: standard deviation.

    Book: chapter 3.
    """

    std: float = 1.0

    def __post_init__(self) -> None:
        self.std = real("std", self.std, least=0)

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Draw one parameter."""
        return (self.std * rng.standard_normal(shape)).astype(dtype)


@final
@dataclass(eq=False, repr=False)
class Glorot(Initializer):
    """Keep the variance of signals about the same, forward and backward.

        std² = 2 / (fan_in + fan_out)

    Args:
        uniform: draw from (-sqrt(3) std, sqrt(3) std), which has the same variance.

    Book: chapter 4 (erratum E5: it takes the variance for the standard deviation, and forgets the
    size of the filters). Source: Glorot & Bengio 2010.
    """

    uniform: bool = False

    def __post_init__(self) -> None:
        boolean("uniform", self.uniform)

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Draw one parameter."""
        fan_in, fan_out = fans(shape)
        return _draw(math.sqrt(2 / (fan_in + fan_out)), self.uniform, shape, rng, dtype)


@final
@dataclass(eq=False, repr=False)
class He(Initializer):
    """Keep the variance of signals through layers with ReLU, which loses half of it.

        std² = 2 / fan_in

    Args:
        uniform: draw from (-sqrt(3) std, sqrt(3) std), which has the same variance.

    Source: He et al. 2015, arXiv:1502.01852.
    """

    uniform: bool = False

    def __post_init__(self) -> None:
        boolean("uniform", self.uniform)

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Draw one parameter."""
        fan_in, _ = fans(shape)
        return _draw(math.sqrt(2 / fan_in), self.uniform, shape, rng, dtype)


@final
@dataclass(eq=False, repr=False)
class LeCun(Initializer):
    """Keep the variance of signals in the forward direction.

        std² = 1 / fan_in

    Args:
        uniform: draw from (-sqrt(3) std, sqrt(3) std), which has the same variance.

    Source: LeCun et al. 1998, "Efficient BackProp".
    """

    uniform: bool = False

    def __post_init__(self) -> None:
        boolean("uniform", self.uniform)

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Draw one parameter."""
        fan_in, _ = fans(shape)
        return _draw(math.sqrt(1 / fan_in), self.uniform, shape, rng, dtype)


@final
@dataclass(eq=False, repr=False)
class Orthogonal(Initializer):
    """A random rotation: signals keep their length.

        w w^T = gain² or w^T w = gain², whichever the shape allows; filters count as (OC, C*KH*KW)

    Args:
        gain: factor of the length.

    Source: Saxe, McClelland & Ganguli 2013, arXiv:1312.6120.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        self.gain = positive("gain", self.gain)

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Draw one parameter."""
        fans(shape)
        rows, columns = shape[0], math.prod(shape[1:])
        tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q *= np.where(np.diagonal(r) < 0, -1, 1)  # without this, not all rotations are as likely
        w = q if rows >= columns else q.T
        return np.ascontiguousarray((self.gain * w).reshape(shape), dtype)


INITIALIZERS: Mapping[str, type[Initializer]] = {
    cls.__name__: cls for cls in (Zeros, Standard, Glorot, He, LeCun, Orthogonal)
}
"""The initializers that a layer knows by name."""


def fans(shape: Shape) -> tuple[int, int]:
    """Count how many inputs feed one output, and how many outputs one input feeds.

    Args:
        shape: dense weights (in, out), or filters (OC, C/groups, KH, KW).

    Returns:
        (fan_in, fan_out): (in, out), or (C/groups*KH*KW, OC*KH*KW).

    Raises:
        ShapeError: it is neither, or has a zero in it.
    """
    if len(shape) < 2 or 0 in shape:
        raise ShapeError(
            f"a parameter of shape {shape} has no fan-in and fan-out; for biases take Zeros or "
            "Standard"
        )
    if len(shape) == 2:
        return shape[0], shape[1]
    pixels = math.prod(shape[2:])
    return shape[1] * pixels, shape[0] * pixels


def _draw(std: float, uniform: bool, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
    if uniform:
        limit = math.sqrt(3) * std
        return rng.uniform(-limit, limit, shape).astype(dtype)
    return (std * rng.standard_normal(shape)).astype(dtype)

"""Layers without parameters that act on samples of any shape."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar, final

import numpy as np

from diglot._typing import Shape
from diglot.config import real, resolve
from diglot.layers.base import Create, Layer
from diglot.operations import ACTIVATIONS, DropoutOp, FlattenOp, Linear, Operation
from diglot.operations import Activation as ActivationOperation


@final
@dataclass(eq=False, repr=False)
class Flatten(Layer):
    """Make one row of each sample: (N, A, B, ...) -> (N, A*B*...).

    Book: chapter 5.
    """

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        return [FlattenOp()], (prod(input_shape),)


@final
@dataclass(eq=False, repr=False)
class Dropout(Layer):
    """Drop a random share of the numbers in training; do nothing at inference.

    Args:
        rate: the share that is dropped, 0 <= rate < 1.

    Book: chapter 4.
    """

    fixed_axes: ClassVar[slice] = slice(0)

    rate: float

    def __post_init__(self) -> None:
        self.rate = real("rate", self.rate, least=0, below=1)

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        return activation_and_dropout(Linear, self.rate, rng), input_shape


@final
@dataclass(eq=False, repr=False)
class Activation(Layer):
    """An activation function as a layer of its own.

    Args:
        activation: a class, an instance or a name.
    """

    fixed_axes: ClassVar[slice] = slice(0)

    activation: ActivationOperation | type[ActivationOperation] | str

    def __post_init__(self) -> None:
        self.activation = resolve(self.activation, ACTIVATIONS, "activation")

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        return activation_and_dropout(self.activation, 0.0, rng), input_shape


def activation_and_dropout(
    activation: ActivationOperation | type[ActivationOperation] | str,
    dropout: float,
    rng: np.random.Generator,
) -> list[Operation]:
    """Make the operations at the end of a layer; none where they would do nothing."""
    operation = resolve(activation, ACTIVATIONS, "activation")
    operations: list[Operation] = [] if isinstance(operation, Linear) else [operation]
    return [*operations, DropoutOp(dropout, rng)] if dropout else operations

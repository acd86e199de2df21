"""The embedding layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import numpy as np

from diglot._typing import Shape
from diglot.config import integer, resolve
from diglot.initializers import INITIALIZERS, Initializer, Standard
from diglot.layers.base import Create, Layer
from diglot.operations import EmbeddingOp, Operation


@final
@dataclass(eq=False, repr=False)
class Embedding(Layer):
    """A table with one row of learned numbers for each token.

        output[..., d] = weight[token, d]

    (N, T) integers -> (N, T, dimensions). It can only be the first layer of a network: tokens have
    no gradient.

    Args:
        vocabulary_size: how many tokens there are; they are 0..vocabulary_size-1.
        dimensions: features of the output.
        weight_init: an initializer: a class, an instance or a name.

    Parameters: weight (vocabulary_size, dimensions).

    Source: Bengio et al. 2003, "A neural probabilistic language model".
    """

    fixed_axes: ClassVar[slice] = slice(0)
    takes_integers: ClassVar[bool] = True

    vocabulary_size: int
    dimensions: int
    weight_init: Initializer | type[Initializer] | str = field(default=Standard, kw_only=True)

    def __post_init__(self) -> None:
        self.vocabulary_size = integer("vocabulary_size", self.vocabulary_size)
        self.dimensions = integer("dimensions", self.dimensions)
        self.weight_init = resolve(self.weight_init, INITIALIZERS, "weight_init")

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        weight_init = resolve(self.weight_init, INITIALIZERS, "weight_init")
        weight = create("weight", (self.vocabulary_size, self.dimensions), weight_init)
        return [EmbeddingOp(weight)], (*input_shape, self.dimensions)

"""The dense layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, final

import numpy as np

from diglot._typing import Shape
from diglot.config import boolean, integer, real, resolve
from diglot.errors import ShapeError
from diglot.initializers import INITIALIZERS, Glorot, Initializer, Zeros
from diglot.layers.base import Create, Layer
from diglot.layers.shape import activation_and_dropout
from diglot.operations import ACTIVATIONS, Activation, DenseOp, Linear, Operation


@final
@dataclass(eq=False, repr=False)
class Dense(Layer):
    """Every neuron sees every feature of a row.

        output[..., j] = activation(sum_i input_[..., i] * weight[i, j] + bias[j])

    (N, in) -> (N, neurons); further axes between the two are kept.

    Args:
        neurons: features of the output.
        activation: a class, an instance or a name.
        bias: add one.
        dropout: share of the outputs that is dropped in training, 0 <= dropout < 1.
        weight_init: an initializer: a class, an instance or a name.
        bias_init: likewise.

    Parameters: weight (in, neurons), bias (neurons,).

    Book: chapter 3.
    """

    fixed_axes: ClassVar[slice] = slice(-1, None)

    neurons: int
    activation: Activation | type[Activation] | str = Linear
    bias: bool = field(default=True, kw_only=True)
    dropout: float = field(default=0.0, kw_only=True)
    weight_init: Initializer | type[Initializer] | str = field(default=Glorot, kw_only=True)
    bias_init: Initializer | type[Initializer] | str = field(default=Zeros, kw_only=True)

    def __post_init__(self) -> None:
        self.neurons = integer("neurons", self.neurons)
        self.activation = resolve(self.activation, ACTIVATIONS, "activation")
        boolean("bias", self.bias)
        self.dropout = real("dropout", self.dropout, least=0, below=1)
        self.weight_init = resolve(self.weight_init, INITIALIZERS, "weight_init")
        self.bias_init = resolve(self.bias_init, INITIALIZERS, "bias_init")

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        if not input_shape or input_shape[-1] == 0:
            raise ShapeError(f"a sample has shape {input_shape}, expected (features,)")
        weight_init = resolve(self.weight_init, INITIALIZERS, "weight_init")
        bias_init = resolve(self.bias_init, INITIALIZERS, "bias_init")
        weight = create("weight", (input_shape[-1], self.neurons), weight_init)
        bias = create("bias", (self.neurons,), bias_init) if self.bias else None
        operations: list[Operation] = [DenseOp(weight, bias)]
        operations += activation_and_dropout(self.activation, self.dropout, rng)
        return operations, (*input_shape[:-1], self.neurons)

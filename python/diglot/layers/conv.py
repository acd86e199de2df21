"""The convolutional layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import final

import numpy as np

from diglot._typing import IntOrPair, Shape
from diglot.config import boolean, int_or_pair, integer, real, resolve
from diglot.errors import ShapeError
from diglot.initializers import INITIALIZERS, Glorot, Initializer, Zeros
from diglot.layers.base import Create, Layer
from diglot.layers.shape import activation_and_dropout
from diglot.operations import (
    ACTIVATIONS,
    Activation,
    Conv2DOp,
    FlattenOp,
    Linear,
    Operation,
    Pad2DOp,
)
from diglot.operations.windows import output_size, pair, same_padding


@final
@dataclass(eq=False, repr=False)
class Conv2D(Layer):
    """Slide a bank of learned filters over images.

        output[n, o] = activation(bias[o] + sum_c input_[n, c] cross-correlated with weight[o, c])

    (N, C, H, W) -> (N, channels, OH, OW), OH = (H + 2*padding - dilation*(KH-1) - 1) // stride + 1.

    Args:
        channels: of the output; one for each filter.
        kernel_size: of a filter, in pixels: one number or (height, width).
        activation: a class, an instance or a name.
        stride: step between windows, in pixels.
        padding: zeros on each side, in pixels; "valid" is 0; "same" gives OH = ceil(H / stride),
            an odd row or column of zeros goes to the bottom or right.
        dilation: step between the pixels of one window.
        groups: channels are split into so many parts, each with its own filters.
        bias: add one.
        dropout: share of the outputs that is dropped in training, 0 <= dropout < 1.
        flatten: make one row of each sample's output.
        weight_init: an initializer: a class, an instance or a name.
        bias_init: likewise.

    Parameters: weight (channels, C/groups, KH, KW), bias (channels,).

    Book: chapter 5.
    """

    channels: int
    kernel_size: IntOrPair
    activation: Activation | type[Activation] | str = Linear
    stride: IntOrPair = field(default=1, kw_only=True)
    padding: IntOrPair | str = field(default=0, kw_only=True)
    dilation: IntOrPair = field(default=1, kw_only=True)
    groups: int = field(default=1, kw_only=True)
    bias: bool = field(default=True, kw_only=True)
    dropout: float = field(default=0.0, kw_only=True)
    flatten: bool = field(default=False, kw_only=True)
    weight_init: Initializer | type[Initializer] | str = field(default=Glorot, kw_only=True)
    bias_init: Initializer | type[Initializer] | str = field(default=Zeros, kw_only=True)

    def __post_init__(self) -> None:
        self.channels = integer("channels", self.channels)
        self.kernel_size = int_or_pair("kernel_size", self.kernel_size)
        self.activation = resolve(self.activation, ACTIVATIONS, "activation")
        self.stride = int_or_pair("stride", self.stride)
        if not isinstance(self.padding, str):
            self.padding = int_or_pair("padding", self.padding, least=0)
        elif self.padding not in ("same", "valid"):
            raise ValueError(f"padding is {self.padding!r}, expected 'same', 'valid' or a number")
        self.dilation = int_or_pair("dilation", self.dilation)
        self.groups = integer("groups", self.groups)
        if self.channels % self.groups:
            raise ValueError(
                f"groups is {self.groups}, which does not divide the {self.channels} filters"
            )
        boolean("bias", self.bias)
        self.dropout = real("dropout", self.dropout, least=0, below=1)
        boolean("flatten", self.flatten)
        self.weight_init = resolve(self.weight_init, INITIALIZERS, "weight_init")
        self.bias_init = resolve(self.bias_init, INITIALIZERS, "bias_init")

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        if len(input_shape) != 3 or 0 in input_shape:
            raise ShapeError(f"a sample has shape {input_shape}, expected (channels, H, W)")
        C, H, W = input_shape
        if C % self.groups:
            raise ShapeError(f"groups is {self.groups}, which does not divide the {C} channels")
        operations, padding = self._padding(H, W)
        if operations:  # they leave an image that needs no more padding
            H, W = H + sum(operations[0].rows), W + sum(operations[0].columns)
        OH, OW = output_size((H, W), self.kernel_size, self.stride, padding, self.dilation)

        weight_init = resolve(self.weight_init, INITIALIZERS, "weight_init")
        bias_init = resolve(self.bias_init, INITIALIZERS, "bias_init")
        shape = (self.channels, C // self.groups, *pair(self.kernel_size))
        weight = create("weight", shape, weight_init)
        bias = create("bias", (self.channels,), bias_init) if self.bias else None
        conv = Conv2DOp(weight, bias, self.stride, padding, self.dilation, self.groups)
        after = activation_and_dropout(self.activation, self.dropout, rng)
        output_shape: Shape = (self.channels, OH, OW)
        if self.flatten:
            after.append(FlattenOp())
            output_shape = (prod(output_shape),)
        return [*operations, conv, *after], output_shape

    def _padding(self, H: int, W: int) -> tuple[list[Pad2DOp], IntOrPair]:
        """Decide on the zeros around an image: an operation for them if sides differ."""
        if self.padding == "valid":
            return [], 0
        if not isinstance(self.padding, str):
            return [], self.padding
        rows, columns = map(
            same_padding, (H, W), pair(self.kernel_size), pair(self.stride), pair(self.dilation)
        )
        if rows[0] == rows[1] and columns[0] == columns[1]:
            return [], (rows[0], columns[0])
        return [Pad2DOp(rows, columns)], 0

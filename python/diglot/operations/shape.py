"""Operations that move numbers and compute nothing."""

from dataclasses import dataclass
from math import prod
from typing import final

import numpy as np

from diglot._typing import Array
from diglot.operations.base import Operation
from diglot.operations.windows import require_images


@final
@dataclass(eq=False, repr=False)
class FlattenOp(Operation):
    """Make one row of each sample.

        (N, A, B, ...) -> (N, A*B*...)

    Book: chapter 5.
    """

    flops_per_output = 0

    def _output(self) -> Array:
        rows, *rest = self.input_.shape
        return self.input_.reshape(rows, prod(rest))

    def _input_grad(self, output_grad: Array) -> Array:
        return output_grad.reshape(self.input_.shape)


@final
@dataclass(eq=False, repr=False)
class Pad2DOp(Operation):
    """Surround images with zeros, each side with a number of its own.

    Args:
        rows: how many above and below.
        columns: how many on the left and on the right.

    Book: chapter 5.
    """

    flops_per_output = 0
    rows: tuple[int, int]
    columns: tuple[int, int]

    def _output(self) -> Array:
        require_images(self.input_.shape)
        return np.pad(self.input_, [(0, 0), (0, 0), self.rows, self.columns])

    def _input_grad(self, output_grad: Array) -> Array:
        (top, _), (left, _) = self.rows, self.columns
        _, _, H, W = self.input_.shape
        return output_grad[:, :, top : top + H, left : left + W]

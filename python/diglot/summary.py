"""A network as a table: shapes, parameters and the work of each layer."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from diglot._typing import Array, Shape
from diglot.errors import ShapeError
from diglot.initializers import Initializer
from diglot.layers import Layer
from diglot.layers.stack import located


@final
@dataclass(frozen=True)
class LayerSummary:
    """One row of the table.

    Attributes:
        layer: as it was made.
        output_shape: of one sample.
        parameters: how many numbers it learns.
        flops: floating-point operations of a forward pass, per sample; a multiply-add is two.
    """

    layer: str
    output_shape: Shape
    parameters: int
    flops: int


@final
@dataclass(frozen=True, repr=False)
class Summary:
    """The whole table; `print` shows it."""

    input_shape: Shape
    rows: tuple[LayerSummary, ...]

    @property
    def parameters(self) -> int:
        """Count the numbers that the network learns."""
        return sum(row.parameters for row in self.rows)

    @property
    def flops(self) -> int:
        """Count the floating-point operations of a forward pass, per sample."""
        return sum(row.flops for row in self.rows)

    def __str__(self) -> str:
        table = [("layer", "output shape", "parameters", "FLOPs/sample")]
        table += [("(input)", _show(self.input_shape), "", "")]
        table += [
            (row.layer, _show(row.output_shape), f"{row.parameters:,}", f"{row.flops:,}")
            for row in self.rows
        ]
        table += [("total", "", f"{self.parameters:,}", f"{self.flops:,}")]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip()
            for a, b, c, d in table
        ]
        rule = "-" * max(map(len, lines))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    __repr__ = __str__


def summarize(layers: Sequence[Layer], input_shape: Shape) -> Summary:
    """Send one sample of zeros through copies of the layers and look at what they do.

    Args:
        layers: they stay as they are, set up or not.
        input_shape: of one sample, without the batch axis.

    Raises:
        ShapeError: a layer cannot take what comes.
    """
    rows = []
    tokens = bool(layers) and layers[0].takes_integers
    output: Array = np.zeros((1, *input_shape), np.int64 if tokens else np.float32)
    for position, layer in enumerate(layers):
        clone = copy.copy(layer)  # shares what was set up before, until its own setup below
        try:
            clone.setup(output.shape[1:], _zeros)
        except ShapeError as error:
            raise located(error, position, layer) from error
        output = clone.forward(output, inference=True)
        rows.append(
            LayerSummary(
                repr(layer),
                output.shape[1:],
                sum(param.size for param in clone.parameters().values()),
                sum(operation.flops for operation in clone.operations),
            )
        )
    return Summary(input_shape, tuple(rows))


def _zeros(name: str, shape: Shape, initializer: Initializer) -> Array:
    return np.zeros(shape, np.float32)


def _show(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"

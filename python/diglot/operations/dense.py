"""The two operations of a dense layer, for inputs with any leading axes: (..., features)."""

from dataclasses import InitVar, dataclass
from typing import final

import numpy as np

from diglot import kernels
from diglot._typing import Array
from diglot.errors import ShapeError
from diglot.operations.base import ParamOperation


@final
@dataclass(eq=False, repr=False)
class WeightMultiply(ParamOperation):
    """Multiply each row by a matrix of weights.

        output[..., j] = sum_i input_[..., i] * weight[i, j]

    Args:
        weight: (in, out).

    Book: chapter 3.
    """

    weight: InitVar[Array]

    def __post_init__(self, weight: Array) -> None:
        if weight.ndim != 2:
            raise ShapeError(f"weight has shape {weight.shape}, expected (in, out)")
        self.params = {"weight": weight}
        self.flops_per_output = 2 * weight.shape[0]

    def _output(self) -> Array:
        weight = self.param
        *leading, features = self.input_.shape or (0,)
        if features != weight.shape[0] or not leading:
            raise ShapeError(
                f"input_ has shape {self.input_.shape}, expected (N, {weight.shape[0]}) "
                f"for a weight of shape {weight.shape}"
            )
        self._check_dtype()
        if len(leading) == 1:
            return kernels.matmul(self.input_, weight)
        return kernels.matmul(_rows(self.input_), weight).reshape(*leading, weight.shape[1])

    def _input_grad(self, output_grad: Array) -> Array:
        grad: Array = kernels.matmul(_rows(output_grad), self.param, transpose_b=True)
        return grad.reshape(self.input_.shape)

    def _param_grad(self, output_grad: Array) -> Array:
        return kernels.matmul(_rows(self.input_), _rows(output_grad), transpose_a=True)


@final
@dataclass(eq=False, repr=False)
class BiasAdd(ParamOperation):
    """Add a number to each feature.

        output[..., j] = input_[..., j] + bias[j]

    Args:
        bias: (features,).

    Book: chapter 3.
    """

    bias: InitVar[Array]

    def __post_init__(self, bias: Array) -> None:
        if bias.ndim != 1:
            raise ShapeError(f"bias has shape {bias.shape}, expected (features,)")
        self.params = {"bias": bias}

    def _output(self) -> Array:
        bias = self.param
        if self.input_.ndim < 2 or self.input_.shape[-1] != bias.shape[0]:
            raise ShapeError(
                f"input_ has shape {self.input_.shape}, expected (N, {bias.shape[0]}) "
                f"for a bias of shape {bias.shape}"
            )
        self._check_dtype()
        return self.input_ + bias

    def _input_grad(self, output_grad: Array) -> Array:
        return output_grad

    def _param_grad(self, output_grad: Array) -> Array:
        grad: Array = _rows(output_grad).sum(axis=0)
        return grad


def _rows(array: Array) -> Array:
    """Flatten the leading axes: (..., features) to (rows, features)."""
    if array.ndim == 2:
        return array
    return array.reshape(int(np.prod(array.shape[:-1])), array.shape[-1])

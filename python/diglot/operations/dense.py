"""What a dense layer does, for inputs with any leading axes: (..., features).

`DenseOp` does it at once; `WeightMultiply` and `BiasAdd` are its two steps, as the book has them.
"""

from dataclasses import InitVar, dataclass
from typing import final

import numpy as np

from diglot import kernels
from diglot._typing import Array
from diglot.errors import ShapeError
from diglot.operations.base import ParamOperation


@final
@dataclass(eq=False, repr=False)
class DenseOp(ParamOperation):
    """Multiply each row by a matrix of weights, and add a number to each feature.

        output[..., j] = bias[j] + sum_i input_[..., i] * weight[i, j]

    The same as `WeightMultiply` and then `BiasAdd`, in one pass over the output.

    Args:
        weight: (in, out).
        bias: (out,), or None for none.

    Book: chapter 3.
    """

    weight: InitVar[Array]
    bias: InitVar[Array | None] = None

    def __post_init__(self, weight: Array, bias: Array | None) -> None:
        _require_weight(weight)
        if bias is not None and bias.shape != weight.shape[1:]:
            raise ShapeError(f"bias has shape {bias.shape}, expected {weight.shape[1:]}")
        self.params = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        self.flops_per_output = 2 * weight.shape[0] + (bias is not None)

    def _output(self) -> Array:
        _require_features(self.input_, self.param)
        self._check_dtype()
        output: Array = kernels.dense_forward(
            _rows(self.input_), self.param, self.params.get("bias")
        )
        return _with_leading_axes(output, self.input_)

    def _input_grad(self, output_grad: Array) -> Array:
        grad: Array = kernels.matmul(_rows(output_grad), self.param, transpose_b=True)
        return _with_leading_axes(grad, self.input_)

    def _param_grad(self, output_grad: Array) -> tuple[Array, ...]:
        weight_grad, bias_grad = kernels.dense_backward_weight(
            _rows(output_grad), _rows(self.input_)
        )
        return (weight_grad, bias_grad) if "bias" in self.params else (weight_grad,)


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
        _require_weight(weight)
        self.params = {"weight": weight}
        self.flops_per_output = 2 * weight.shape[0]

    def _output(self) -> Array:
        _require_features(self.input_, self.param)
        self._check_dtype()
        return _with_leading_axes(kernels.matmul(_rows(self.input_), self.param), self.input_)

    def _input_grad(self, output_grad: Array) -> Array:
        grad: Array = kernels.matmul(_rows(output_grad), self.param, transpose_b=True)
        return _with_leading_axes(grad, self.input_)

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


def _require_weight(weight: Array) -> None:
    if weight.ndim != 2:
        raise ShapeError(f"weight has shape {weight.shape}, expected (in, out)")


def _require_features(input_: Array, weight: Array) -> None:
    if input_.ndim < 2 or input_.shape[-1] != weight.shape[0]:
        raise ShapeError(
            f"input_ has shape {input_.shape}, expected (N, {weight.shape[0]}) "
            f"for a weight of shape {weight.shape}"
        )


def _rows(array: Array) -> Array:
    """Flatten the leading axes: (..., features) to (rows, features)."""
    if array.ndim == 2:
        return array
    return array.reshape(int(np.prod(array.shape[:-1])), array.shape[-1])


def _with_leading_axes(rows: Array, like: Array) -> Array:
    """Give (rows, features) the leading axes of another array."""
    if like.ndim == 2:
        return rows
    return rows.reshape(*like.shape[:-1], rows.shape[1])

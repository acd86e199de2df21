"""Activation functions: what makes a network more than one linear map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from diglot import kernels
from diglot._typing import Array
from diglot.config import real
from diglot.operations.base import Operation


class Activation(Operation):
    """An operation that a layer may take as its `activation`; it keeps the shape."""


@final
@dataclass(eq=False, repr=False)
class Linear(Activation):
    """Leave everything as it is.

        output = input_

    Book: chapter 3.
    """

    flops_per_output = 0

    def _output(self) -> Array:
        return self.input_

    def _input_grad(self, output_grad: Array) -> Array:
        return output_grad


@final
@dataclass(eq=False, repr=False)
class Sigmoid(Activation):
    """Squash numbers into (0, 1).

        output = 1 / (1 + exp(-input_))

    Book: chapters 1 and 3.
    """

    def _output(self) -> Array:
        return kernels.sigmoid_forward(self.input_)

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.sigmoid_backward(output_grad, self.output)


@final
@dataclass(eq=False, repr=False)
class Tanh(Activation):
    """Squash numbers into (-1, 1).

        output = tanh(input_)

    Book: chapter 4.
    """

    def _output(self) -> Array:
        return kernels.tanh_forward(self.input_)

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.tanh_backward(output_grad, self.output)


@final
@dataclass(eq=False, repr=False)
class ReLU(Activation):
    """Keep positive numbers, replace the others by zero.

        output = max(input_, 0),    input_grad = output_grad where output > 0, else 0

    Book: chapter 4 (erratum E4: its mask `output >= 0` is always true).
    """

    def _output(self) -> Array:
        return kernels.relu_forward(self.input_)

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.relu_backward(output_grad, self.output)


@final
@dataclass(eq=False, repr=False)
class LeakyReLU(Activation):
    """Keep positive numbers, scale the others down.

        output = input_ where input_ > 0, else negative_slope * input_

    Args:
        negative_slope: at least 0.

    Source: Maas et al. 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    negative_slope: float = 0.01

    def __post_init__(self) -> None:
        self.negative_slope = real("negative_slope", self.negative_slope, least=0)

    def _output(self) -> Array:
        return kernels.leaky_relu_forward(self.input_, negative_slope=self.negative_slope)

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.leaky_relu_backward(
            output_grad, self.output, negative_slope=self.negative_slope
        )


@final
@dataclass(eq=False, repr=False)
class GELU(Activation):
    """Weigh each number by the share of a standard normal distribution that lies below it.

        output = input_ * Phi(input_)

    Source: Hendrycks & Gimpel 2016, arXiv:1606.08415.
    """

    def _output(self) -> Array:
        return kernels.gelu_forward(self.input_)

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.gelu_backward(output_grad, self.input_)


@final
@dataclass(eq=False, repr=False)
class Softmax(Activation):
    """Turn the last axis into probabilities.

        output[..., k] = exp(input_[..., k]) / sum_j exp(input_[..., j])

    To train a classifier, leave it out: SoftmaxCrossEntropy takes the logits themselves.

    Book: chapter 4.
    """

    def _output(self) -> Array:
        return kernels.softmax_forward(self.input_)

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.softmax_backward(output_grad, self.output)


ACTIVATIONS: Mapping[str, type[Activation]] = {
    cls.__name__: cls for cls in (Linear, Sigmoid, Tanh, ReLU, LeakyReLU, GELU, Softmax)
}
"""The activations that a layer knows by name."""

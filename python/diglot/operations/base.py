"""One step of a network's computation, which knows its derivative."""

from abc import ABC, abstractmethod
from typing import ClassVar, final

import numpy as np

from diglot._arrays import require_dtype, require_floating, require_integers
from diglot._typing import Array
from diglot.config import Configured
from diglot.errors import ShapeError


class Operation(Configured, ABC):
    """One array in, one array out; backward sends the gradient the other way.

        forward:   output = f(input_)
        backward:  input_grad = sum over outputs of output_grad * d output / d input_

    A new operation writes only `_output` and `_input_grad`, which find `self.input_`,
    `self.output` and `self.inference`.

    Attributes:
        input_: the array that went in last.
        output: the array that came out.
        inference: whether the last forward was to predict rather than to train.
        flops_per_output: floating-point operations that one number of the output costs.
        takes_integers: whether input_ holds integers, such as tokens, instead of real numbers.

    Book: chapter 3.
    """

    input_: Array
    output: Array
    inference: bool
    flops_per_output: int = 1
    takes_integers: ClassVar[bool] = False

    @final
    def forward(self, input_: Array, inference: bool = False) -> Array:
        """Compute the output, and keep what backward will need.

        Args:
            input_: float32 or float64 (or integers, if the operation takes them), any shape that
                the operation takes; kept, not copied.
            inference: predict (no dropout) rather than train.

        Raises:
            ValueError: the input does not fit; a ShapeError if it is its shape.
        """
        if self.takes_integers:
            require_integers("input_", input_)
        else:
            require_floating("input_", input_)
        if type(input_) is not np.ndarray:  # np.matrix has a product of its own
            input_ = np.asarray(input_)
        self.input_ = input_
        self.inference = inference
        self.output = output = self._output()
        return output

    def backward(self, output_grad: Array) -> Array:
        """Turn the gradient of the output into that of the input.

        Args:
            output_grad: gradient of the loss with respect to the output, the output's shape.

        Returns:
            input_grad: gradient of the loss with respect to the input, the input's shape.

        Raises:
            ShapeError: output_grad has not the output's shape.
            ValueError: forward has not been run, or output_grad has not the output's dtype.
        """
        return self._checked_input_grad(self._checked_output_grad(output_grad))

    @property
    def flops(self) -> int:
        """Count the last forward's floating-point operations; a multiply-add is two."""
        return self.output.size * self.flops_per_output

    @abstractmethod
    def _output(self) -> Array:
        """Compute the output from `self.input_`."""

    @abstractmethod
    def _input_grad(self, output_grad: Array) -> Array:
        """Compute the gradient of the input."""

    @final
    def _checked_output_grad(self, output_grad: Array) -> Array:
        try:
            output = self.output
        except AttributeError:
            raise ValueError(f"{self!r}: run forward before backward") from None
        require_dtype("output_grad", output_grad, output.dtype)
        if output_grad.shape != output.shape:
            raise ShapeError(f"output_grad has shape {output_grad.shape}, expected {output.shape}")
        return output_grad if type(output_grad) is np.ndarray else np.asarray(output_grad)

    @final
    def _checked_input_grad(self, output_grad: Array) -> Array:
        input_grad = self._input_grad(output_grad)
        if input_grad.shape != self.input_.shape:
            raise ShapeError(
                f"{self!r}: input_grad has shape {input_grad.shape}, expected {self.input_.shape}"
            )
        return input_grad


class ParamOperation(Operation):
    """An operation with parameters: what a network learns.

    A new one sets `self.params` when it is made, and writes `_output`, `_input_grad` and
    `_param_grad`; all three find the parameters in `self.params`.

    Attributes:
        params: the arrays that are learned, by name; an optimizer changes them in place.
        param_grads: the gradients of the loss with respect to them, after backward.

    Book: chapter 3.
    """

    params: dict[str, Array]
    param_grads: dict[str, Array]

    @property
    def param(self) -> Array:
        """The parameter, or the first of several."""
        return next(iter(self.params.values()))

    @property
    def param_grad(self) -> Array:
        """The gradient of `param`."""
        return next(iter(self.param_grads.values()))

    @final
    def backward(self, output_grad: Array) -> Array:
        """Compute the gradients of the parameters, and return that of the input.

        Args:
            output_grad: gradient of the loss with respect to the output, the output's shape.

        Returns:
            input_grad: gradient of the loss with respect to the input, the input's shape.

        Raises:
            ShapeError: output_grad has not the output's shape.
            ValueError: forward has not been run, or output_grad has not the output's dtype.
        """
        self.backward_params(output_grad)
        return self._checked_input_grad(np.asarray(output_grad))

    @final
    def backward_params(self, output_grad: Array) -> None:
        """Compute the gradients of the parameters alone, where nobody needs the input's.

        Args:
            output_grad: gradient of the loss with respect to the output, the output's shape.
        """
        grads = self._param_grad(self._checked_output_grad(output_grad))
        if isinstance(grads, np.ndarray):
            grads = (grads,)
        self.param_grads = dict(zip(self.params, grads, strict=True))
        for name, grad in self.param_grads.items():
            if grad.shape != self.params[name].shape:
                raise ShapeError(
                    f"{self!r}: the gradient of {name} has shape {grad.shape}, "
                    f"expected {self.params[name].shape}"
                )

    @abstractmethod
    def _param_grad(self, output_grad: Array) -> Array | tuple[Array, ...]:
        """Compute the gradient of each parameter, in the order of `params`."""

    @final
    def _check_dtype(self) -> None:
        """Refuse to mix float32 with float64, which would silently widen or narrow numbers."""
        if self.input_.dtype != self.param.dtype:
            raise ValueError(
                f"input_ has dtype {self.input_.dtype}, but the parameters are {self.param.dtype}; "
                "give both the same dtype"
            )

"""A layer: a few operations in a row, and the parameters they need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import prod
from typing import ClassVar, TypeAlias, final

import numpy as np
import numpy.typing as npt

from diglot._typing import Array, Shape
from diglot.config import Configured, floating
from diglot.errors import ShapeError
from diglot.initializers import Initializer
from diglot.operations.base import Operation, ParamOperation

Create: TypeAlias = Callable[[str, Shape, Initializer], Array]
"""How a layer gets a parameter: (name, shape, how to draw it) -> array."""


class Layer(Configured, ABC):
    """A list of operations that is made when the shape of the input is known.

    A new layer is a `@dataclass(eq=False, repr=False)` whose fields are its settings, and writes
    only `_setup`.

    Attributes:
        operations: what the layer does, in order; empty until it is set up.
        input_shape: of one sample, without the batch axis; None until the layer is set up.
        output_shape: likewise.
        fixed_axes: the axes of a sample whose sizes the layer is made for, by default all. Along
            the others each batch has a size of its own: sentences have some number of words.
        takes_integers: whether the input holds integers, such as tokens, instead of real numbers.

    Book: chapter 3.
    """

    fixed_axes: ClassVar[slice] = slice(None)
    takes_integers: ClassVar[bool] = False

    operations: Sequence[Operation] = ()
    input_shape: Shape | None = None
    output_shape: Shape | None = None

    @abstractmethod
    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        """Make the operations for inputs of this shape; the layer itself is not changed.

        Args:
            input_shape: of one sample, without the batch axis.
            create: gives each parameter; names are unique within the layer.
            rng: for operations that draw numbers later on, like dropout.

        Returns:
            The operations, and the shape of the output for one sample.

        Raises:
            ShapeError: the layer cannot take inputs of this shape.
        """

    @final
    def setup(
        self,
        input_shape: Shape,
        create: Create | None = None,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Shape:
        """Make the operations and their parameters; those of before, if any, are dropped.

        Args:
            input_shape: of one sample, without the batch axis.
            create: gives each parameter; by default it is drawn from `rng` in `dtype`.
            rng: for parameters and dropout; by default a fresh one.
            dtype: float32 or float64.

        Returns:
            The output's shape for one sample.

        Raises:
            ShapeError: the layer cannot take inputs of this shape.
        """
        generator = np.random.default_rng() if rng is None else rng
        if create is None:
            real = floating("dtype", dtype)

            def create(name: str, shape: Shape, initializer: Initializer) -> Array:
                return initializer(shape, generator, real)

        self.operations, self.output_shape = self._setup(input_shape, create, generator)
        self.input_shape = input_shape
        return self.output_shape

    @final
    def measure(self, input_shape: Shape) -> tuple[Shape, dict[str, Shape]]:
        """Compute shapes without setting the layer up, or allocating anything.

        Args:
            input_shape: of one sample, without the batch axis.

        Returns:
            The output's shape for one sample, and the shape of each parameter by name.

        Raises:
            ShapeError: the layer cannot take inputs of this shape.
        """
        shapes: dict[str, Shape] = {}

        def note(name: str, shape: Shape, initializer: Initializer) -> Array:
            if name in shapes:
                raise ValueError(f"{self!r} has two parameters named {name!r}")
            shapes[name] = shape
            if prod(shape) * 8 >= 1 << 63:
                raise ShapeError(f"its {name} would have shape {shape}, more bytes than 2**63")
            return np.broadcast_to(np.zeros(()), shape)  # takes the memory of one number

        _, output_shape = self._setup(input_shape, note, np.random.default_rng(0))
        return output_shape, shapes

    @final
    def fits(self, input_shape: Shape) -> bool:
        """Tell whether the layer is set up for samples of this shape."""
        own = self.input_shape
        return own is not None and (
            own == input_shape
            or (
                len(own) == len(input_shape)
                and own[self.fixed_axes] == input_shape[self.fixed_axes]
            )
        )

    @final
    def forward(self, input_: Array, inference: bool = False) -> Array:
        """Send a batch through all operations; the first one sets the layer up.

        Args:
            input_: (N, *input_shape).
            inference: predict (no dropout) rather than train.

        Returns:
            output: (N, *output_shape).

        Raises:
            ShapeError: the layer was set up for another shape.
            ValueError: the input is not an array, or of no dtype that can be computed in.
        """
        if not isinstance(input_, np.ndarray):
            raise ValueError(f"input_ is a {type(input_).__name__}, expected a NumPy array")
        shape = input_.shape[1:]
        if shape != self.input_shape and not self.fits(shape):
            if self.input_shape is not None:
                expected = ", ".join(["N", *map(str, self.input_shape)])
                raise ShapeError(
                    f"input_ has shape {input_.shape}, expected ({expected}), "
                    "which the layer was set up for"
                )
            self.setup(shape, dtype=np.float32 if self.takes_integers else input_.dtype)
        for operation in self.operations:
            input_ = operation.forward(input_, inference)
        return input_

    @final
    def backward(self, output_grad: Array) -> Array:
        """Send the gradient of the output back through all operations.

        Args:
            output_grad: gradient of the loss with respect to the output, the output's shape.

        Returns:
            input_grad: gradient of the loss with respect to the input, the input's shape.

        Raises:
            ValueError: forward has not been run; a ShapeError if output_grad does not fit.
        """
        self._check_is_set_up()
        for operation in reversed(self.operations):
            output_grad = operation.backward(output_grad)
        return output_grad

    @final
    def backward_params(self, output_grad: Array) -> None:
        """Compute the gradients of the parameters alone, where nobody needs the input's.

        Args:
            output_grad: gradient of the loss with respect to the output, the output's shape.
        """
        self._check_is_set_up()
        learning = [i for i, op in enumerate(self.operations) if isinstance(op, ParamOperation)]
        if not learning:
            return
        for operation in reversed(self.operations[learning[0] + 1 :]):
            output_grad = operation.backward(output_grad)
        first = self.operations[learning[0]]
        if isinstance(first, ParamOperation):
            first.backward_params(output_grad)

    @final
    def parameters(self) -> dict[str, Array]:
        """Give the layer's parameters by name: the live arrays, empty before it is set up."""
        return {
            name: param
            for operation in self.operations
            if isinstance(operation, ParamOperation)
            for name, param in operation.params.items()
        }

    @final
    def gradients(self) -> dict[str, Array]:
        """Give the gradient of each parameter, by the same names.

        Raises:
            ValueError: backward has not been run.
        """
        try:
            return {
                name: grad
                for operation in self.operations
                if isinstance(operation, ParamOperation)
                for name, grad in operation.param_grads.items()
            }
        except AttributeError:
            raise ValueError(f"{self!r}: run backward before asking for gradients") from None

    def _check_is_set_up(self) -> None:
        if self.input_shape is None:
            raise ValueError(f"{self!r}: run forward before backward")

"""What the nodes share: checks, and a place for what backward needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias, final

from diglot._arrays import require_dtype, require_floating
from diglot._typing import Array, Shape
from diglot.errors import ShapeError

Params: TypeAlias = Mapping[str, Array]
"""Parameters by name, as "w_x" and "w_h"."""
ParamGrads: TypeAlias = dict[str, Array]
"""Their gradients: a node adds its own to what is there, since all nodes share the parameters."""


class Node(ABC):
    """One step of a recurrent network.

    A state has one row for each row of the input, and each row's state is its own. (The book
    carries the *mean* over the rows to the next batch: erratum E15.)

    Book: chapter 6.
    """

    _kept: tuple[Array, ...] | None = None

    @abstractmethod
    def param_shapes(self, features: int, hidden_size: int) -> dict[str, Shape]:
        """Give the shape of each parameter: of D features and a state of H numbers."""

    @abstractmethod
    def forward(self, *args: Any) -> Any:
        """Make the step, and keep what backward will need."""

    @abstractmethod
    def backward(self, *args: Any) -> Any:
        """Turn gradients of the state after the step into those of all that went in."""

    @final
    def _check(self, params: Params, input_: Array, *states: Array) -> None:
        require_floating("input_", input_)
        if input_.ndim != 2:
            raise ShapeError(f"input_ has shape {input_.shape}, expected (N, D): one step")
        rows, features = input_.shape
        hidden_size = states[0].shape[-1] if states[0].ndim else 0
        for name, state in zip(("hidden", "cell"), states, strict=False):
            require(name, state, (rows, hidden_size), input_)
        self.require_names(params)
        for name, shape in self.param_shapes(features, hidden_size).items():
            require(name, params[name], shape, input_)

    @final
    def require_names(self, params: Params) -> None:
        """Check that there are the parameters that the node has, and no others."""
        expected = sorted(self.param_shapes(0, 0))
        if sorted(params) != expected:
            raise ValueError(f"params has {sorted(params)}, expected {expected}")

    @final
    def _what_was_kept(self, *state_grads: Array) -> tuple[Array, ...]:
        if self._kept is None:
            raise ValueError(f"{type(self).__name__}: run forward before backward")
        state = self._kept[-1]
        for name, grad in zip(("hidden_grad", "cell_grad"), state_grads, strict=False):
            require(name, grad, state.shape, state)
        return self._kept


def add_to(param_grads: ParamGrads, **grads: Array) -> None:
    """Add gradients to those of the same name; a missing one counts as zeros."""
    for name, grad in grads.items():
        param_grads[name] = param_grads[name] + grad if name in param_grads else grad


def require(name: str, array: Array, shape: Shape, like: Array) -> None:
    """Check for an array of a given shape, and of another array's dtype."""
    require_dtype(name, array, like.dtype)
    if array.shape != shape:
        raise ShapeError(f"{name} has shape {array.shape}, expected {shape}")

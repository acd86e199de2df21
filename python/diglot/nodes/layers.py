"""Chains of nodes along a sequence, and backpropagation through time.

The layers that a network is built of are in `diglot.layers`; these are there to be read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeAlias, final

import numpy as np

from diglot._arrays import require_floating
from diglot._typing import Array, Shape
from diglot.errors import ShapeError
from diglot.nodes.base import ParamGrads, Params, require
from diglot.nodes.gru import GRUNode
from diglot.nodes.lstm import LSTMNode
from diglot.nodes.rnn import RNNNode

_HiddenNode: TypeAlias = RNNNode | GRUNode


class _HiddenLayer(ABC):
    """A chain of nodes whose state is one array; all share the parameters.

    Attributes:
        params: the parameters, by name.
        param_grads: the gradients of the loss with respect to them, after backward.
    """

    def __init__(self, params: Params) -> None:
        self.params = params
        self.param_grads: ParamGrads = {}
        self._nodes: list[_HiddenNode] = []

    @abstractmethod
    def _node(self) -> _HiddenNode:
        """Make a node for one step."""

    @final
    def forward(self, input_: Array, hidden: Array | None = None) -> tuple[Array, Array]:
        """Walk along a sequence.

            h_{t+1} = node_t(x_t, h_t),    y_t = h_{t+1}

        Args:
            input_: x, (N, T, D).
            hidden: each row's state before the first step, (N, H); zeros if None. To go on with a
                sequence, give what the last forward returned.

        Returns:
            The state after each step, (N, T, H), and after the last one, (N, H).

        Raises:
            ShapeError: the shapes do not fit together.
            ValueError: the dtypes differ, or a parameter is missing.
        """
        N, T, H = _require_sequence(input_, self.params)
        hidden = _zeros_unless(hidden, "hidden", (N, H), input_)
        self._nodes = [self._node() for _ in range(T)]
        output = np.empty((N, T, H), input_.dtype)
        for t in range(T):
            hidden = self._nodes[t].forward(input_[:, t], hidden, self.params)
            output[:, t] = hidden
        return output, hidden

    @final
    def backward(self, output_grad: Array, hidden_grad: Array | None = None) -> tuple[Array, Array]:
        """Go back through time, from the last step to the first.

        Args:
            output_grad: gradient of the state after each step, (N, T, H).
            hidden_grad: gradient of the last state, (N, H), from elsewhere; zeros if None.

        Returns:
            The gradients of the input (N, T, D) and of the first state (N, H).

        Raises:
            ShapeError: a gradient has not the shape of what it belongs to.
            ValueError: forward has not been run, or the dtypes differ.
        """
        N, T, H = _require_output_grad(output_grad, len(self._nodes))
        self.param_grads = {name: np.zeros_like(param) for name, param in self.params.items()}
        hidden_grad = _zeros_unless(hidden_grad, "hidden_grad", (N, H), output_grad)
        input_grad = np.empty((N, T, self.params["w_x"].shape[0]), output_grad.dtype)
        for t in reversed(range(T)):
            input_grad[:, t], hidden_grad = self._nodes[t].backward(
                output_grad[:, t] + hidden_grad, self.params, self.param_grads
            )
        return input_grad, hidden_grad


@final
class RNNLayer(_HiddenLayer):
    """A plain recurrent network along a sequence: one `RNNNode` for each step.

    Args:
        params: "w_x" (D, H), "w_h" (H, H), "b" (H,).
        activation: "tanh" or "relu".

    Book: chapter 6.
    """

    def __init__(self, params: Params, activation: str = "tanh") -> None:
        RNNNode(activation).require_names(params)
        super().__init__(params)
        self.activation = activation

    def _node(self) -> RNNNode:
        return RNNNode(self.activation)


@final
class GRULayer(_HiddenLayer):
    """A gated recurrent unit along a sequence: one `GRUNode` for each step.

    Args:
        params: "w_x" (D, 3*H), "w_h" (H, 3*H), "b_x" (3*H,), "b_h" (3*H,).
        reset_after: reset after the product with w_hn, as PyTorch does, or before it, as the paper.

    Book: chapter 6.
    """

    def __init__(self, params: Params, reset_after: bool = True) -> None:
        GRUNode(reset_after).require_names(params)
        super().__init__(params)
        self.reset_after = reset_after

    def _node(self) -> GRUNode:
        return GRUNode(self.reset_after)


@final
class LSTMLayer:
    """Long short-term memory along a sequence: one `LSTMNode` for each step.

    Args:
        params: "w_x" (D, 4*H), "w_h" (H, 4*H), "b" (4*H,).

    Attributes:
        params: the parameters, by name.
        param_grads: the gradients of the loss with respect to them, after backward.

    Book: chapter 6.
    """

    def __init__(self, params: Params) -> None:
        LSTMNode().require_names(params)
        self.params = params
        self.param_grads: ParamGrads = {}
        self._nodes: list[LSTMNode] = []

    def forward(
        self, input_: Array, hidden: Array | None = None, cell: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """Walk along a sequence.

            h_{t+1}, c_{t+1} = node_t(x_t, h_t, c_t),    y_t = h_{t+1}

        Args:
            input_: x, (N, T, D).
            hidden: each row's state before the first step, (N, H); zeros if None. To go on with a
                sequence, give what the last forward returned.
            cell: each row's cell state before the first step, (N, H); zeros if None.

        Returns:
            The state after each step, (N, T, H), and both states after the last one, (N, H).

        Raises:
            ShapeError: the shapes do not fit together.
            ValueError: the dtypes differ, or a parameter is missing.
        """
        N, T, H = _require_sequence(input_, self.params)
        hidden = _zeros_unless(hidden, "hidden", (N, H), input_)
        cell = _zeros_unless(cell, "cell", (N, H), input_)
        self._nodes = [LSTMNode() for _ in range(T)]
        output = np.empty((N, T, H), input_.dtype)
        for t in range(T):
            hidden, cell = self._nodes[t].forward(input_[:, t], hidden, cell, self.params)
            output[:, t] = hidden
        return output, hidden, cell

    def backward(
        self,
        output_grad: Array,
        hidden_grad: Array | None = None,
        cell_grad: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        """Go back through time, from the last step to the first.

        Args:
            output_grad: gradient of the state after each step, (N, T, H).
            hidden_grad: gradient of the last state, (N, H), from elsewhere; zeros if None.
            cell_grad: gradient of the last cell state, (N, H), from elsewhere; zeros if None.

        Returns:
            The gradients of the input (N, T, D), and of the first state and cell state (N, H).

        Raises:
            ShapeError: a gradient has not the shape of what it belongs to.
            ValueError: forward has not been run, or the dtypes differ.
        """
        N, T, H = _require_output_grad(output_grad, len(self._nodes))
        self.param_grads = {name: np.zeros_like(param) for name, param in self.params.items()}
        hidden_grad = _zeros_unless(hidden_grad, "hidden_grad", (N, H), output_grad)
        cell_grad = _zeros_unless(cell_grad, "cell_grad", (N, H), output_grad)
        input_grad = np.empty((N, T, self.params["w_x"].shape[0]), output_grad.dtype)
        for t in reversed(range(T)):
            input_grad[:, t], hidden_grad, cell_grad = self._nodes[t].backward(
                output_grad[:, t] + hidden_grad, cell_grad, self.params, self.param_grads
            )
        return input_grad, hidden_grad, cell_grad


def _require_sequence(input_: Array, params: Params) -> Shape:
    """Give N, T and H; the nodes check the rest, at each step."""
    require_floating("input_", input_)
    if input_.ndim != 3 or input_.shape[1] == 0:
        raise ShapeError(f"input_ has shape {input_.shape}, expected (N, T, D) with T at least 1")
    return (*input_.shape[:2], params["w_h"].shape[0])


def _zeros_unless(state: Array | None, name: str, shape: Shape, like: Array) -> Array:
    """Take a state, or zeros for none."""
    if state is None:
        return np.zeros(shape, like.dtype)
    require(name, state, shape, like)
    return state


def _require_output_grad(output_grad: Array, steps: int) -> Shape:
    if not steps:
        raise ValueError("run forward before backward")
    require_floating("output_grad", output_grad)
    if output_grad.ndim != 3 or output_grad.shape[1] != steps:
        raise ShapeError(f"output_grad has shape {output_grad.shape}, expected (N, {steps}, H)")
    return output_grad.shape

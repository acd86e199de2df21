"""One step of a plain recurrent network."""

from typing import final

import numpy as np

from diglot._typing import Array, Shape
from diglot.nodes.base import Node, ParamGrads, Params, add_to


@final
class RNNNode(Node):
    """One step of a plain recurrent network.

        h' = activation(x w_x + h w_h + b)

    Args:
        activation: "tanh" or "relu".

    Raises:
        ValueError: the activation is unknown.

    Book: chapter 6.
    """

    def __init__(self, activation: str = "tanh") -> None:
        if activation not in ("tanh", "relu"):
            raise ValueError(f"activation is {activation!r}, expected 'tanh' or 'relu'")
        self.activation = activation

    def param_shapes(self, features: int, hidden_size: int) -> dict[str, Shape]:
        """Give w_x (D, H), w_h (H, H), b (H,)."""
        D, H = features, hidden_size
        return {"w_x": (D, H), "w_h": (H, H), "b": (H,)}

    def forward(self, input_: Array, hidden: Array, params: Params) -> Array:
        """Make the step.

        Args:
            input_: x, (N, D).
            hidden: the state before, (N, H).
            params: "w_x", "w_h" and "b".

        Returns:
            The state after, (N, H).

        Raises:
            ShapeError: the shapes do not fit together.
            ValueError: the dtypes differ, or a parameter is missing.
        """
        self._check(params, input_, hidden)
        x, h = input_, hidden
        z = x @ params["w_x"] + h @ params["w_h"] + params["b"]  # (N, H)
        h_next: Array = np.tanh(z) if self.activation == "tanh" else np.maximum(z, 0)
        self._kept = (x, h, h_next)
        return h_next

    def backward(
        self, hidden_grad: Array, params: Params, param_grads: ParamGrads
    ) -> tuple[Array, Array]:
        """Go back through the step.

        Args:
            hidden_grad: gradient of the state after, (N, H): all of it, from this step's output and
                from the next step.
            params: as in forward.
            param_grads: the gradients of the parameters are added to these.

        Returns:
            The gradients of the input (N, D) and of the state before (N, H).

        Raises:
            ShapeError: hidden_grad has not the state's shape.
            ValueError: forward has not been run, or the dtypes differ.
        """
        x, h, h_next = self._what_was_kept(hidden_grad)
        slope: Array = 1 - h_next**2 if self.activation == "tanh" else h_next > 0
        dz = hidden_grad * slope  # (N, H)
        add_to(param_grads, w_x=x.T @ dz, w_h=h.T @ dz, b=dz.sum(axis=0))
        return dz @ params["w_x"].T, dz @ params["w_h"].T

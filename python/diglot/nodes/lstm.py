"""One step of long short-term memory."""

from typing import final

import numpy as np

from diglot import kernels
from diglot._typing import Array, Shape
from diglot.nodes.base import Node, ParamGrads, Params, add_to


@final
class LSTMNode(Node):
    """One step of long short-term memory.

        i = sigmoid(x w_xi + h w_hi + b_i)      what is written
        f = sigmoid(x w_xf + h w_hf + b_f)      what is kept
        g = tanh(x w_xg + h w_hg + b_g)         the candidate
        o = sigmoid(x w_xo + h w_ho + b_o)      what is shown
        c' = f * c + i * g
        h' = o * tanh(c')

    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000. Book: chapter 6.
    """

    def param_shapes(self, features: int, hidden_size: int) -> dict[str, Shape]:
        """Give w_x (D, 4*H), w_h (H, 4*H), b (4*H,): i, f, g and o side by side."""
        D, H = features, hidden_size
        return {"w_x": (D, 4 * H), "w_h": (H, 4 * H), "b": (4 * H,)}

    def forward(
        self, input_: Array, hidden: Array, cell: Array, params: Params
    ) -> tuple[Array, Array]:
        """Make the step.

        Args:
            input_: x, (N, D).
            hidden: the state before, (N, H).
            cell: the cell state before, (N, H).
            params: "w_x", "w_h" and "b".

        Returns:
            The state and the cell state after, (N, H) each.

        Raises:
            ShapeError: the shapes do not fit together.
            ValueError: the dtypes differ, or a parameter is missing.
        """
        self._check(params, input_, hidden, cell)
        x, h, c = input_, hidden, cell
        z = x @ params["w_x"] + h @ params["w_h"] + params["b"]  # (N, 4*H)
        z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)  # (N, H) each
        i, f, o = (kernels.sigmoid_forward(z_gate) for z_gate in (z_i, z_f, z_o))
        g = np.tanh(z_g)
        c_next: Array = f * c + i * g
        tanh_c = np.tanh(c_next)
        h_next: Array = o * tanh_c
        self._kept = (x, h, c, i, f, g, o, tanh_c)
        return h_next, c_next

    def backward(
        self, hidden_grad: Array, cell_grad: Array, params: Params, param_grads: ParamGrads
    ) -> tuple[Array, Array, Array]:
        """Go back through the step.

        Args:
            hidden_grad: gradient of the state after, (N, H): all of it, from this step's output and
                from the next step.
            cell_grad: gradient of the cell state after, (N, H), as far as the next step knows.
            params: as in forward.
            param_grads: the gradients of the parameters are added to these.

        Returns:
            The gradients of the input (N, D), and of the state and cell state before (N, H).

        Raises:
            ShapeError: a gradient has not the state's shape.
            ValueError: forward has not been run, or the dtypes differ.
        """
        x, h, c, i, f, g, o, tanh_c = self._what_was_kept(hidden_grad, cell_grad)
        dc = cell_grad + hidden_grad * o * (1 - tanh_c**2)  # (N, H), both ways to the loss
        dz_i = dc * g * i * (1 - i)
        dz_f = dc * c * f * (1 - f)
        dz_g = dc * i * (1 - g**2)
        dz_o = hidden_grad * tanh_c * o * (1 - o)
        dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)  # (N, 4*H)
        add_to(param_grads, w_x=x.T @ dz, w_h=h.T @ dz, b=dz.sum(axis=0))
        return dz @ params["w_x"].T, dz @ params["w_h"].T, dc * f

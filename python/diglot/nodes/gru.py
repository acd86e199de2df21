"""One step of a gated recurrent unit."""

from typing import final

import numpy as np

from diglot import kernels
from diglot._typing import Array, Shape
from diglot.nodes.base import Node, ParamGrads, Params, add_to


@final
class GRUNode(Node):
    """One step of a gated recurrent unit.

        r = sigmoid(x w_xr + b_xr + h w_hr + b_hr)         what is read of the state
        z = sigmoid(x w_xz + b_xz + h w_hz + b_hz)         what is kept of it (the book's u)
        n = tanh(x w_xn + b_xn + r * (h w_hn + b_hn))      the candidate, if reset_after
        n = tanh(x w_xn + b_xn + (r * h) w_hn + b_hn)      the candidate, if not
        h' = (1 - z) * n + z * h

    The book's update gate is computed from the reset gate's weights (erratum E6), and its backward
    pass forgets ways on which the state before reaches the one after (erratum E7); there are four:
    through z * h, r, z and n.

    Args:
        reset_after: reset after the product with w_hn, as PyTorch does, or before it, as the paper.

    Source: Cho et al. 2014, arXiv:1406.1078. Book: chapter 6.
    """

    def __init__(self, reset_after: bool = True) -> None:
        self.reset_after = reset_after

    def param_shapes(self, features: int, hidden_size: int) -> dict[str, Shape]:
        """Give w_x (D, 3*H), w_h (H, 3*H), b_x (3*H,), b_h (3*H,): r, z and n side by side."""
        D, H = features, hidden_size
        return {"w_x": (D, 3 * H), "w_h": (H, 3 * H), "b_x": (3 * H,), "b_h": (3 * H,)}

    def forward(self, input_: Array, hidden: Array, params: Params) -> Array:
        """Make the step.

        Args:
            input_: x, (N, D).
            hidden: the state before, (N, H).
            params: "w_x", "w_h", "b_x" and "b_h".

        Returns:
            The state after, (N, H).

        Raises:
            ShapeError: the shapes do not fit together.
            ValueError: the dtypes differ, or a parameter is missing.
        """
        self._check(params, input_, hidden)
        x, h = input_, hidden
        w_hr, w_hz, w_hn = np.split(params["w_h"], 3, axis=1)  # (H, H) each
        b_hr, b_hz, b_hn = np.split(params["b_h"], 3)
        x_r, x_z, x_n = np.split(x @ params["w_x"] + params["b_x"], 3, axis=1)  # (N, H) each
        r = kernels.sigmoid_forward(x_r + (h @ w_hr + b_hr))
        z = kernels.sigmoid_forward(x_z + (h @ w_hz + b_hz))
        if self.reset_after:
            m = h @ w_hn + b_hn
            n = np.tanh(x_n + r * m)
        else:
            m = r * h
            n = np.tanh(x_n + (m @ w_hn + b_hn))
        h_next: Array = (1 - z) * n + z * h
        self._kept = (x, h, r, z, n, m, h_next)
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
        x, h, r, z, n, m, _ = self._what_was_kept(hidden_grad)
        w_hr, w_hz, w_hn = np.split(params["w_h"], 3, axis=1)  # (H, H) each
        da_n = hidden_grad * (1 - z) * (1 - n**2)  # gradient of what tanh was applied to, (N, H)
        da_z = hidden_grad * (h - n) * z * (1 - z)  # of what sigmoid was applied to
        if self.reset_after:
            da_r = da_n * m * r * (1 - r)
            dm = da_n * r
            dh_through_n, dw_hn, db_hn = dm @ w_hn.T, h.T @ dm, dm.sum(axis=0)
        else:
            dm = da_n @ w_hn.T
            da_r = dm * h * r * (1 - r)
            dh_through_n, dw_hn, db_hn = dm * r, m.T @ da_n, da_n.sum(axis=0)
        da = np.concatenate([da_r, da_z, da_n], axis=1)  # (N, 3*H)
        add_to(
            param_grads,
            w_x=x.T @ da,
            w_h=np.concatenate([h.T @ da_r, h.T @ da_z, dw_hn], axis=1),
            b_x=da.sum(axis=0),
            b_h=np.concatenate([da_r.sum(axis=0), da_z.sum(axis=0), db_hn]),
        )
        dh = hidden_grad * z + da_r @ w_hr.T + da_z @ w_hz.T + dh_through_n
        return da @ params["w_x"].T, dh

"""The LSTM as the book runs it: an object makes one step, and a loop goes along the sequence."""

import numpy as np

from diglot._typing import Array
from diglot.nodes import LSTMNode


@np.errstate(all="ignore")
def lstm(x: Array, h0: Array, c0: Array, w_x: Array, w_h: Array, b: Array) -> Array:
    """Run long short-term memory along a sequence, with a node for each step.

    Args:
        x: (N, T, D).
        h0, c0: (N, H).
        w_x, w_h, b: (D, 4*H), (H, 4*H), (4*H,): i, f, g and o side by side.

    Returns:
        y: (N, T, H), of the dtype of x.

    Book: chapter 6.
    """
    dtype = x.dtype.newbyteorder("=")
    x, hidden, cell, w_x, w_h, b = (a.astype(dtype, copy=False) for a in (x, h0, c0, w_x, w_h, b))
    params = {"w_x": w_x, "w_h": w_h, "b": b}
    nodes = [LSTMNode() for _ in range(x.shape[1])]
    y = np.empty((*x.shape[:2], h0.shape[1]), dtype)
    for t, node in enumerate(nodes):
        hidden, cell = node.forward(x[:, t], hidden, cell, params)
        y[:, t] = hidden
    return y

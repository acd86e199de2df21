"""Recurrent networks: a cell, which makes one step in time, and a loop over the steps.

Each kernel runs a whole sequence. x is (N, T, D): rows, steps, features; the state h has H numbers
a row. The gates' weights lie side by side: w_x (D, G*H), w_h (H, G*H), for G gates. The forward
kernels return as `saved` what the backward ones need, with the time as the first axis; h[0] is the
state before the first step and h[t] the one after t steps.
"""

import numpy as np

from diglot._typing import Array
from diglot.kernels.reference.activations import (
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    tanh_backward,
    tanh_forward,
)

_ACTIVATIONS = {
    "tanh": (tanh_forward, tanh_backward),
    "relu": (relu_forward, relu_backward),
}


def _rows_first(h: Array) -> Array:
    """Give the states after each step as (N, T, H), from the saved ones, (T + 1, N, H)."""
    return h[1:].swapaxes(0, 1).copy()


def _zeros(like: Array, *shape: int) -> Array:
    """Make an array of zeros of the dtype of another one, in native byte order."""
    return np.zeros(shape, like.dtype.newbyteorder("="))


def _copy(a: Array) -> Array:
    return np.array(a, a.dtype.newbyteorder("="), order="C")


def _sums(x: Array, w_x: Array, w_h: Array) -> tuple[Array, Array, Array, Array]:
    """Begin dx, dw_x, dw_h and db with zeros."""
    dx, dw_x, dw_h = (_zeros(x, *array.shape) for array in (x, w_x, w_h))
    return dx, dw_x, dw_h, _zeros(x, w_h.shape[1])


# ---- the plain recurrent network -----------------------------------------------------------------


def rnn_cell(
    x: Array, h: Array, w_x: Array, w_h: Array, b: Array, *, activation: str = "tanh"
) -> Array:
    """Make one step: h' = activation(x w_x + h w_h + b)."""
    forward, _ = _ACTIVATIONS[activation]
    return forward(x @ w_x + h @ w_h + b)


@np.errstate(all="ignore")
def rnn_forward(
    x: Array, h0: Array, w_x: Array, w_h: Array, b: Array, *, activation: str = "tanh"
) -> tuple[Array, Array, Array]:
    """Run a plain recurrent network along a sequence.

        h_t = activation(x_t w_x + h_{t-1} w_h + b),    y_t = h_t

    Args:
        x: input, (N, T, D).
        h0: the state before the first step, (N, H).
        w_x, w_h, b: parameters, (D, H), (H, H), (H,).
        activation: "tanh" or "relu".

    Returns:
        y: the state after each step, (N, T, H).
        h_n: the state after the last step, (N, H); a copy of h0 where T = 0.
        saved: h, the states after 0, 1, ... T steps, (T + 1, N, H).

    Raises (native):
        ValueError: the sizes do not fit together, or the activation is unknown.

    Book: chapter 6. Native: csrc/kernels/recurrent_rnn.cpp
    """
    T = x.shape[1]
    h = _zeros(h0, T + 1, *h0.shape)
    h[0] = h0
    for t in range(T):
        h[t + 1] = rnn_cell(x[:, t], h[t], w_x, w_h, b, activation=activation)
    return _rows_first(h), h[T].copy(), h


@np.errstate(all="ignore")
def rnn_backward(
    dy: Array,
    dh_n: Array,
    x: Array,
    h0: Array,
    w_x: Array,
    w_h: Array,
    saved: Array,
    *,
    activation: str = "tanh",
) -> tuple[Array, Array, Array, Array, Array]:
    """Compute the gradients of a plain recurrent network: backpropagation through time.

        dh_t = dy_t + dz_{t+1} w_h^T,    dz_t = dh_t * activation'(z_t)

    Args:
        dy: gradient of y, (N, T, H).
        dh_n: gradient of h_n, (N, H); zeros where nobody used it.
        x, h0, w_x, w_h: as in the forward pass.
        saved: what rnn_forward returned.
        activation: as in the forward pass.

    Returns:
        dx, dh0, dw_x, dw_h, db: the gradients, each in the shape of its argument.

    Raises (native):
        ValueError: the sizes do not fit together, or the activation is unknown.

    Book: chapter 6. Native: csrc/kernels/recurrent_rnn.cpp
    """
    h = saved
    _, activation_backward = _ACTIVATIONS[activation]
    dx, dw_x, dw_h, db = _sums(x, w_x, w_h)
    dh = _copy(dh_n)
    for t in reversed(range(x.shape[1])):
        dz = activation_backward(dy[:, t] + dh, h[t + 1])
        dx[:, t] = dz @ w_x.T
        dw_x += x[:, t].T @ dz
        dw_h += h[t].T @ dz
        db += dz.sum(axis=0)
        dh = dz @ w_h.T
    return dx, dh, dw_x, dw_h, db


# ---- the gated recurrent unit --------------------------------------------------------------------


def gru_cell(
    x: Array, h: Array, w_x: Array, w_h: Array, b_x: Array, b_h: Array, *, reset_after: bool = True
) -> tuple[Array, Array, Array]:
    """Make one step; gru_forward has the equations.

    Returns:
        h': the next state, (N, H).
        gates: r, z and n side by side, (N, 3*H).
        m: what the candidate n takes from the state, (N, H).
    """
    H = h.shape[1]
    x_r, x_z, x_n = np.split(x @ w_x + b_x, 3, axis=1)
    h_r, h_z = np.split(h @ w_h[:, : 2 * H] + b_h[: 2 * H], 2, axis=1)
    r, z = sigmoid_forward(x_r + h_r), sigmoid_forward(x_z + h_z)
    if reset_after:
        m = h @ w_h[:, 2 * H :] + b_h[2 * H :]
        n = tanh_forward(x_n + r * m)
    else:
        m = r * h
        n = tanh_forward(x_n + (m @ w_h[:, 2 * H :] + b_h[2 * H :]))
    return (1 - z) * n + z * h, np.concatenate([r, z, n], axis=1), m


def gru_cell_backward(
    dh: Array, h: Array, w_h: Array, gates: Array, m: Array, *, reset_after: bool = True
) -> tuple[Array, Array, Array]:
    """Go back one step.

    Returns:
        dh: gradient of the state before the step, (N, H).
        dz_x: gradient of x w_x + b_x, (N, 3*H).
        dz_h: gradient of the products with w_h, plus b_h, (N, 3*H).
    """
    H = h.shape[1]
    r, z, n = np.split(gates, 3, axis=1)
    a_n = tanh_backward(dh * (1 - z), n)
    a_z = sigmoid_backward(dh * (h - n), z)
    if reset_after:
        a_r = sigmoid_backward(a_n * m, r)
        dz_h = np.concatenate([a_r, a_z, a_n * r], axis=1)
        dh_before = dz_h @ w_h.T + dh * z
    else:
        dm = a_n @ w_h[:, 2 * H :].T
        a_r = sigmoid_backward(dm * h, r)
        dz_h = np.concatenate([a_r, a_z, a_n], axis=1)
        dh_before = dz_h[:, : 2 * H] @ w_h[:, : 2 * H].T + dm * r + dh * z
    return dh_before, np.concatenate([a_r, a_z, a_n], axis=1), dz_h


@np.errstate(all="ignore")
def gru_forward(
    x: Array, h0: Array, w_x: Array, w_h: Array, b_x: Array, b_h: Array, *, reset_after: bool = True
) -> tuple[Array, Array, tuple[Array, Array, Array]]:
    """Run a gated recurrent unit along a sequence.

        r = sigmoid(x w_xr + b_xr + h w_hr + b_hr)         what is read of the state
        z = sigmoid(x w_xz + b_xz + h w_hz + b_hz)         what is kept of it
        n = tanh(x w_xn + b_xn + r * (h w_hn + b_hn))      the candidate, if reset_after
        n = tanh(x w_xn + b_xn + (r * h) w_hn + b_hn)      the candidate, if not
        h' = (1 - z) * n + z * h

    Args:
        x: input, (N, T, D).
        h0: the state before the first step, (N, H).
        w_x, w_h: weights of r, z and n side by side, (D, 3*H), (H, 3*H).
        b_x, b_h: biases, (3*H,) each.
        reset_after: reset after the product with w_hn, as PyTorch does, or before it, as the paper.

    Returns:
        y: the state after each step, (N, T, H).
        h_n: the state after the last step, (N, H); a copy of h0 where T = 0.
        saved: (h, gates, m). h (T + 1, N, H), the states after 0, 1, ... T steps; gates
            (T, N, 3*H), r, z and n; m (T, N, H), what the candidate takes from the state:
            h w_hn + b_hn if reset_after, else r * h.

    Raises (native):
        ValueError: the sizes do not fit together.

    Source: Cho et al. 2014, arXiv:1406.1078. Book: chapter 6.
    Native: csrc/kernels/recurrent_gru.cpp
    """
    (N, T, _), H = x.shape, h0.shape[1]
    h, gates, m = _zeros(h0, T + 1, N, H), _zeros(h0, T, N, 3 * H), _zeros(h0, T, N, H)
    h[0] = h0
    for t in range(T):
        h[t + 1], gates[t], m[t] = gru_cell(
            x[:, t], h[t], w_x, w_h, b_x, b_h, reset_after=reset_after
        )
    return _rows_first(h), h[T].copy(), (h, gates, m)


@np.errstate(all="ignore")
def gru_backward(
    dy: Array,
    dh_n: Array,
    x: Array,
    h0: Array,
    w_x: Array,
    w_h: Array,
    saved: tuple[Array, Array, Array],
    *,
    reset_after: bool = True,
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Compute the gradients of a gated recurrent unit: backpropagation through time.

        dh_t = dy_t + what step t + 1 hands back

    Args:
        dy: gradient of y, (N, T, H).
        dh_n: gradient of h_n, (N, H); zeros where nobody used it.
        x, h0, w_x, w_h: as in the forward pass.
        saved: what gru_forward returned.
        reset_after: as in the forward pass.

    Returns:
        dx, dh0, dw_x, dw_h, db_x, db_h: the gradients, each in the shape of its argument.

    Raises (native):
        ValueError: the sizes do not fit together.

    Book: chapter 6. Native: csrc/kernels/recurrent_gru.cpp
    """
    (h, gates, m), H = saved, h0.shape[1]
    dx, dw_x, dw_h, db_x = _sums(x, w_x, w_h)
    db_h = np.zeros_like(db_x)
    dh = _copy(dh_n)
    for t in reversed(range(x.shape[1])):
        dh, dz_x, dz_h = gru_cell_backward(
            dy[:, t] + dh, h[t], w_h, gates[t], m[t], reset_after=reset_after
        )
        dx[:, t] = dz_x @ w_x.T
        dw_x += x[:, t].T @ dz_x
        dw_h[:, : 2 * H] += h[t].T @ dz_h[:, : 2 * H]
        dw_h[:, 2 * H :] += (h[t] if reset_after else m[t]).T @ dz_h[:, 2 * H :]
        db_x += dz_x.sum(axis=0)
        db_h += dz_h.sum(axis=0)
    return dx, dh, dw_x, dw_h, db_x, db_h


# ---- long short-term memory ----------------------------------------------------------------------


def lstm_cell(
    x: Array, h: Array, c: Array, w_x: Array, w_h: Array, b: Array
) -> tuple[Array, Array, Array]:
    """Make one step; lstm_forward has the equations.

    Returns:
        h', c': the next state and the next cell state, (N, H).
        gates: i, f, g and o side by side, (N, 4*H).
    """
    z_i, z_f, z_g, z_o = np.split(x @ w_x + h @ w_h + b, 4, axis=1)
    i, f, g, o = sigmoid_forward(z_i), sigmoid_forward(z_f), tanh_forward(z_g), sigmoid_forward(z_o)
    c = f * c + i * g
    h = o * tanh_forward(c)
    return h, c, np.concatenate([i, f, g, o], axis=1)


def lstm_cell_backward(
    dh: Array, dc: Array, c: Array, c_next: Array, gates: Array
) -> tuple[Array, Array]:
    """Go back one step, through the gates.

    Returns:
        dc: gradient of the cell state before the step, (N, H).
        dz: gradient of what the gates were applied to, (N, 4*H).
    """
    i, f, g, o = np.split(gates, 4, axis=1)
    tanh_c = tanh_forward(c_next)
    dc = dc + tanh_backward(dh * o, tanh_c)
    dz_i, dz_f = sigmoid_backward(dc * g, i), sigmoid_backward(dc * c, f)
    dz_g, dz_o = tanh_backward(dc * i, g), sigmoid_backward(dh * tanh_c, o)
    return dc * f, np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)


@np.errstate(all="ignore")
def lstm_forward(
    x: Array, h0: Array, c0: Array, w_x: Array, w_h: Array, b: Array
) -> tuple[Array, Array, Array, tuple[Array, Array, Array]]:
    """Run long short-term memory along a sequence.

        i = sigmoid(x w_xi + h w_hi + b_i)      what is written
        f = sigmoid(x w_xf + h w_hf + b_f)      what is kept
        g = tanh(x w_xg + h w_hg + b_g)         the candidate
        o = sigmoid(x w_xo + h w_ho + b_o)      what is shown
        c' = f * c + i * g
        h' = o * tanh(c')

    Args:
        x: input, (N, T, D).
        h0, c0: the state and the cell state before the first step, (N, H).
        w_x, w_h: weights of i, f, g and o side by side, (D, 4*H), (H, 4*H).
        b: biases, (4*H,).

    Returns:
        y: the state after each step, (N, T, H).
        h_n, c_n: both states after the last step, (N, H); copies of h0 and c0 where T = 0.
        saved: (h, c, gates). h and c (T + 1, N, H), the states and cell states after 0, 1, ... T
            steps; gates (T, N, 4*H), i, f, g and o.

    Raises (native):
        ValueError: the sizes do not fit together.

    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000. Book: chapter 6.
    Native: csrc/kernels/recurrent_lstm.cpp
    """
    (N, T, _), H = x.shape, h0.shape[1]
    h, c, gates = _zeros(h0, T + 1, N, H), _zeros(h0, T + 1, N, H), _zeros(h0, T, N, 4 * H)
    h[0], c[0] = h0, c0
    for t in range(T):
        h[t + 1], c[t + 1], gates[t] = lstm_cell(x[:, t], h[t], c[t], w_x, w_h, b)
    return _rows_first(h), h[T].copy(), c[T].copy(), (h, c, gates)


@np.errstate(all="ignore")
def lstm_backward(
    dy: Array,
    dh_n: Array,
    dc_n: Array,
    x: Array,
    h0: Array,
    c0: Array,
    w_x: Array,
    w_h: Array,
    saved: tuple[Array, Array, Array],
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Compute the gradients of long short-term memory: backpropagation through time.

        dh_t = dy_t + dz_{t+1} w_h^T,    dc_t = dh_t * o * (1 - tanh(c_t)²) + dc_{t+1} * f_{t+1}

    Args:
        dy: gradient of y, (N, T, H).
        dh_n, dc_n: gradients of h_n and c_n, (N, H); zeros where nobody used them.
        x, h0, c0, w_x, w_h: as in the forward pass.
        saved: what lstm_forward returned.

    Returns:
        dx, dh0, dc0, dw_x, dw_h, db: the gradients, each in the shape of its argument.

    Raises (native):
        ValueError: the sizes do not fit together.

    Book: chapter 6. Native: csrc/kernels/recurrent_lstm.cpp
    """
    h, c, gates = saved
    dx, dw_x, dw_h, db = _sums(x, w_x, w_h)
    dh, dc = _copy(dh_n), _copy(dc_n)
    for t in reversed(range(x.shape[1])):
        dc, dz = lstm_cell_backward(dy[:, t] + dh, dc, c[t], c[t + 1], gates[t])
        dx[:, t] = dz @ w_x.T
        dw_x += x[:, t].T @ dz
        dw_h += h[t].T @ dz
        db += dz.sum(axis=0)
        dh = dz @ w_h.T
    return dx, dh, dc, dw_x, dw_h, db

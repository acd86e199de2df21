"""How far rounding carries the results of recurrent networks: the scales of `tolerance`.

Forward, an error of the state before a step reaches the step through w_h, and adds to what the step
rounds itself; a function is flatter than its steepest place. Backward, the network is linear in the
gradients: the sums of the terms' sizes, with a + y where a derivative subtracts y.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from diglot._typing import Array

Arguments: TypeAlias = dict[str, Any]
Outputs: TypeAlias = dict[str, Array]


def _split(gates: Array, count: int) -> list[Array]:
    return np.split(gates, count, axis=-1)


def _sizes(arguments: Arguments) -> Arguments:
    return {n: abs(v) if isinstance(v, np.ndarray) else v for n, v in arguments.items()}


def _states(scale: Array) -> list[Array]:
    """The scales of y and h_n, from those of all states."""
    return [scale[1:].swapaxes(0, 1), scale[-1]]


def _known(scales: list[Array]) -> list[Array]:
    """What an infinite term leaves undefined may be anything."""
    return [np.nan_to_num(scale, nan=np.inf, posinf=np.inf) for scale in scales]


def _rnn_forward(a: Arguments, y: Outputs) -> list[Array]:
    a, h = _sizes(a), abs(y["output 2"])
    scale = np.zeros_like(h)
    for t in range(len(h) - 1):
        scale[t + 1] = a["x"][:, t] @ a["w_x"] + (h[t] + scale[t]) @ a["w_h"] + a["b"]
    return [*_states(scale), scale]


def _gru_forward(a: Arguments, y: Outputs) -> list[Array]:
    after = a.get("reset_after", True)
    a = _sizes(a)
    h, gates, m = (abs(y[f"output {i}"]) for i in (2, 3, 4))
    H = h.shape[-1]
    scale, scale_gates, scale_m = np.zeros_like(h), np.zeros_like(gates), np.zeros_like(m)
    for t in range(len(m)):
        r, z, n = _split(gates[t], 3)
        x = a["x"][:, t] @ a["w_x"] + a["b_x"]
        from_h = (h[t] + scale[t]) @ a["w_h"] + a["b_h"]
        s_r, s_z, _ = _split((x + from_h) / 4 + gates[t], 3)
        if after:
            scale_m[t] = from_h[:, 2 * H :]
            s_n = x[:, 2 * H :] + r * scale_m[t] + s_r * m[t]
        else:
            scale_m[t] = r * (h[t] + scale[t]) + s_r * h[t]
            s_n = x[:, 2 * H :] + (m[t] + scale_m[t]) @ a["w_h"][:, 2 * H :] + a["b_h"][2 * H :]
        scale_gates[t] = np.concatenate([s_r, s_z, s_n], axis=1)
        scale[t + 1] = s_n + n + z * scale[t] + s_z * (n + h[t]) + h[t]
    return [*_states(scale), scale, scale_gates, scale_m]


def _lstm_forward(a: Arguments, y: Outputs) -> list[Array]:
    a = _sizes(a)
    h, c, gates = (abs(y[f"output {i}"]) for i in (3, 4, 5))
    scale, scale_c, scale_gates = np.zeros_like(h), np.zeros_like(c), np.zeros_like(gates)
    for t in range(len(gates)):
        i, f, g, o = _split(gates[t], 4)
        z = a["x"][:, t] @ a["w_x"] + (h[t] + scale[t]) @ a["w_h"] + a["b"]
        s_i, s_f, s_g, s_o = _split(z, 4)
        s_i, s_f, s_o = s_i / 4 + i, s_f / 4 + f, s_o / 4 + o
        scale_gates[t] = np.concatenate([s_i, s_f, s_g, s_o], axis=1)
        scale_c[t + 1] = f * scale_c[t] + s_f * c[t] + i * s_g + s_i * g
        scale[t + 1] = s_o * np.tanh(c[t + 1]) + o * scale_c[t + 1]
    return [*_states(scale), scale_c[-1], scale, scale_c, scale_gates]


def _sums(x: Array, w: Array, h: list[Array], dz: list[Array], dz_h: list[Array]) -> list[Array]:
    """The scales of dx, dw_x and db, then of dw_h and the second db, from those of dz at each t."""
    T = range(len(dz))
    dx = np.stack([dz[t] @ w.T for t in T], axis=1) if dz else np.zeros_like(x)
    dw_x = sum((x[:, t].T @ dz[t] for t in T), np.zeros_like(w))
    db = sum((dz[t].sum(axis=0) for t in T), np.zeros(w.shape[1]))
    dw_h = sum((h[t].T @ dz_h[t] for t in T), np.zeros((h[0].shape[1], w.shape[1])))
    return [dx, dw_x, db, dw_h, sum((dz_h[t].sum(axis=0) for t in T), np.zeros(w.shape[1]))]


def _sigmoid(dy: Array, y: Array) -> Array:
    return np.asarray(dy * y * (1 + y))


def _tanh(dy: Array, y: Array) -> Array:
    return np.asarray(dy * (1 + y * y))


def _rnn_backward(a: Arguments, y: Outputs) -> list[Array]:
    a = _sizes(a)
    h, dh, T = a["saved"], a["dh_n"], a["x"].shape[1]
    dz: list[Array] = []
    for t in reversed(range(T)):
        dh = a["dy"][:, t] + dh
        dz.insert(0, dh if a.get("activation") == "relu" else _tanh(dh, h[t + 1]))
        dh = dz[0] @ a["w_h"].T
    dx, dw_x, db, dw_h, _ = _sums(a["x"], a["w_x"], list(h), dz, dz)
    return [dx, dh, dw_x, dw_h, db]


def _gru_backward(a: Arguments, y: Outputs) -> list[Array]:
    after = a.get("reset_after", True)
    a = _sizes(a)
    (h, gates, m), dh = map(abs, a["saved"]), a["dh_n"]
    H = h.shape[-1]
    w_n, w_rz = a["w_h"][:, 2 * H :].T, a["w_h"][:, : 2 * H].T
    dz: list[Array] = []
    dz_h: list[Array] = []
    for t in reversed(range(len(m))):
        r, z, n = _split(gates[t], 3)
        dh = a["dy"][:, t] + dh
        a_n, a_z = _tanh(dh * (1 + z), n), _sigmoid(dh * (n + h[t]), z)
        q = a_n * r if after else a_n
        dm = a_n @ w_n
        a_r = _sigmoid(a_n * m[t] if after else dm * h[t], r)
        rest = q @ w_n if after else dm * r
        dh = dh * z + rest + np.concatenate([a_r, a_z], axis=1) @ w_rz
        dz.insert(0, np.concatenate([a_r, a_z, a_n], axis=1))
        dz_h.insert(0, np.concatenate([a_r, a_z, q], axis=1))
    before = list(h)
    dx, dw_x, db_x, dw_h, db_h = _sums(a["x"], a["w_x"], before, dz, dz_h)
    if not after:
        *_, of_m, _ = _sums(a["x"], a["w_x"], list(m) or before, dz, dz_h)
        dw_h[:, 2 * H :] = of_m[:, 2 * H :]
    return [dx, dh, dw_x, dw_h, db_x, db_h]


def _lstm_backward(a: Arguments, y: Outputs) -> list[Array]:
    a = _sizes(a)
    (h, c, gates), dh, dc = map(abs, a["saved"]), a["dh_n"], a["dc_n"]
    dz: list[Array] = []
    for t in reversed(range(len(gates))):
        i, f, g, o = _split(gates[t], 4)
        dh, tanh_c = a["dy"][:, t] + dh, np.tanh(c[t + 1])
        dc = dc + _tanh(dh * o, tanh_c)
        parts = [_sigmoid(dc * g, i), _sigmoid(dc * c[t], f), _tanh(dc * i, g)]
        dz.insert(0, np.concatenate([*parts, _sigmoid(dh * tanh_c, o)], axis=1))
        dh, dc = dz[0] @ a["w_h"].T, dc * f
    dx, dw_x, db, dw_h, _ = _sums(a["x"], a["w_x"], list(h), dz, dz)
    return [dx, dh, dc, dw_x, dw_h, db]


def _scale(of: Callable[[Arguments, Outputs], list[Array]]) -> Callable[..., list[Array]]:
    return lambda kernel, a, y, calls: _known(of(a, y))


SCALES: Mapping[str, Callable[..., list[Array]]] = {
    "rnn_forward": _scale(_rnn_forward),
    "rnn_backward": _scale(_rnn_backward),
    "gru_forward": _scale(_gru_forward),
    "gru_backward": _scale(_gru_backward),
    "lstm_forward": _scale(_lstm_forward),
    "lstm_backward": _scale(_lstm_backward),
}

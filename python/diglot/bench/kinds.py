"""How diglot does each kind of work: with the reference's kernels, or with a native build's.

A kind is a kernel's name, or one of the combinations below: what a peer computes in one call, such
as a convolution with both of its gradients, is a sum of our kernels.
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from diglot._typing import Array
from diglot.bench.work import Arguments, Run
from diglot.kernels.cases import CASES, ROLES

Combination = Callable[[ModuleType, Arguments], Any]


def _conv2d(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    x, w, dy, settings = a["x"], a["w"], a["dy"], a["settings"]
    y = k.conv2d_forward(x, w, a["b"], **settings)
    dx = k.conv2d_backward_input(dy, w, input_size=x.shape[2:], **settings)
    dw, db = k.conv2d_backward_weight(dy, x, kernel_size=w.shape[2:], **settings)
    return y, dx, dw, db


def _dense(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    y = k.dense_forward(a["x"], a["w"], a["b"])
    dx = k.matmul(a["dy"], a["w"], transpose_b=True)
    dw, db = k.dense_backward_weight(a["dy"], a["x"])
    return y, dx, dw, db


def _max_pool2d(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    y, indices = k.max_pool2d_forward(a["x"], **a["settings"])
    return y, k.max_pool2d_backward(a["dy"], indices, input_size=a["x"].shape[2:])


def _avg_pool2d(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    y = k.avg_pool2d_forward(a["x"], **a["settings"])
    return y, k.avg_pool2d_backward(a["dy"], input_size=a["x"].shape[2:], **a["settings"])


def _softmax_cross_entropy(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    loss, probabilities = k.softmax_cross_entropy_forward(a["logits"], a["labels"])
    return loss, k.softmax_cross_entropy_backward(probabilities, a["labels"])


def _dropout(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    y, mask = k.dropout_forward(a["x"], rate=a["rate"], seed=a["seed"])
    return y, k.dropout_backward(a["dy"], mask, rate=a["rate"])


def _rnn(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    x, h0, w_x, w_h = (a[name] for name in ("x", "h0", "w_x", "w_h"))
    y, h_n, saved = k.rnn_forward(x, h0, w_x, w_h, a["b"])
    return y, h_n, *k.rnn_backward(a["dy"], a["dh_n"], x, h0, w_x, w_h, saved)


def _gru(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    x, h0, w_x, w_h = (a[name] for name in ("x", "h0", "w_x", "w_h"))
    y, h_n, saved = k.gru_forward(x, h0, w_x, w_h, a["b_x"], a["b_h"])
    return y, h_n, *k.gru_backward(a["dy"], a["dh_n"], x, h0, w_x, w_h, saved)


def _lstm(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    inputs = tuple(a[name] for name in ("x", "h0", "c0", "w_x", "w_h"))
    y, h_n, c_n, saved = k.lstm_forward(*inputs, a["b"])
    return y, h_n, c_n, *k.lstm_backward(a["dy"], a["dh_n"], a["dc_n"], *inputs, saved)


def _embedding(k: ModuleType, a: Arguments) -> tuple[Array, ...]:
    y = k.embedding_forward(a["tokens"], a["w"])
    return y, k.embedding_backward(a["dy"], a["tokens"], vocabulary_size=len(a["w"]))


COMBINATIONS: Mapping[str, tuple[Combination, tuple[str, ...]]] = {
    "dense": (_dense, ("dense_forward", "matmul", "dense_backward_weight")),
    "conv2d": (
        _conv2d,
        ("conv2d_forward", "conv2d_backward_input", "conv2d_backward_weight"),
    ),
    "max_pool2d": (_max_pool2d, ("max_pool2d_forward", "max_pool2d_backward")),
    "avg_pool2d": (_avg_pool2d, ("avg_pool2d_forward", "avg_pool2d_backward")),
    "softmax_cross_entropy": (
        _softmax_cross_entropy,
        ("softmax_cross_entropy_forward", "softmax_cross_entropy_backward"),
    ),
    "rnn": (_rnn, ("rnn_forward", "rnn_backward")),
    "gru": (_gru, ("gru_forward", "gru_backward")),
    "lstm": (_lstm, ("lstm_forward", "lstm_backward")),
    "embedding": (_embedding, ("embedding_forward", "embedding_backward")),
    "dropout": (_dropout, ("dropout_forward", "dropout_backward")),
}
"""Forward and backward in one: the function of a backend's module, and the kernels in it."""


def kernels_of(kind: str) -> tuple[str, ...]:
    """Name the kernels that a kind of work is made of."""
    if kind in COMBINATIONS:
        return COMBINATIONS[kind][1]
    return (kind,) if kind in CASES else ()


def prepare(module: ModuleType, kind: str, arguments: Arguments) -> Run:
    """Make one kind of work ready, on the kernels of one backend.

    Args:
        module: the reference, or a native build.
        kind: a kernel, or a combination.
        arguments: by name; what a kernel changes in place is copied first.
    """
    if kind in COMBINATIONS:
        return Run(partial(COMBINATIONS[kind][0], module, arguments), as_arrays)
    targets = {n: a.copy() for n, a in arguments.items() if ROLES.get(n) == "target"}
    call = partial(getattr(module, kind), **arguments | targets)
    if targets:
        return Run(call, lambda _: list(targets.values()))
    return Run(call, as_arrays)


def as_arrays(result: Any) -> list[Array]:
    """List what a call returned: one array or several, of NumPy or what NumPy can read."""
    parts = result if isinstance(result, tuple | list) else (result,)
    return [np.asarray(part) for part in parts]

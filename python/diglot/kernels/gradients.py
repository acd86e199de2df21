"""Which forward kernel judges which backward kernel, by finite differences.

For every backward kernel: the forward kernel whose gradient it computes, with respect to which of
its arguments, and how the backward kernel is called. With these, the chain rule is checked without
a formula: (f(x + eps) - f(x - eps)) / (2 eps).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from diglot._typing import Array
from diglot.kernels.draw import Arguments

Outputs: TypeAlias = tuple[Array, ...]


@dataclass(frozen=True)
class GradientRule:
    """How finite differences of a forward kernel judge a backward kernel.

    Attributes:
        forward: the forward kernel; its first output is what is differentiated.
        wrt: its arguments whose gradients the backward kernel returns, in that order.
        arguments: the backward kernel's arguments, from the forward kernel's arguments and outputs
            and the gradient of its first output.
    """

    forward: str
    wrt: tuple[str, ...]
    arguments: Callable[[Arguments, Outputs, Array], Arguments]


def _settings(a: Arguments, *names: str) -> Arguments:
    return {name: a[name] for name in names if name in a}


def _from_output(a: Arguments, y: Outputs, dy: Array) -> Arguments:
    return {"dy": dy, "y": y[0]} | _settings(a, "negative_slope")


def _convolution(a: Arguments) -> Arguments:
    return _settings(a, "stride", "padding", "dilation", "groups")


def _recurrent(kind: str, biases: tuple[str, ...], *settings: str) -> GradientRule:
    """Judge by the states after all steps; nobody uses those after the last one on their own."""
    states = ("h0", "c0") if kind == "lstm" else ("h0",)

    def arguments(a: Arguments, y: Outputs, dy: Array) -> Arguments:
        ends = {f"d{state[0]}_n": np.zeros_like(a[state]) for state in states}
        inputs = {name: a[name] for name in ("x", *states, "w_x", "w_h")}
        saved = y[1 + len(states) :]
        return {
            "dy": dy,
            **ends,
            **inputs,
            "saved": saved if len(saved) > 1 else saved[0],
        } | _settings(a, *settings)

    return GradientRule(f"{kind}_forward", ("x", *states, "w_x", "w_h", *biases), arguments)


GRADIENTS: Mapping[str, GradientRule] = {
    "dense_backward_weight": GradientRule(
        "dense_forward", ("w", "b"), lambda a, y, dy: {"dy": dy, "x": a["x"]}
    ),
    "conv2d_backward_input": GradientRule(
        "conv2d_forward",
        ("x",),
        lambda a, y, dy: {"dy": dy, "w": a["w"], "input_size": a["x"].shape[2:]} | _convolution(a),
    ),
    "conv2d_backward_weight": GradientRule(
        "conv2d_forward",
        ("w", "b"),
        lambda a, y, dy: {"dy": dy, "x": a["x"], "kernel_size": a["w"].shape[2:]} | _convolution(a),
    ),
    "max_pool2d_backward": GradientRule(
        "max_pool2d_forward",
        ("x",),
        lambda a, y, dy: {"dy": dy, "indices": y[1], "input_size": a["x"].shape[2:]},
    ),
    "avg_pool2d_backward": GradientRule(
        "avg_pool2d_forward",
        ("x",),
        lambda a, y, dy: (
            {"dy": dy, "input_size": a["x"].shape[2:]}
            | _settings(a, "kernel_size", "stride", "padding")
        ),
    ),
    "sigmoid_backward": GradientRule("sigmoid_forward", ("x",), _from_output),
    "tanh_backward": GradientRule("tanh_forward", ("x",), _from_output),
    "relu_backward": GradientRule("relu_forward", ("x",), _from_output),
    "leaky_relu_backward": GradientRule("leaky_relu_forward", ("x",), _from_output),
    "softmax_backward": GradientRule("softmax_forward", ("x",), _from_output),
    "gelu_backward": GradientRule("gelu_forward", ("x",), lambda a, y, dy: {"dy": dy, "x": a["x"]}),
    "rnn_backward": _recurrent("rnn", ("b",), "activation"),
    "gru_backward": _recurrent("gru", ("b_x", "b_h"), "reset_after"),
    "lstm_backward": _recurrent("lstm", ("b",)),
    "embedding_backward": GradientRule(
        "embedding_forward",
        ("w",),
        lambda a, y, dy: {"dy": dy, "tokens": a["tokens"], "vocabulary_size": len(a["w"])},
    ),
    "dropout_backward": GradientRule(
        "dropout_forward", ("x",), lambda a, y, dy: {"dy": dy, "mask": y[1], "rate": a["rate"]}
    ),
    "softmax_cross_entropy_backward": GradientRule(
        "softmax_cross_entropy_forward",
        ("logits",),
        # The loss is the end of the chain: its own gradient is 1, and the kernel takes none.
        lambda a, y, dy: {"probabilities": y[1], "labels": a["labels"]},
    ),
}
"""Every kernel named *_backward* has its entry here."""

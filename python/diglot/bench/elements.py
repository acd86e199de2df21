"""Rows of what is bound by memory: poolings, activations, losses, dropout, optimizers' steps."""

from collections.abc import Callable
from typing import Any

from diglot._typing import Shape
from diglot.bench.work import (
    JAX,
    NEVER_SLOWER,
    NUMPY,
    TORCH,
    Arguments,
    Goal,
    Source,
    Work,
)

_IMAGES: Shape = (60, 32, 28, 28)
"""What the book's convolution gives for one batch."""
_CLASSES: Shape = (256, 1000)
_PARAMETERS: Shape = (28 * 28 * 32, 10)
"""The weights of the dense layer after it."""
_OPERATIONS = {
    "sigmoid": (20, 3),
    "tanh": (22, 3),
    "relu": (1, 1),
    "leaky_relu": (2, 2),
    "gelu": (40, 60),
    "softmax": (22, 4),
}
"""Roughly, of one element forward and backward: they place a row in the roofline, no more."""


def _numbers(shape: Shape) -> int:
    count = 1
    for extent in shape:
        count *= extent
    return count


def kernel(
    name: str, shape: Shape, outputs: float, operations: float, settings: Arguments, **fills: str
) -> Work:
    """Describe one call of an element-wise kernel: in one line, a row for a new one.

    Args:
        name: the kernel.
        shape: of all its arrays.
        outputs: bytes that it writes, for each element.
        operations: of one element.
        settings: the arguments that are no arrays.
        fills: by argument, the method of Source that draws it.
    """

    def draw(source: Source) -> Arguments:
        return {n: getattr(source, fill)(*shape) for n, fill in fills.items()} | settings

    count = _numbers(shape)
    inputs = sum(1 if fill == "mask" else 4 for fill in fills.values())
    return Work(
        name=f"{name} {'x'.join(map(str, shape))}",
        group="optim" if name.endswith("_inplace") else "activations",
        kind=name,
        draw=draw,
        flops=operations * count,
        bytes=(inputs + outputs) * count,
        goals=(NEVER_SLOWER,),
        label=name.removesuffix("_inplace")
        .replace("forward", "fwd")
        .replace("backward", "bwd")
        .replace("_", " "),
    )


def activation(name: str, shape: Shape, saved: str = "y", fill: str = "normal") -> list[Work]:
    """Describe an activation's two kernels; its backward one takes `saved` from the forward one."""
    forward, backward = _OPERATIONS[name]
    return [
        kernel(f"{name}_forward", shape, 4, forward, {}, x="normal"),
        kernel(f"{name}_backward", shape, 4, backward, {}, dy="normal", **{saved: fill}),
    ]


def optimizer(name: str, operations: float, *state: str, **settings: Any) -> Work:
    """Describe one step from the beginning, where what is remembered is zero."""
    return kernel(
        f"{name}_inplace",
        _PARAMETERS,
        4 + 4 * len(state),
        operations,
        settings,
        param="normal",
        grad="normal",
        **dict.fromkeys(state, "zeros"),
    )


def pooling(kind: str, images: Shape, k: int, s: int, p: int, goals: tuple[Goal, ...] = ()) -> Work:
    """Describe a pooling with its gradient."""
    N, C, H, _ = images
    OH = (H + 2 * p - k) // s + 1

    def draw(source: Source) -> Arguments:
        settings = {"kernel_size": k, "stride": s, "padding": p}
        return {
            "x": source.normal(*images),
            "dy": source.normal(N, C, OH, OH),
            "settings": settings,
        }

    pixels, windows = N * C * H * H, N * C * OH * OH
    indices = 2 * 4 * windows if kind == "max_pool2d" else 0  # written, and read again
    sizes = f"{N}x{C}x{H}² k{k} s{s}" + (f" p{p}" if p else "")
    return Work(
        name=f"{kind} {sizes}, fwd+bwd",
        group="pool",
        kind=kind,
        draw=draw,
        flops=2.0 * windows * k * k,
        bytes=4.0 * (2 * pixels + 2 * windows) + indices,
        goals=(*goals, Goal(5.0, NUMPY, "any")),
        label=f"{kind.split('_')[0]} pool {k}x{k}",
    )


def _combined(
    kind: str, group: str, shape: Shape, draw: Callable[[Source], Arguments], **more: Any
) -> Work:
    return Work(
        name=f"{kind} {'x'.join(map(str, shape))}, fwd+bwd",
        group=group,
        kind=kind,
        draw=draw,
        goals=(NEVER_SLOWER,),
        label=kind.replace("_", " "),
        **more,
    )


def cross_entropy(N: int, K: int) -> Work:
    """Describe the loss of N rows of K logits, with its gradient."""
    return _combined(
        "softmax_cross_entropy",
        "losses",
        (N, K),
        lambda source: {"logits": source.normal(N, K), "labels": source.labels(N, K)},
        flops=25.0 * N * K,
        bytes=16.0 * N * K + 16.0 * N,
    )


def dropout(shape: Shape, rate: float = 0.2) -> Work:
    """Describe dropout with its gradient; the peers drop other elements, and are not checked."""
    count = _numbers(shape)
    return _combined(
        "dropout",
        "dropout",
        shape,
        lambda source: {
            "x": source.normal(*shape),
            "dy": source.normal(*shape),
            "rate": rate,
            "seed": int(source.rng.integers(2**32)),
        },
        flops=4.0 * count,
        bytes=18.0 * count,
        unchecked=frozenset({TORCH, JAX}),
    )


WORKS = (
    pooling("max_pool2d", (64, 32, 28, 28), 2, 2, 0, (Goal(4.0, TORCH),)),
    pooling("max_pool2d", (32, 64, 56, 56), 3, 2, 1),
    pooling("avg_pool2d", (64, 32, 28, 28), 2, 2, 0),
    pooling("avg_pool2d", (32, 64, 56, 56), 3, 2, 1),
    *activation("tanh", (60, 89), fill="unit"),
    *activation("tanh", _IMAGES, fill="unit"),
    *activation("sigmoid", _IMAGES, fill="unit"),
    *activation("relu", _IMAGES),
    *activation("leaky_relu", _IMAGES),
    *activation("gelu", _IMAGES, saved="x"),
    *activation("softmax", _CLASSES, fill="distribution"),
    cross_entropy(60, 10),
    cross_entropy(*_CLASSES),
    dropout(_IMAGES),
    optimizer("sgd", 2, lr=0.01),
    optimizer("sgd_momentum", 4, "velocity", lr=0.01, momentum=0.9),
    optimizer("adagrad", 6, "sum_squares", lr=0.01),
    optimizer("rmsprop", 8, "mean_squares", lr=0.01),
    optimizer("adam", 12, "mean", "mean_squares", lr=0.01, step=1),
)

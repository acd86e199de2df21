"""Rows of the matrix product: squares, and a dense layer's three products at the book's sizes."""

from collections.abc import Iterator

from diglot.bench.work import (
    BEST,
    NUMPY,
    ONE_THREAD,
    PEAK,
    TORCH,
    Arguments,
    Goal,
    Source,
    Work,
)

_NUMPY_ON_AVX2 = Goal(1.0, NUMPY, "x86_64_v3")
_GOOD: tuple[Goal, ...] = (Goal(1.2, BEST),)
_LARGE: tuple[Goal, ...] = (Goal(1.0, BEST), Goal(1.7, NUMPY), Goal(1.7, TORCH), _NUMPY_ON_AVX2)


def product(
    M: int,
    K: int,
    N: int,
    transposed: str = "",
    goals: tuple[Goal, ...] = _GOOD,
    name: str = "",
    label: str = "",
) -> Work:
    """Describe (M, K)(K, N); `transposed` names the argument that lies transposed in memory."""

    def draw(source: Source) -> Arguments:
        ta, tb = transposed == "a", transposed == "b"
        return {
            "a": source.normal(*((K, M) if ta else (M, K))),
            "b": source.normal(*((N, K) if tb else (K, N))),
            "transpose_a": ta,
            "transpose_b": tb,
        }

    name = name or f"{M}x{K} · {K}x{N}"
    return Work(
        name=f"matmul {name}",
        group="matmul",
        kind="matmul",
        draw=draw,
        flops=2.0 * M * K * N,
        bytes=4.0 * (M * K + K * N + M * N),
        goals=goals,
        label=label or name,
    )


def square(n: int) -> Work:
    """Describe a product of squares."""
    goals: tuple[Goal, ...] = _GOOD if n > 32 else (Goal(1.0, BEST),)
    if n >= 512:
        goals = (*_LARGE, Goal(1.8, ONE_THREAD))
    if n >= 1024:
        goals = (*goals, Goal(0.88, PEAK))
    return product(n, n, n, goals=goals, name=str(n))


def dense_layer(N: int, inputs: int, outputs: int) -> Iterator[Work]:
    """Describe a layer's products: y = x w, dw = xᵀ dy, dx = dy wᵀ."""
    name = f"{N}x{inputs} · {inputs}x{outputs}"
    label = f"{inputs}→{outputs}"
    yield product(N, inputs, outputs, label=label)
    yield product(inputs, N, outputs, "a", name=f"{name}, weight gradient", label=f"{label} dw")
    yield product(N, outputs, inputs, "b", name=f"{name}, input gradient", label=f"{label} dx")


def whole_layer(N: int, inputs: int, outputs: int) -> Work:
    """Describe a layer's forward and backward pass, bias included."""

    def draw(source: Source) -> Arguments:
        return {
            "x": source.normal(N, inputs),
            "w": source.normal(inputs, outputs),
            "b": source.normal(outputs),
            "dy": source.normal(N, outputs),
        }

    name = f"{N}x{inputs} · {inputs}x{outputs}"
    return Work(
        name=f"dense {name}, both ways",
        group="matmul",
        kind="dense",
        draw=draw,
        flops=6.0 * N * inputs * outputs,
        bytes=4.0 * (2 * N * inputs + 2 * inputs * outputs + 2 * N * outputs + 2 * outputs),
        goals=_GOOD,
        label=f"{inputs}→{outputs} both",
    )


WORKS = (
    *(square(n) for n in (32, 64, 128, 512, 1024, 2048)),
    *dense_layer(60, 784, 89),
    *dense_layer(60, 89, 10),
    *dense_layer(60, 28 * 28 * 32, 10),
    product(64, 3136, 128),
    whole_layer(60, 784, 89),
)

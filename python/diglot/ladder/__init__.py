"""The ladder: the matrix product and the convolution, from naive loops to the library's kernel.

Each rung computes the same and differs from the one before by one idea. Most are C++ files of one
page, to be read in order; `diglot ladder` times them all.

    for rung in diglot.ladder.RUNGS["matmul"]:
        print(rung.name, rung.idea, rung.source)
    diglot.ladder.matmul("blocked", a, b)
"""

import time
from types import ModuleType
from typing import Any

from diglot import kernels
from diglot._typing import Array, IntOrPair
from diglot.kernels import native, reference
from diglot.ladder import loops
from diglot.ladder.rungs import RUNGS, Rung, find

__all__ = ["RUNGS", "Rung", "conv2d", "fma_peak", "matmul"]


def matmul(rung: str, a: Array, b: Array) -> Array:
    """Multiply two matrices on one rung of the ladder.

        y[m, n] = sum_k a[m, k] * b[k, n]

    Args:
        rung: its name, e.g. "blocked"; `RUNGS["matmul"]` lists them.
        a: (M, K), float32 or float64.
        b: (K, N), of the same dtype.

    Returns:
        y: (M, N).

    Raises:
        ValueError: the rung is unknown, or the shapes or dtypes do not fit.
    """
    found, build = find("matmul", rung), _build()
    build.ladder.require_matmul_arguments(a, b)
    if found.native:
        y: Array = build.ladder.matmul(rung, a, b)
        return y
    others = {"python": loops.matmul, "numpy": reference.matmul, "library": build.matmul}
    y = others[rung](a, b)
    return y


def conv2d(
    rung: str,
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlate images with filters on one rung of the ladder.

        y[n, o, i, j] = b[o] + sum_{c,u,v} w[o, c, u, v]
            * x[n, c, i*stride + u*dilation - padding, j*stride + v*dilation - padding]

    Args:
        rung: its name, e.g. "im2col"; `RUNGS["conv2d"]` lists them.
        x: images, (N, C, H, W), float32 or float64.
        w: filters, (OC, C/groups, KH, KW), of the same dtype.
        b: biases, (OC,), or None for none.
        stride: step between windows, in pixels, at least 1.
        padding: rows and columns of zeros on each side, in pixels.
        dilation: step between the pixels of one window, at least 1.
        groups: divides C and OC.

    Returns:
        y: (N, OC, OH, OW), as `kernels.conv2d_forward` gives it.

    Raises:
        ValueError: the rung is unknown, or the shapes or dtypes do not fit.
    """
    found, build = find("conv2d", rung), _build()
    settings: dict[str, Any] = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    if found.native:
        y: Array = build.ladder.conv2d(rung, x, w, b, **settings)
        return y
    build.ladder.require_conv2d_arguments(x, w, b, **settings)
    others = {
        "python": loops.conv2d,
        "numpy": reference.conv2d_forward,
        "library": build.conv2d_forward,
    }
    y = others[rung](x, w, b, **settings)
    return y


def fma_peak(threads: int, *, in_float32: bool = True) -> float:
    """Measure the ceiling: how fast this build multiplies and adds when it does nothing else.

    Args:
        threads: how many at a time.
        in_float32: the dtype; False is float64.

    Returns:
        GFLOP/s, the best of several runs; a multiply-add counts as two operations.
    """
    run = _build().ladder.run_multiply_adds
    best = 0.0
    for _ in range(20):
        started = time.perf_counter()
        operations: float = run(in_float32, 1_000_000, threads)
        best = max(best, operations / (time.perf_counter() - started))
    return best / 1e9


def _build() -> ModuleType:
    """Give the active native build; under the reference, the fastest one."""
    name = kernels.get_backend()
    return native.best_build() if name == "reference" else native.load(name)

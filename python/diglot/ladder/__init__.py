"""The ladder: the matrix product, the convolution and the LSTM, from naive loops to the kernels.

Each rung computes the same and differs from the one before by one idea. Most are C++ files of one
page, to be read in order; `diglot ladder` times them all.

    for rung in diglot.ladder.RUNGS["matmul"]:
        print(rung.name, rung.idea, rung.source)
    diglot.ladder.matmul("blocked", a, b)
"""

from typing import Any

from diglot._typing import Array, IntOrPair
from diglot.kernels import reference
from diglot.ladder import loops, steps
from diglot.ladder.rungs import RUNGS, Rung, find, native_build

__all__ = ["RUNGS", "Rung", "conv2d", "lstm", "matmul"]


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
    found, build = find("matmul", rung), native_build()
    build.ladder.require_matmul_arguments(a, b)
    if found.native:
        y: Array = build.ladder.matmul(rung, a, b)
    else:
        y = {"python": loops.matmul, "numpy": reference.matmul, "library": build.matmul}[rung](a, b)
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
    found, build = find("conv2d", rung), native_build()
    settings: dict[str, Any] = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    build.ladder.require_conv2d_arguments(x, w, b, **settings)
    others = {
        "python": loops.conv2d,
        "numpy": reference.conv2d_forward,
        "library": build.conv2d_forward,
    }
    if found.native:
        y: Array = build.ladder.conv2d(rung, x, w, b, **settings)
    else:
        y = others[rung](x, w, b, **settings)
    return y


def lstm(rung: str, x: Array, h0: Array, c0: Array, w_x: Array, w_h: Array, b: Array) -> Array:
    """Run long short-term memory along a sequence on one rung of the ladder.

        i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of the four blocks of x_t w_x + h w_h + b
        c' = f * c + i * g,    y_t = h' = o * tanh(c')

    Args:
        rung: its name, e.g. "prepacked"; `RUNGS["lstm"]` lists them.
        x: input, (N, T, D), float32 or float64.
        h0, c0: the state and the cell state before the first step, (N, H), of the same dtype.
        w_x, w_h: weights of i, f, g and o side by side, (D, 4*H), (H, 4*H).
        b: biases, (4*H,).

    Returns:
        y: the state after each step, (N, T, H), the first result of `kernels.lstm_forward`.

    Raises:
        ValueError: the rung is unknown, or the shapes or dtypes do not fit.

    Book: chapter 6.
    """
    found, build = find("lstm", rung), native_build()
    build.ladder.require_lstm_arguments(x, h0, c0, w_x, w_h, b)
    if found.native:
        y: Array = build.ladder.lstm(rung, x, h0, c0, w_x, w_h, b)
    elif rung in ("numpy", "library"):
        kernel = reference.lstm_forward if rung == "numpy" else build.lstm_forward
        y = kernel(x, h0, c0, w_x, w_h, b)[0]
    else:
        others = {"python": loops.lstm, "nodes": steps.lstm}
        y = others[rung](x, h0, c0, w_x, w_h, b)
    return y

"""The matrix product, and the dense layer that adds a bias to it."""

import numpy as np

from diglot._typing import Array


@np.errstate(all="ignore")
def matmul(a: Array, b: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Array:
    """Multiply two matrices, or two equally long stacks of matrices.

        y[..., m, n] = sum_k a[..., m, k] * b[..., k, n]

    A transposed argument is given as it lies in memory: with `transpose_a` the array `a` is
    (..., K, M). So the three products of a dense layer y = x w need no copies:
    `matmul(x, w)`, `dx = matmul(dy, w, transpose_b=True)`, `dw = matmul(x, dy, transpose_a=True)`.

    Args:
        a: (..., M, K), or (..., K, M) if transpose_a.
        b: (..., K, N), or (..., N, K) if transpose_b; the same leading axes as `a`.
        transpose_a: swap the last two axes of `a` first.
        transpose_b: swap the last two axes of `b` first.

    Returns:
        y: (..., M, N); zeros where K = 0.

    Raises (native):
        ValueError: the K of `a` and `b` differ, or their leading axes do.

    Book: chapter 1. Native: csrc/kernels/dense.cpp
    """
    if transpose_a:
        a = a.swapaxes(-1, -2)
    if transpose_b:
        b = b.swapaxes(-1, -2)
    return np.ascontiguousarray(np.matmul(a, b))


@np.errstate(all="ignore")
def dense_forward(x: Array, w: Array, b: Array | None = None) -> Array:
    """Multiply each row by a matrix of weights, and add a bias to each column.

        y[n, j] = b[j] + sum_i x[n, i] * w[i, j]

    Args:
        x: rows, (N, in).
        w: weights, (in, out).
        b: (out,), or None for none.

    Returns:
        y: (N, out).

    Raises (native):
        ValueError: the sizes of x, w and b do not fit together.

    Book: chapter 3. Native: csrc/kernels/dense.cpp
    """
    y = matmul(x, w)
    return y if b is None else y + b


@np.errstate(all="ignore")
def dense_backward_weight(dy: Array, x: Array) -> tuple[Array, Array]:
    """Compute the gradients of a dense layer's parameters.

        dw[i, j] = sum_n x[n, i] * dy[n, j],    db[j] = sum_n dy[n, j]

    (The gradient of the input is `dx = matmul(dy, w, transpose_b=True)`.)

    Args:
        dy: gradient of the output, (N, out).
        x: the input of the forward pass, (N, in).

    Returns:
        dw: gradient of the weights, (in, out).
        db: gradient of the bias, (out,).

    Raises (native):
        ValueError: dy and x have not as many rows.

    Book: chapter 3. Native: csrc/kernels/dense.cpp
    """
    return matmul(x, dy, transpose_a=True), dy.sum(axis=0)

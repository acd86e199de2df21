"""The matrix product, the engine of a dense layer."""

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

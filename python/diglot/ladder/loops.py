"""The ground that the ladder stands on: loops in Python, over lists of numbers."""

import math

import numpy as np

from diglot._typing import Array, IntOrPair
from diglot.kernels.reference.windows import output_size, padded_shape, pair


def matmul(a: Array, b: Array) -> Array:
    """Multiply two matrices, one number at a time.

    Args:
        a: (M, K).
        b: (K, N).

    Returns:
        y: (M, N), of the dtype of a; the sums are Python's, in float64.
    """
    M, N, K = a.shape[0], b.shape[1], a.shape[1]
    a_rows, b_rows = a.tolist(), b.tolist()
    y = [[0.0] * N for _ in range(M)]
    for m in range(M):
        for n in range(N):
            total = 0.0
            for k in range(K):
                total += a_rows[m][k] * b_rows[k][n]
            y[m][n] = total
    return _array(y, (M, N), a)


def conv2d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlate images with filters, one number at a time.

    Args:
        x: images, (N, C, H, W).
        w: filters, (OC, C/groups, KH, KW).
        b: biases, (OC,), or None for none.
        stride, padding, dilation, groups: as in `diglot.ladder.conv2d`.

    Returns:
        y: (N, OC, OH, OW), of the dtype of x; the sums are Python's, in float64.
    """
    N, _, H, W = x.shape
    OC, C_g, KH, KW = w.shape  # C_g = C/groups
    (sh, sw), (ph, pw), (dh, dw) = pair(stride), pair(padding), pair(dilation)
    OH, OW = output_size(padded_shape(x.shape, padding), (KH, KW), stride, dilation)
    images, filters = x.tolist(), w.tolist()
    bias = [0.0] * OC if b is None else b.tolist()
    y = [[[[0.0] * OW for _ in range(OH)] for _ in range(OC)] for _ in range(N)]
    for n in range(N):
        for o in range(OC):
            first = o // (OC // groups) * C_g
            for i in range(OH):
                for j in range(OW):
                    total = bias[o]
                    for c in range(C_g):
                        for u in range(KH):
                            for v in range(KW):
                                h, column = i * sh + u * dh - ph, j * sw + v * dw - pw
                                if 0 <= h < H and 0 <= column < W:
                                    pixel = images[n][first + c][h][column]
                                    total += pixel * filters[o][c][u][v]
                    y[n][o][i][j] = total
    return _array(y, (N, OC, OH, OW), x)


def lstm(x: Array, h0: Array, c0: Array, w_x: Array, w_h: Array, b: Array) -> Array:
    """Run long short-term memory along a sequence, one number at a time.

    Args:
        x: (N, T, D).
        h0, c0: (N, H).
        w_x, w_h, b: (D, 4*H), (H, 4*H), (4*H,): i, f, g and o side by side.

    Returns:
        y: (N, T, H), of the dtype of x; the sums are Python's, in float64.
    """
    (N, T, D), H = x.shape, h0.shape[1]
    rows, from_x, from_h, bias = x.tolist(), w_x.tolist(), w_h.tolist(), b.tolist()
    y = [[[0.0] * H for _ in range(T)] for _ in range(N)]
    for n in range(N):
        h, c = h0[n].tolist(), c0[n].tolist()
        for t in range(T):
            for u in range(H):
                z = [bias[gate * H + u] for gate in range(4)]
                for gate in range(4):
                    column = gate * H + u
                    for k in range(D):
                        z[gate] += rows[n][t][k] * from_x[k][column]
                    for k in range(H):
                        z[gate] += h[k] * from_h[k][column]
                i, f, g, o = _sigmoid(z[0]), _sigmoid(z[1]), math.tanh(z[2]), _sigmoid(z[3])
                c[u] = f * c[u] + i * g
                y[n][t][u] = o * math.tanh(c[u])
            h = y[n][t]
    return _array(y, (N, T, H), x)


def _sigmoid(z: float) -> float:
    # math.exp refuses to overflow: e**709 is the largest power that it gives.
    return 1 / (1 + math.exp(min(-z, 709.0))) if z == z else z


@np.errstate(all="ignore")
def _array(rows: object, shape: tuple[int, ...], like: Array) -> Array:
    dtype = like.dtype.newbyteorder("=")
    return np.array(rows, np.float64).reshape(shape).astype(dtype)

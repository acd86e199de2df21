"""Pooling: the largest, or the mean, of each window; images (N, C, H, W)."""

import numpy as np

from diglot._typing import Array, IntOrPair
from diglot.kernels.reference.windows import output_size, pad, padded_shape, pair, pixels, unpad


def max_pool2d_forward(
    x: Array, *, kernel_size: IntOrPair, stride: IntOrPair | None = None, padding: IntOrPair = 0
) -> tuple[Array, Array]:
    """Take the largest pixel of each window, and remember where it was.

        y[n, c, i, j] = max_{u,v} x[n, c, i*stride + u - padding, j*stride + v - padding]

    Pixels outside the image never win. Of equal pixels the first one (in rows, then columns) wins;
    the first NaN of a window wins over every number.

    Args:
        x: images, (N, C, H, W).
        kernel_size: size of a window, in pixels.
        stride: step between windows, in pixels, at least 1; None means kernel_size.
        padding: in pixels, at most half of kernel_size.

    Returns:
        y: (N, C, OH, OW), OH = (H + 2*padding - KH) // stride + 1.
        indices: (N, C, OH, OW), int32; the winner is pixel h*W + w of its image and channel.

    Raises (native):
        ValueError: the padding is too large, or a window is larger than the padded image.

    Book: chapter 5 (in words). Native: csrc/kernels/pool.cpp
    """
    stride = kernel_size if stride is None else stride
    KH, KW = pair(kernel_size)
    H, W = x.shape[2:]
    image = pad(x, padding)
    place = pad(np.arange(H * W, dtype=np.int32).reshape(H, W), padding, fill=-1)  # -1: outside
    size = output_size(image.shape, kernel_size, stride)
    y = np.full((*x.shape[:2], *size), -np.inf, np.result_type(x))
    indices = np.full(y.shape, -1, np.int32)
    for u in range(KH):
        for v in range(KW):
            rows, columns = pixels(u, v, size, stride)
            value, index = image[:, :, rows, columns], place[rows, columns]
            larger = (value > y) | (np.isnan(value) & ~np.isnan(y)) | (indices < 0)
            wins = larger & (index >= 0)
            y = np.where(wins, value, y)
            indices = np.where(wins, index, indices)
    return np.ascontiguousarray(y), np.ascontiguousarray(indices)


@np.errstate(all="ignore")
def max_pool2d_backward(dy: Array, indices: Array, *, input_size: tuple[int, int]) -> Array:
    """Send each output's gradient to the pixel that was the largest of its window.

        dx[n, c, indices[n, c, i, j]] += dy[n, c, i, j]        for every i, j

    Args:
        dy: gradient of the output, (N, C, OH, OW).
        indices: what max_pool2d_forward returned, (N, C, OH, OW).
        input_size: (H, W) of the images.

    Returns:
        dx: (N, C, H, W).

    Raises (native):
        ValueError: the shapes of dy and indices differ, or an index is outside the image.

    Book: chapter 5 (in words). Native: csrc/kernels/pool.cpp
    """
    N, C = dy.shape[:2]
    H, W = input_size
    dx = np.zeros((N, C, H * W), np.result_type(dy))
    n, c = np.ogrid[:N, :C]
    np.add.at(dx, (n[..., None, None], c[..., None, None], indices), dy)
    return dx.reshape(N, C, H, W)


@np.errstate(all="ignore")
def avg_pool2d_forward(
    x: Array, *, kernel_size: IntOrPair, stride: IntOrPair | None = None, padding: IntOrPair = 0
) -> Array:
    """Take the mean of each window; pixels outside the image count as zeros.

        y[n, c, i, j] = mean_{u,v} x[n, c, i*stride + u - padding, j*stride + v - padding]

    The mean divides by KH*KW everywhere.

    Args:
        x: images, (N, C, H, W).
        kernel_size: size of a window, in pixels.
        stride: step between windows, in pixels, at least 1; None means kernel_size.
        padding: in pixels, at most half of kernel_size.

    Returns:
        y: (N, C, OH, OW), OH = (H + 2*padding - KH) // stride + 1.

    Raises (native):
        ValueError: the padding is too large, or a window is larger than the padded image.

    Book: chapter 5 (in words). Native: csrc/kernels/pool.cpp
    """
    stride = kernel_size if stride is None else stride
    KH, KW = pair(kernel_size)
    image = pad(x, padding)
    size = output_size(image.shape, kernel_size, stride)
    y = np.zeros((*x.shape[:2], *size), np.result_type(x))
    for u in range(KH):
        for v in range(KW):
            rows, columns = pixels(u, v, size, stride)
            y += image[:, :, rows, columns]
    y /= KH * KW
    return y


@np.errstate(all="ignore")
def avg_pool2d_backward(
    dy: Array,
    *,
    input_size: tuple[int, int],
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
) -> Array:
    """Share each output's gradient equally among the pixels of its window.

        dx[n, c, i*stride + u - padding, j*stride + v - padding] += dy[n, c, i, j] / (KH*KW)

    for every i, j, u, v.

    Args:
        dy: gradient of the output, (N, C, OH, OW).
        input_size: (H, W) of the images.
        kernel_size, stride, padding: as in the forward pass.

    Returns:
        dx: (N, C, H, W).

    Raises (native):
        ValueError: dy is not what avg_pool2d_forward gives for these sizes.

    Book: chapter 5 (in words). Native: csrc/kernels/pool.cpp
    """
    stride = kernel_size if stride is None else stride
    N, C, OH, OW = dy.shape
    KH, KW = pair(kernel_size)
    dx = np.zeros(padded_shape((N, C, *input_size), padding), np.result_type(dy))
    for u in range(KH):
        for v in range(KW):
            rows, columns = pixels(u, v, (OH, OW), stride)
            dx[:, :, rows, columns] += dy / (KH * KW)
    return unpad(dx, padding)

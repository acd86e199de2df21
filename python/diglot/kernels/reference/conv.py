"""Convolution of images with filters, and its two gradients."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from diglot._typing import Array, IntOrPair
from diglot.kernels.reference.windows import output_size, pad, padded_shape, pair, pixels, unpad


def _windows(
    x: Array, kernel_size: IntOrPair, stride: IntOrPair, padding: IntOrPair, dilation: IntOrPair
) -> Array:
    """View the padded images as windows[n, c, i, j, u, v] = x[n, c, i*stride + u*dilation, ...]."""
    (KH, KW), (sh, sw), (dh, dw) = pair(kernel_size), pair(stride), pair(dilation)
    reach = (dh * (KH - 1) + 1, dw * (KW - 1) + 1)  # pixels from a window's first to its last
    return sliding_window_view(pad(x, padding), reach, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]


@np.errstate(all="ignore")
def conv2d_forward(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlate a batch of images with a bank of filters.

        y[n, o, i, j] = b[o] + sum_{c,u,v} w[o, c, u, v]
            * x[n, c, i*stride + u*dilation - padding, j*stride + v*dilation - padding]

    where x is zero outside the image. With groups, channels and filters are split into that many
    equal parts, and each part of the filters sees its own part of the channels.

    Args:
        x: images, (N, C, H, W).
        w: filters, (OC, C/groups, KH, KW).
        b: biases, (OC,), or None for none.
        stride: step between windows, in pixels, at least 1.
        padding: rows and columns of zeros on each side, in pixels.
        dilation: step between the pixels of one window, at least 1.
        groups: divides C and OC; groups = C is the depthwise convolution.

    Returns:
        y: (N, OC, OH, OW), OH = (H + 2*padding - dilation*(KH-1) - 1) // stride + 1.

    Raises (native):
        ValueError: the channel counts differ, or a filter is larger than the padded image.

    Book: chapter 5. Source: Dumoulin & Visin 2016, arXiv:1603.07285. Native: csrc/kernels/conv.cpp
    """
    windows = _windows(x, w.shape[2:], stride, padding, dilation)  # (N, C, OH, OW, KH, KW)
    parts = [
        np.tensordot(windows_g, w_g, axes=((1, 4, 5), (1, 2, 3)))  # (N, OH, OW, OC/groups)
        for windows_g, w_g in zip(
            np.split(windows, groups, axis=1), np.split(w, groups), strict=True
        )
    ]
    y: Array = np.concatenate(parts, axis=-1)
    if b is not None:
        y += b
    return np.ascontiguousarray(y.transpose(0, 3, 1, 2))


@np.errstate(all="ignore")
def conv2d_backward_input(
    dy: Array,
    w: Array,
    *,
    input_size: tuple[int, int],
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Array:
    """Propagate a convolution's output gradient back to its images.

        dx[n, c, i*stride + u*dilation - padding, j*stride + v*dilation - padding]
            += sum_o w[o, c, u, v] * dy[n, o, i, j]        for every i, j, u, v

    Args:
        dy: gradient of the output, (N, OC, OH, OW).
        w: filters, (OC, C/groups, KH, KW).
        input_size: (H, W) of the images.
        stride, padding, dilation, groups: as in the forward pass.

    Returns:
        dx: (N, C, H, W); zero at pixels that no window has read.

    Raises (native):
        ValueError: dy is not what conv2d_forward gives for these sizes.

    Book: chapter 5 (erratum E2: the filter has to be flipped). Native: csrc/kernels/conv.cpp
    """
    N, _, OH, OW = dy.shape
    _, C_g, KH, KW = w.shape  # C_g = C/groups
    dx = np.zeros(padded_shape((N, groups * C_g, *input_size), padding), np.result_type(dy))
    for dx_g, dy_g, w_g in zip(
        np.split(dx, groups, axis=1),  # views: what is added to them arrives in dx
        np.split(dy, groups, axis=1),
        np.split(w, groups),
        strict=True,
    ):
        products = np.tensordot(w_g, dy_g, axes=(0, 1))  # (C_g, KH, KW, N, OH, OW)
        for u in range(KH):
            for v in range(KW):
                rows, columns = pixels(u, v, (OH, OW), stride, dilation)
                dx_g[:, :, rows, columns] += products[:, u, v].swapaxes(0, 1)
    return unpad(dx, padding)


@np.errstate(all="ignore")
def conv2d_backward_weight(
    dy: Array,
    x: Array,
    *,
    kernel_size: IntOrPair,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> tuple[Array, Array]:
    """Propagate a convolution's output gradient back to its filters and biases.

        dw[o, c, u, v] = sum_{n,i,j} dy[n, o, i, j]
            * x[n, c, i*stride + u*dilation - padding, j*stride + v*dilation - padding]
        db[o] = sum_{n,i,j} dy[n, o, i, j]

    Args:
        dy: gradient of the output, (N, OC, OH, OW).
        x: images, (N, C, H, W).
        kernel_size: (KH, KW) of the filters.
        stride, padding, dilation, groups: as in the forward pass.

    Returns:
        dw: (OC, C/groups, KH, KW).
        db: (OC,).

    Raises (native):
        ValueError: dy is not what conv2d_forward gives for these sizes.

    Book: chapter 5 (erratum E1: wrong there for more than one image).
    Native: csrc/kernels/conv_weight.cpp
    """
    OH, OW = output_size(padded_shape(x.shape, padding), kernel_size, stride, dilation)
    windows = _windows(x, kernel_size, stride, padding, dilation)[:, :, :OH, :OW]
    parts = [
        np.tensordot(dy_g, windows_g, axes=((0, 2, 3), (0, 2, 3)))  # (OC/groups, C/groups, KH, KW)
        for dy_g, windows_g in zip(
            np.split(dy, groups, axis=1), np.split(windows, groups, axis=1), strict=True
        )
    ]
    return np.concatenate(parts), np.ascontiguousarray(dy.sum(axis=(0, 2, 3)))

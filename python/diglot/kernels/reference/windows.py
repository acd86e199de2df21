"""What convolution and pooling share: the windows that slide over an image."""

import numpy as np

from diglot._typing import Array, IntOrPair, Shape


def pair(value: IntOrPair) -> tuple[int, int]:
    """Read one number as the same number for height and width."""
    return (value, value) if isinstance(value, int | np.integer) else (value[0], value[1])


def pad(x: Array, padding: IntOrPair, fill: float = 0.0) -> Array:
    """Surround the last two axes with `padding` rows and columns of `fill` on each side."""
    ph, pw = pair(padding)
    leading = [(0, 0)] * (x.ndim - 2)
    return np.pad(x, [*leading, (ph, ph), (pw, pw)], constant_values=fill)


def unpad(x: Array, padding: IntOrPair) -> Array:
    """Cut off what `pad` has put around the last two axes."""
    ph, pw = pair(padding)
    H, W = x.shape[-2:]
    return np.ascontiguousarray(x[..., ph : H - ph, pw : W - pw])


def padded_shape(shape: Shape, padding: IntOrPair) -> Shape:
    """Compute the shape that `pad` gives to an array of `shape`."""
    ph, pw = pair(padding)
    return (*shape[:-2], shape[-2] + 2 * ph, shape[-1] + 2 * pw)


def output_size(
    padded: Shape, kernel_size: IntOrPair, stride: IntOrPair, dilation: IntOrPair = 1
) -> tuple[int, int]:
    """Count the windows that fit along both axes, as conv2d_forward says."""
    OH, OW = (
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(
            padded[-2:], pair(kernel_size), pair(stride), pair(dilation), strict=True
        )
    )
    return OH, OW


def pixels(
    u: int, v: int, size: tuple[int, int], stride: IntOrPair, dilation: IntOrPair = 1
) -> tuple[slice, slice]:
    """Select the pixel (u, v) of every window: rows i*stride + u*dilation, columns likewise.

    `image[..., *pixels(u, v, (OH, OW), stride)]` is a view of shape (..., OH, OW).
    """
    (OH, OW), (sh, sw), (dh, dw) = size, pair(stride), pair(dilation)
    top, left = u * dh, v * dw
    return slice(top, top + OH * sh, sh), slice(left, left + OW * sw, sw)

"""The sizes of windows that slide over images, and the errors where none fits."""

from diglot._typing import IntOrPair, Shape
from diglot.errors import ShapeError


def pair(value: IntOrPair) -> tuple[int, int]:
    """Read one number as the same number for height and width."""
    return (value, value) if isinstance(value, int) else value


def require_images(shape: Shape, channels: int | None = None) -> None:
    """Refuse what is not a batch of images with that many channels.

    Raises:
        ShapeError: the shape is not (N, channels, H, W).
    """
    if len(shape) != 4 or channels not in (None, shape[1]):
        raise ShapeError(f"input_ has shape {shape}, expected (N, {channels or 'C'}, H, W)")


def output_size(
    image: Shape,
    kernel_size: IntOrPair,
    stride: IntOrPair = 1,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
) -> tuple[int, int]:
    """Count the windows that fit along both axes.

        (size + 2*padding - dilation*(kernel_size - 1) - 1) // stride + 1

    Args:
        image: (..., H, W).
        kernel_size, stride, padding, dilation: in pixels.

    Returns:
        (OH, OW), both at least 1.

    Raises:
        ShapeError: not one window fits.
    """
    counts = []
    for axis, size, k, s, p, d in zip(
        ("high", "wide"),
        image[-2:],
        pair(kernel_size),
        pair(stride),
        pair(padding),
        pair(dilation),
        strict=True,
    ):
        reach, padded = d * (k - 1) + 1, size + 2 * p
        if reach > padded:
            raise ShapeError(
                f"images of {image[-2]}x{image[-1]} pixels are too small: a window is {reach} "
                f"pixels {axis}, but the image, with its padding, only {padded}"
            )
        counts.append((padded - reach) // s + 1)
    return counts[0], counts[1]


def same_padding(
    size: int, kernel_size: int, stride: int = 1, dilation: int = 1
) -> tuple[int, int]:
    """Find the zeros before and after an axis that give ceil(size / stride) windows.

    An odd zero goes to the end, as Keras does it.
    """
    windows = -(-size // stride)
    total = max((windows - 1) * stride + dilation * (kernel_size - 1) + 1 - size, 0)
    return total // 2, total - total // 2

"""The switch for Winograd's convolution, the native kernels' fast way through 3 x 3 filters.

It needs a quarter of the multiplications, and rounds some ten times as much: still far below the
tolerance of a convolution, and much more than the direct sum. Where digits matter more than time,
turn it off here, or with the environment variable DIGLOT_WINOGRAD=0.
"""

from diglot.config import boolean
from diglot.kernels import native

__all__ = ["get_winograd", "set_winograd"]


def get_winograd() -> bool:
    """Return whether the native kernels may use Winograd's convolution."""
    return native.winograd()


def set_winograd(enabled: bool) -> None:
    """Let the native kernels use Winograd's convolution or not, in the whole process.

    Args:
        enabled: True (as at the beginning) or False.

    Raises:
        ValueError: it is neither.
    """
    native.set_winograd(boolean("enabled", enabled))

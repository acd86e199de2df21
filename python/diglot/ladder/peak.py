"""The ceiling over the ladder."""

from diglot.ladder.rungs import native_build
from diglot.threads import num_threads

_SECONDS = 0.2


def fma_peak(threads: int, *, in_float32: bool = True) -> float:
    """Measure the ceiling: how fast this build multiplies and adds when it does nothing else.

    Args:
        threads: how many at a time.
        in_float32: the dtype; False is float64.

    Returns:
        GFLOP/s; a multiply-add counts as two operations.
    """
    with num_threads(threads):
        operations: float = native_build()._fma_peak(
            "float32" if in_float32 else "float64", _SECONDS
        )
    return operations / 1e9

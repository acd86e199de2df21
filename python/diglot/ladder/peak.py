"""The ceiling over the ladder."""

from diglot.ladder.rungs import native_build
from diglot.threads import num_threads

_SECONDS, _TIMES = 0.1, 8
"""Of one measurement, and how often it is repeated: another program may hold a processor."""


def fma_peak(threads: int, *, in_float32: bool = True) -> float:
    """Measure the ceiling: how fast this build multiplies and adds when it does nothing else.

    Args:
        threads: how many at a time.
        in_float32: the dtype; False is float64.

    Returns:
        GFLOP/s, the best of several measurements; a multiply-add counts as two operations.
    """
    dtype = "float32" if in_float32 else "float64"
    with num_threads(threads):
        operations: list[float] = [native_build()._fma_peak(dtype, _SECONDS) for _ in range(_TIMES)]
    return max(operations) / 1e9

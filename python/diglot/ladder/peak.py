"""The ceiling over the ladder."""

import time

from diglot.ladder.rungs import native_build


def fma_peak(threads: int, *, in_float32: bool = True) -> float:
    """Measure the ceiling: how fast this build multiplies and adds when it does nothing else.

    Args:
        threads: how many at a time.
        in_float32: the dtype; False is float64.

    Returns:
        GFLOP/s, the best of several runs; a multiply-add counts as two operations.
    """
    run = native_build().ladder.run_multiply_adds
    best = 0.0
    for _ in range(20):
        started = time.perf_counter()
        operations: float = run(in_float32, 1_000_000, threads)
        best = max(best, operations / (time.perf_counter() - started))
    return best / 1e9

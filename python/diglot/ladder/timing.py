"""Time every rung, after checking what it computes."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from diglot import ladder
from diglot._typing import Array
from diglot.kernels.tolerance import largest_difference
from diglot.ladder.problems import Problem
from diglot.ladder.rungs import RUNGS, Rung
from diglot.threads import num_threads

__all__ = ["BESIDE", "Timing", "climb", "factor"]

BESIDE = ("nodes", "numpy")
"""Rungs beside the ladder: written in NumPy, and no step to the next one."""

_MOST = {"python": 2_000_000, "naive": 2_200_000_000}
"""Multiply-adds of a part that is timed instead of the whole, where the whole would take long."""
_LONG_ENOUGH = 0.5  # seconds, for the runs of one rung


@dataclass(frozen=True)
class Timing:
    """What one rung took.

    Attributes:
        rung: which.
        threads: how many it ran on.
        seconds: the best run; of the whole problem, even where a part was timed.
        gflops: thousand million floating-point operations a second.
        extrapolated: only a part was timed.
        error: the largest error, as a multiple of what rounding may do; above 1 it is wrong.
    """

    rung: Rung
    threads: int
    seconds: float
    gflops: float
    extrapolated: bool
    error: float


def climb(problem: Problem, threads: int) -> Iterator[Timing]:
    """Check and time the rungs of an operation, from the bottom up.

    Args:
        problem: the arguments.
        threads: for the rungs that use several; the library's kernel is timed with one, too.

    Yields:
        One timing for each rung, as soon as it is known.

    Raises:
        ArithmeticError: a rung's result is wrong.
    """
    run: Callable[..., Array] = getattr(ladder, problem.operation.name)
    whole = problem.truth()
    for rung in RUNGS[problem.operation.name]:
        part = problem.part(_MOST.get(rung.name, problem.multiply_adds))
        expected = whole if part is problem else part.truth()
        for count in sorted({1, threads}) if rung.name == "library" else [_threads(rung, threads)]:
            with num_threads(count), _numpy_on_one_thread():
                actual, seconds = _best(partial(run, rung.name, **part.arguments))
            error = largest_difference({"output": actual}, expected).units
            if error > 1:
                raise ArithmeticError(
                    f"rung {rung.name} of {problem.operation.name} is wrong: {error:.3g} times the "
                    f"tolerance, at {problem.text}"
                )
            rate = 2 * part.multiply_adds / seconds
            total = 2 * problem.multiply_adds / rate if rate else seconds
            yield Timing(rung, count, total, rate / 1e9, part is not problem, error)


def factor(timings: Sequence[Timing], at: int) -> float | None:
    """Tell how much faster a rung is than the one below it that ran on as many threads.

    The first that runs on several is compared with the last that runs on one. What is written
    in NumPy stands beside the ladder: nothing is compared with it.
    """
    below = [timing for timing in timings[:at] if timing.rung.name not in BESIDE]
    same = [timing for timing in below if timing.threads == timings[at].threads]
    before = (same or below)[-1:]
    return timings[at].gflops / before[0].gflops if before else None


def _threads(rung: Rung, threads: int) -> int:
    return threads if rung.uses_threads else 1


def _best(call: Callable[[], Array]) -> tuple[Array, float]:
    """Run until it has taken long enough; give the result and the shortest time."""
    best, started = np.inf, time.perf_counter()
    while True:
        before = time.perf_counter()
        result = call()
        after = time.perf_counter()
        best = min(best, after - before)
        if after - started > _LONG_ENOUGH:
            return result, best


def _numpy_on_one_thread() -> AbstractContextManager[Any]:
    """Hold NumPy's product to one thread, where threadpoolctl is there to do it."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits

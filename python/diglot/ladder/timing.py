"""Time every rung, after checking what it computes."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from diglot import ladder
from diglot._typing import Array
from diglot.kernels.draw import Arguments, Case
from diglot.kernels.tolerance import largest_difference, truth
from diglot.ladder.rungs import RUNGS, Rung
from diglot.threads import num_threads

__all__ = ["Problem", "Timing", "climb", "conv2d_problem", "factor", "matmul_problem"]

_KERNELS = {"matmul": "matmul", "conv2d": "conv2d_forward"}
_MOST = {"python": 2_000_000, "naive": 2_200_000_000}
"""Multiply-adds of a part that is timed instead of the whole, where the whole would take long."""
_LONG_ENOUGH = 0.5  # seconds, for the runs of one rung


@dataclass(frozen=True)
class Problem:
    """Arguments for the rungs of one operation.

    Attributes:
        operation: "matmul" or "conv2d".
        text: the sizes, as a heading says them.
        arguments: of the rung.
        terms: summed terms of one output.
        multiply_adds: of the whole.
    """

    operation: str
    text: str
    arguments: Arguments
    terms: int
    multiply_adds: int

    def part(self, most: int) -> "Problem":
        """Give a problem with the same inner loops, but of about `most` multiply-adds."""
        if self.multiply_adds <= most:
            return self
        first, second = ("a", None) if self.operation == "matmul" else ("x", "w")
        arguments, work = dict(self.arguments), self.multiply_adds
        for name in (first, second):
            if name is None or work <= most:
                break
            count = len(arguments[name])
            kept = max(1, count * most // work)
            arguments[name] = arguments[name][:kept]
            if name == "w":
                arguments["b"] = arguments["b"][:kept]
            work = work // count * kept
        return Problem(self.operation, self.text, arguments, self.terms, work)


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


def matmul_problem(
    M: int, K: int, N: int, dtype: npt.DTypeLike = np.float32, seed: int = 0
) -> Problem:
    """Draw two matrices, (M, K) and (K, N)."""
    rng = np.random.default_rng(seed)
    a, b = (rng.standard_normal(shape).astype(dtype) for shape in ((M, K), (K, N)))
    text = f"({M} x {K}) times ({K} x {N}), {np.dtype(dtype)}"
    return Problem("matmul", text, {"a": a, "b": b}, K, M * K * N)


def conv2d_problem(
    N: int,
    C: int,
    H: int,
    W: int,
    OC: int,
    K: int,
    dtype: npt.DTypeLike = np.float32,
    seed: int = 0,
) -> Problem:
    """Draw N images of C channels and OC filters of K x K; the output is as large as the image."""
    rng = np.random.default_rng(seed)
    shapes = ((N, C, H, W), (OC, C, K, K), (OC,))
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    OH, OW = (size + 2 * (K // 2) - K + 1 for size in (H, W))
    text = f"{N} images {C} x {H} x {W}, {OC} filters {K} x {K}, {np.dtype(dtype)}"
    arguments = {"x": x, "w": w, "b": b, "padding": K // 2}
    return Problem("conv2d", text, arguments, C * K * K + 1, N * OC * C * K * K * OH * OW)


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
    run: Callable[..., Array] = getattr(ladder, problem.operation)
    whole = _truth_of(problem)
    for rung in RUNGS[problem.operation]:
        part = problem.part(_MOST.get(rung.name, problem.multiply_adds))
        expected = whole if part is problem else _truth_of(part)
        for count in sorted({1, threads}) if rung.name == "library" else [_threads(rung, threads)]:
            with num_threads(count), _numpy_on_one_thread():
                actual, seconds = _best(partial(run, rung.name, **part.arguments))
            error = largest_difference({"output": actual}, expected).units
            if error > 1:
                raise ArithmeticError(
                    f"rung {rung.name} of {problem.operation} is wrong: {error:.3g} times the "
                    f"tolerance, at {problem.text}"
                )
            rate = 2 * part.multiply_adds / seconds
            total = 2 * problem.multiply_adds / rate if rate else seconds
            yield Timing(rung, count, total, rate / 1e9, part is not problem, error)


def factor(timings: Sequence[Timing], at: int) -> float | None:
    """Tell how much faster a rung is than the one below it that ran on as many threads.

    The first that runs on several is compared with the last that runs on one. NumPy stands beside
    the ladder: nothing is compared with it.
    """
    below = [timing for timing in timings[:at] if timing.rung.name != "numpy"]
    same = [timing for timing in below if timing.threads == timings[at].threads]
    before = (same or below)[-1:]
    return timings[at].gflops / before[0].gflops if before else None


def _threads(rung: Rung, threads: int) -> int:
    return threads if rung.uses_threads else 1


def _truth_of(problem: Problem) -> Any:
    case = Case(problem.text, lambda draw: problem.arguments, terms=max(1, problem.terms))
    settings: Mapping[str, Any] = problem.arguments
    dtype = settings["a" if problem.operation == "matmul" else "x"].dtype
    return truth(_KERNELS[problem.operation], case, problem.arguments, dtype)


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

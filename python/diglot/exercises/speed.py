"""How fast is an answer? It takes turns with what it is compared with: both suffer alike."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from diglot import kernels, ladder
from diglot.exercises.report import Report, Row
from diglot.exercises.subjects import Function, Rung, Subject
from diglot.kernels import reference
from diglot.kernels.native import best_build
from diglot.kernels.tolerance import call
from diglot.threads import num_threads

__all__ = ["fastest", "judged", "speed"]

_SECONDS = 0.5
_ROUNDS = 3
_SIZES = {"matmul": (512, 512, 512), "conv2d": (2, 32, 28, 28, 32, 3), "lstm": (16, 10, 64, 128)}


def fastest(calls: Mapping[str, Callable[[], Any]], seconds: float = _SECONDS) -> dict[str, float]:
    """Run several calls in turns, and give the shortest time of each, in seconds."""
    best = dict.fromkeys(calls, np.inf)
    started, rounds = time.perf_counter(), 0
    while rounds < _ROUNDS or time.perf_counter() - started < seconds:
        for name, function in calls.items():
            before = time.perf_counter()
            function()
            best[name] = min(best[name], time.perf_counter() - before)
        rounds += 1
    return best


def speed(subject: Subject, report: Report) -> Iterator[Row]:
    """Compare the answer with the reference, or with rungs of the ladder."""
    report.at("speed")
    if isinstance(subject, Function):
        yield _of_function(subject)
    elif isinstance(subject, Rung):
        yield _of_rung(subject)


def _of_function(subject: Function) -> Row:
    """Tell, and do not judge: NumPy's speed is nobody's merit."""
    name = subject.exercise.judge
    case = max(subject.cases, key=subject.size)
    arguments = case.arguments(np.float32)
    calls = {"mine": subject.unwatched, "reference": getattr(reference, name)}
    if kernels.get_backend() != "reference":
        calls["C++"] = getattr(best_build(), name)
    with np.errstate(all="ignore"):
        times = fastest({n: partial(call, f, arguments, case.calls) for n, f in calls.items()})
    ratio = times["reference"] / times["mine"]
    text = f"{_times(ratio)} as fast as the reference, on case {case.name}"
    if "C++" in times:
        text += f"; the C++ kernel: {_times(times['reference'] / times['C++'])}"
    return Row("speed", None, text)


def _of_rung(subject: Rung) -> Row:
    exercise = subject.exercise
    problem = subject.operation.draw(*_SIZES[exercise.home])
    slow, factor = exercise.beats or ("naive", 0.0)
    run: Callable[..., Any] = getattr(ladder, exercise.home)
    calls: dict[str, Callable[[], Any]] = {"mine": partial(subject.run, problem.arguments)}
    for rung in dict.fromkeys((slow, exercise.rung, "library")):
        calls[rung] = partial(run, rung, **problem.arguments)
    with num_threads(1):
        times = fastest(calls)
    others = {
        "kernel" if name == "library" else name: times[slow] / seconds
        for name, seconds in times.items()
        if name not in ("mine", slow)
    }
    return judged(times[slow] / times["mine"], slow, factor, others, problem.text)


def judged(
    ratio: float, slow: str, factor: float, others: Mapping[str, float], problem: str
) -> Row:
    """Make the row of a rung.

    Args:
        ratio: how many times as fast as the rung `slow` the answer is.
        slow: that rung.
        factor: what is asked for; 0 if nothing is.
        others: how many times as fast as it the library's own are.
        problem: that was computed.
    """
    told = "".join(f"; the library's {name}: {_times(times)}" for name, times in others.items())
    text = f"{_times(ratio)} as fast as the library's {slow}, on {problem}{told}"
    if not factor:
        return Row("speed", None, text)
    message = (
        f"It is {_times(ratio)} as fast as the library's {slow}; {factor:g} x are asked for. The "
        "hints say what makes the difference. If another program keeps the processor busy, check "
        "again."
    )
    fast = ratio >= factor
    return Row("speed", fast, f"{text}; asked: {factor:g} x", "" if fast else message)


def _times(ratio: float) -> str:
    return f"{ratio:.3g} x" if ratio < 100 else f"{ratio:.0f} x"

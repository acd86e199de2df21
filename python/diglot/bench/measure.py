"""Compare results, then take times: all competitors in turn, round by round, on fresh data."""

import gc
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from diglot.bench.ceilings import Ceilings
from diglot.bench.machine import Others
from diglot.bench.peers import Competitor
from diglot.bench.placement import Placement
from diglot.bench.result import Result
from diglot.bench.work import JAX, NUMPY, ONE_THREAD, OURS, Run, Source, Work
from diglot.threads import num_threads

_SAMPLE, _FEW = 0.02, 3
"""Seconds of one sample, at least, and calls of those that are shorter."""
_QUIET, _PATIENCE = 5e-3, 60
"""Seconds for which this process must be quiet before a sample, and how often that is tried."""
_LONG = 0.25
"""Seconds of a call that needs no warm-up before it: what it warms up is a small part of it."""


@final
@dataclass(frozen=True)
class Settings:
    """How long to measure.

    Attributes:
        seconds: of timing, for each row.
        rounds: at least so many, however long they take.
    """

    seconds: float = 1.5
    rounds: int = 5


FULL, QUICK = Settings(), Settings(seconds=0.25, rounds=2)


def measure(
    work: Work,
    ours: Competitor,
    reference: Competitor,
    peers: Sequence[Competitor],
    ceilings: Ceilings,
    settings: Settings,
    placement: Placement,
    *,
    scaling: bool = False,
    seed: int = 0,
) -> Result:
    """Compare all results with the reference's, then time those that are right.

    Args:
        work: the row.
        ours: the native build.
        reference: the definition.
        peers: those that are installed.
        ceilings: of this machine.
        settings: how long.
        placement: of the threads.
        scaling: time our build on one thread, too.
        seed: draws the data.
    """
    result = Result(work)
    able = [c for c in (ours, reference, *peers) if c.knows(work.kind)]
    first = _check(result, able, seed)
    if OURS in result.errors:
        return result
    right = [c for c in able if c.name not in result.errors and c.name not in work.skip]
    turns = {c.name: c for c in right}
    if scaling and any(goal.of == ONE_THREAD for goal in work.goals):
        turns[ONE_THREAD], first[ONE_THREAD] = ours, first[OURS]
    watch = Others()
    _take_turns(result, turns, first, settings, placement, seed)
    result.others = watch.processors()
    if work.bytes:
        result.share = ceilings.share(work, result.seconds(OURS))
    return result


# ---- checking ------------------------------------------------------------------------------------


def _check(result: Result, competitors: Sequence[Competitor], seed: int) -> dict[str, float]:
    """Compare every result with the reference's, note who is wrong, and time the calls roughly."""
    work, seconds = result.work, {}
    arguments = (work.check or work.draw)(Source(np.random.default_rng([seed, 0])))
    order = sorted(competitors, key=lambda c: c.name != NUMPY)  # the reference first
    expected: list[np.ndarray[Any, Any]] = []
    for competitor in order:
        try:
            run = competitor.prepare(work.kind, dict(arguments))
            start = time.perf_counter()
            outputs = run.outputs(run.call())
            seconds[competitor.name] = time.perf_counter() - start
            if competitor.name == NUMPY:
                expected = [output.copy() for output in outputs]
            elif competitor.name not in work.unchecked:
                compare(outputs, expected, work.tolerance)
        except Exception as error:  # whatever a broken kernel does, it must not stop the others
            result.errors[competitor.name] = f"{type(error).__name__}: {error}"
    return seconds


def compare(
    actual: Sequence[np.ndarray[Any, Any]], expected: Sequence[np.ndarray[Any, Any]], share: float
) -> None:
    """Compare results of random data; of several, those that both have.

    Rounding moves an element by about sqrt(terms) * eps of its size, whatever the order of the sum:
    far below a thousandth for every row here. `diglot verify` has the exact tolerances.

    Raises:
        ValueError: they differ by more than `share` of their root mean square.
    """
    for place, (one, other) in enumerate(zip(actual, expected, strict=False)):
        if one.shape != other.shape:
            raise ValueError(f"output {place} has shape {one.shape}, expected {other.shape}")
        if not one.size:
            continue
        wide = other.astype(np.float64)
        size = math.sqrt(float(np.mean(np.square(wide)))) or 1.0
        gap = np.abs(one - wide)
        worst = np.unravel_index(int(np.argmax(gap)), gap.shape)  # a NaN is the largest
        if not gap[worst] <= share * size:
            at = ", ".join(map(str, worst))
            raise ValueError(
                f"output {place}[{at}] is {one[worst]:.6g}, expected {wide[worst]:.6g}"
            )


# ---- timing --------------------------------------------------------------------------------------


def _take_turns(
    result: Result,
    turns: Mapping[str, Competitor],
    estimates: dict[str, float],
    settings: Settings,
    placement: Placement,
    seed: int,
) -> None:
    """Time one sample of each in every round; who is slow drops out after some rounds."""
    busy = {name: [0.0, 0.0] for name in turns}
    begin = time.perf_counter()
    enabled = gc.isenabled()
    gc.disable()
    try:
        for round_ in range(200):
            spent = time.perf_counter() - begin
            if round_ >= settings.rounds and spent >= settings.seconds:
                break
            arguments = result.work.draw(Source(np.random.default_rng([seed, round_ + 1])))
            names = list(turns)
            for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
                samples = result.samples.setdefault(name, [])
                ours = name in (OURS, ONE_THREAD)
                if samples and not ours and sum(busy[name]) > settings.seconds:
                    continue
                threads = num_threads(1) if name == ONE_THREAD else nullcontext()
                with placement.turn(openmp=name not in (NUMPY, JAX)), threads:
                    run = turns[name].prepare(result.work.kind, arguments)
                    samples.append(_sample(run, estimates, name, busy[name]))
    finally:
        if enabled:
            gc.enable()
        result.processors = {n: used / wall for n, (used, wall) in busy.items() if wall}


def _sample(run: Run, estimates: dict[str, float], name: str, busy: list[float]) -> float:
    """Time enough calls for a steady figure, and give the seconds of one."""
    _settle()
    call = run.call
    fresh = not busy[1] and name != NUMPY  # its estimate may be the time of a compilation
    if fresh or estimates[name] < _LONG:
        start = time.perf_counter()
        call()
        estimates[name] = max(time.perf_counter() - start, 1e-7)
    count = min(2000, math.ceil(_SAMPLE / estimates[name]))
    count = max(count, _FEW if estimates[name] < 2 * _SAMPLE else 1)
    processors, start = time.process_time(), time.perf_counter()
    for _ in range(count):
        call()
    seconds = time.perf_counter() - start
    busy[0] += time.process_time() - processors
    busy[1] += seconds
    estimates[name] = seconds / count
    return seconds / count


def _settle() -> None:
    """Wait until no thread of whoever had the last turn is spinning.

    OpenMP's threads spin for some milliseconds, OpenBLAS's for more than forty: they would take a
    processor away from the next competitor, and always from the same one.
    """
    for _ in range(_PATIENCE):
        before = time.process_time()
        time.sleep(_QUIET)
        if time.process_time() - before < 0.1 * _QUIET:
            return

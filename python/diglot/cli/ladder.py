"""`diglot ladder`: how much faster is each idea, from Python's loops to the library's kernel?"""

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from diglot.cli.console import UsageError, make_console, make_table, positive_number
from diglot.ladder.peak import fma_peak
from diglot.ladder.problems import OPERATIONS, Operation, Problem
from diglot.ladder.rungs import native_build
from diglot.ladder.staircase import staircase
from diglot.ladder.timing import BESIDE, Timing, climb, factor
from diglot.threads import get_num_threads, num_threads

_DESCRIPTION = """Compute one product of matrices, one convolution, or an LSTM along a sequence, on
each rung of the ladder: from loops in Python, through C++ files that differ by one idea each
(csrc/ladder), to the library's kernel. Each result is checked before its time is printed. Python's
loops, and naive ones of a large problem, are timed on a part of it."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "time one operation from naive loops to the library's kernel"
    parser = commands.add_parser("ladder", help=text, description=_DESCRIPTION)
    parser.add_argument("operation", choices=list(OPERATIONS))
    parser.add_argument(
        "--size",
        metavar="SIZES",
        help="of matmul: N, or MxKxN (1024); of conv2d: N images x C channels x H x W x filters x "
        "pixels of a filter's side (8x64x56x56x64x3); of lstm: N rows x T steps x D features x "
        "H units (64x50x64x256)",
    )
    parser.add_argument(
        "--threads",
        type=positive_number,
        metavar="N",
        help="for the last rungs (as many as the library is set to)",
    )
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the staircase, .png or .svg"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Climb, print a table, and draw."""
    if arguments.plot is not None and not arguments.plot.absolute().parent.is_dir():
        raise UsageError(f"{arguments.plot} cannot be written: its folder does not exist")
    operation = OPERATIONS[arguments.operation]
    sizes = _sizes(operation, arguments.size) if arguments.size else operation.default
    problem = operation.draw(*sizes, dtype=arguments.dtype)
    try:
        with num_threads(arguments.threads or get_num_threads()):
            threads = get_num_threads()
    except ValueError as error:
        raise UsageError(str(error)) from error
    in_float32 = arguments.dtype == "float32"
    peaks = {n: fma_peak(n, in_float32=in_float32) for n in sorted({1, threads})}
    timings: list[Timing] = []
    try:
        with Console(stderr=True).status("") as status:
            for timing in climb(problem, threads):
                timings.append(timing)
                status.update(f"climbing: {timing.rung.name} done")
    except ArithmeticError as error:
        print(f"diglot: {error}", file=sys.stderr)
        return False
    console = make_console()
    _print_table(console, problem, timings, peaks)
    if arguments.plot is not None:
        title = f"{problem.operation.name}: {problem.text}"
        staircase(timings, peaks, title, path=arguments.plot)
        console.print(f"written: {arguments.plot}")
    return True


def _sizes(operation: Operation, text: str) -> list[int]:
    words = text.split("x")
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise UsageError(f"--size {text!r} is not a list of positive integers such as 60x784x89")
    count, alone = len(operation.sizes.split("x")), operation.name == "matmul"
    if len(words) == 1 and alone:
        words *= count
    if len(words) != count:
        forms = "N or " * alone + operation.sizes
        raise UsageError(f"--size {text} has {len(words)} numbers, expected {forms}")
    return [int(word) for word in words]


def _print_table(
    console: Console, problem: Problem, timings: list[Timing], peaks: dict[int, float]
) -> None:
    numbers = ["threads", "time", "GFLOP/s", "faster by", "of peak"]
    table = make_table(
        "rung",
        *numbers,
        "idea",
        "source",
        right=numbers,
        title=f"{problem.operation.name}: {problem.text}",
    )
    for at, timing in enumerate(timings):
        table.add_row(
            timing.rung.name,
            str(timing.threads),
            _time(timing.seconds) + ("*" if timing.extrapolated else " "),
            f"{timing.gflops:.3g}",
            _factor(factor(timings, at)),
            f"{timing.gflops / peaks[timing.threads]:.1%}",
            timing.rung.idea,
            timing.rung.source,
        )
    console.print(table)
    ceilings = ", ".join(f"{peak:.0f} GFLOP/s with {n}" for n, peak in peaks.items())
    build = native_build().__name__.rpartition("_native_")[2]
    notes = f"Multiply-adds alone reach {ceilings} thread{'s' * (max(peaks) > 1)}"
    console.print(f"{notes} ({build}). Every result was checked.")
    console.print(_baselines(timings))
    if any(timing.gflops > peaks[timing.threads] for timing in timings):
        console.print(f"Above 100 %: {problem.operation.above}")
    if any(timing.extrapolated for timing in timings):
        console.print("* extrapolated: a part of the work was timed")


def _baselines(timings: list[Timing]) -> str:
    """Say than what a row is faster; see `diglot.ladder.timing.factor`."""
    before = "than the row before"
    if len({timing.threads for timing in timings}) > 1:
        before = "than the last row before with as many threads, or else with fewer"
    beside = [timing.rung.name for timing in timings if timing.rung.name in BESIDE]
    names, several = " and ".join(beside), len(beside) > 1
    stand, are = ("stand", "are") if several else ("stands", "is")
    return (
        f"Faster by: {before}; {names} {stand} beside the ladder, and {are} compared with "
        "python, as naive is."
    )


def _factor(gained: float | None) -> str:
    if gained is None:
        return ""
    return f"{gained:,.0f}x" if gained >= 100 else f"{gained:.3g}x"


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} us"

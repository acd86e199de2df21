"""`diglot reproduce`: the book's experiments, published figures beside ours."""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from diglot import kernels
from diglot.atomic import write_atomically
from diglot.cli.console import UsageError, make_console, make_table, style_of
from diglot.reproduce import Result, Settings, select
from diglot.threads import get_num_threads

_DESCRIPTION = """Run the experiments of chapters 1 to 5 of "Deep Learning from Scratch" and print
the published figures beside ours. All of them take some ten minutes on two cores. Exit status 1 if
a figure is worse than its bound. Without --housing, chapters 2 and 3 use scikit-learn's diabetes
table and are measured by least squares."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "run the book's experiments, published figures beside ours"
    parser = commands.add_parser("reproduce", help=text, description=_DESCRIPTION)
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help='a chapter, "4", or a row, "4.7" (all of them)'
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="little data, few steps: shows that everything runs; the figures are not judged",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument(
        "--housing",
        type=Path,
        metavar="FILE",
        help="CSV for chapters 2 and 3: 506 rows of 13 features and the target",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Run the rows, print a table, and tell whether every judged one is met."""
    try:
        rows = select(arguments.ids)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if arguments.json and not arguments.json.parent.is_dir():
        raise UsageError(f"--json {arguments.json}: its folder does not exist")
    settings = Settings(quick=arguments.quick, housing=arguments.housing, progress=True)
    console = make_console()
    results: list[Result] = []
    try:
        for row in rows:
            print(f"{row.id:<5} {row.what} ...", file=sys.stderr, flush=True)
            results.append(row.run(settings))
            print(f"      {_summary(results[-1])}", file=sys.stderr, flush=True)
            if arguments.json:
                _write_json(arguments.json, results, settings)
    finally:  # what has been computed is shown, whatever stopped the rest
        if results:
            _print_table(console, results, settings)
    return _print_verdict(console, results)


def _summary(result: Result) -> str:
    return f"{result.outcome.ours}, {_verdict(result)}, {result.seconds:.1f} s"


def _verdict(result: Result) -> str:
    return {True: "met", False: "NOT MET", None: "not judged"}[result.outcome.met]


def _print_table(console: Console, results: Sequence[Result], settings: Settings) -> None:
    columns = ("row", "experiment", "published", "ours", "bound", "verdict", "seconds")
    title = "QUICK RUN: little data, few steps; the figures say nothing" if settings.quick else None
    table = make_table(*columns, right=["seconds"], title=title)
    for result in results:
        row, outcome = result.row, result.outcome
        table.add_row(
            row.id,
            row.what,
            row.published,
            outcome.ours,
            outcome.bound,
            Text(_verdict(result), style_of(outcome.met)),
            f"{result.seconds:.1f}",
        )
    console.print(table)
    notes: dict[str, list[str]] = {}
    for result in results:
        if result.outcome.note:
            notes.setdefault(result.outcome.note, []).append(result.row.id)
    for note, ids in notes.items():
        console.print(f"{', '.join(ids)}: {note}", soft_wrap=True)


def _print_verdict(console: Console, results: Sequence[Result]) -> bool:
    judged = [result for result in results if result.outcome.met is not None]
    missed = [result.row.id for result in judged if not result.outcome.met]
    seconds = sum(result.seconds for result in results)
    text = f"{len(judged) - len(missed)} of {len(judged)} judged rows are met"
    others = len(results) - len(judged)
    text += f", {others} not judged" if others else ""
    text += f"; NOT MET: {', '.join(missed)}" if missed else ""
    console.print(f"{text}; {seconds:.0f} s", style=style_of(not missed), soft_wrap=True)
    return not missed


def _write_json(path: Path, results: Sequence[Result], settings: Settings) -> None:
    """Write all figures so far; the file is complete at any time."""
    report = {
        "diglot": version("diglot"),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "backend": kernels.get_backend(),
        "threads": get_num_threads(),
        "quick": settings.quick,
        "rows": [result.to_dict() for result in results],
    }
    write_atomically(path, json.dumps(report, indent=2).encode() + b"\n")

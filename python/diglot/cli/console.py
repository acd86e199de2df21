"""How the commands print: plain tables that can be read without colour, and in a pipe."""

import argparse
import math
import os
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

_WIDTH_OF_A_PIPE = 140


class UsageError(ValueError):
    """The user asked for something that does not exist; the message says what does."""


def positive_number(text: str) -> int:
    """Parse an argument: an integer of at least 1."""
    return _integer(text, 1)


def natural_number(text: str) -> int:
    """Parse an argument: an integer of at least 0."""
    return _integer(text, 0)


def positive_real(text: str) -> float:
    """Parse an argument: a finite number above 0."""
    return _real(text, 0, math.inf, "above 0", least_too=False)


def nonnegative_real(text: str) -> float:
    """Parse an argument: a finite number of at least 0."""
    return _real(text, 0, math.inf, "of at least 0")


def share(text: str) -> float:
    """Parse an argument: a number from 0 to below 1."""
    return _real(text, 0, 1, "from 0 to below 1")


def positive_share(text: str) -> float:
    """Parse an argument: a number above 0 and below 1."""
    return _real(text, 0, 1, "above 0 and below 1", least_too=False)


def _real(text: str, least: float, below: float, what: str, *, least_too: bool = True) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (least <= number < below) or (number == least and not least_too):
        raise argparse.ArgumentTypeError(f"{text!r} is no number {what}")
    return number


def _integer(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is no integer of at least {least}")
    return int(text)


def make_console(width_of_a_pipe: int = _WIDTH_OF_A_PIPE) -> Console:
    """Make a console on standard output; where that is no terminal, lines may be long."""
    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(markup=False, highlight=False, width=width_of_a_pipe if piped else None)


def make_table(*columns: str, right: Sequence[str] = (), title: str | None = None) -> Table:
    """Make an empty table.

    Args:
        columns: the headings; what stands in the first column is never broken.
        right: those whose column is aligned to the right.
        title: stands above the table.
    """
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        title=title,
        title_justify="left",
        title_style="bold",
    )
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in right else "left",
            overflow="fold",  # nothing is cut off, however narrow the terminal
            no_wrap=column == columns[0],
        )
    return table


def print_pairs(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    """Print lines of a name and a value, the values below each other."""
    table = Table.grid(padding=(0, 2))
    for name, value in pairs:
        table.add_row(name, value)
    table.columns[1].overflow = "fold"
    console.print(table)


def sign_of(passed: bool | None) -> str:
    """Give the mark of a verdict, in letters that standard output has."""
    try:
        "✓✗·".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return {True: "ok", False: "NO", None: "-"}[passed]
    return {True: "✓", False: "✗", None: "·"}[passed]


def style_of(passed: bool | None) -> str:
    """Give the colour of a verdict: it adds to the word, and never replaces it."""
    return {True: "green", False: "bold red", None: "yellow"}[passed]

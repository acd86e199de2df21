"""`diglot mistakes`: wrong code beside right code, the check that tells them apart, a training."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from diglot.cli.console import UsageError, make_console, make_table, style_of

if TYPE_CHECKING:
    from rich.syntax import Syntax

    from diglot.mistakes import Mistake, Training, Verdict

_DESCRIPTION = """List the gallery of mistakes, or show one: what is wrong and why it is easy to
make, the wrong code beside the library's own, the check that finds it, run on both, and a small
training with both. With --all, run every check; the exit status is 1 if a mistake is not caught, or
right code is blamed."""

_SIDE_BY_SIDE = 150  # columns of a terminal in which two programs fit
_BLOCKS = "▁▂▃▄▅▆▇█"


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command to the parser."""
    text = "show well-known mistakes, and the checks that catch them"
    parser = commands.add_parser("mistakes", help=text, description=_DESCRIPTION)
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a mistake, or an erratum, such as E4 (list all)"
    )
    parser.add_argument("--all", action="store_true", help="run the checks of all mistakes")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves of NAME")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Print what was asked for; tell whether each check is right about both pieces of code."""
    from diglot.mistakes import gallery

    console = make_console()
    if arguments.plot is not None and arguments.name is None:
        raise UsageError("--plot needs the NAME of a mistake")
    if arguments.plot is not None and not arguments.plot.absolute().parent.is_dir():
        raise UsageError(f"{arguments.plot} cannot be written: its folder does not exist")
    if arguments.plot is not None and arguments.plot.suffix not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--plot: {arguments.plot} ends in none of .png, .svg and .pdf")
    if arguments.all and arguments.name is not None:
        raise UsageError("give a NAME or --all")
    if arguments.all:
        return _run_all(console, gallery())
    if arguments.name is None:
        _list(console, gallery())
        return True
    found = _found(arguments.name)
    if arguments.plot is not None and len(found) > 1:
        names = " or ".join(mistake.id for mistake in found)
        raise UsageError(f"{arguments.name} has {len(found)} entries: --plot {names}")
    shown = [_show(console, mistake, arguments.plot) for mistake in found]
    return all(shown)


def _found(name: str) -> list[Mistake[Any]]:
    """Find a mistake by its id, or all of an erratum."""
    from diglot.mistakes import find, gallery

    entries = [entry for entry in gallery() if entry.seen.lower() == name.lower()]
    try:
        return entries or [find(name)]
    except ValueError as error:
        raise UsageError(str(error)) from error


def _list(console: Console, mistakes: Sequence[Mistake[Any]]) -> None:
    table = make_table("mistake", "seen", "what", "caught by", "the training")
    for one in mistakes:
        table.add_row(one.id, _seen(one), one.title, one.caught_by, _in_words(one.effect))
    console.print(table)
    console.print(
        f"{len(mistakes)} mistakes. E1, E2, ...: in the book's published code (docs/errata.md).\n"
        f"Show one: diglot mistakes {mistakes[0].id}"
    )


def _seen(mistake: Mistake[Any]) -> str:
    return mistake.seen if mistake.seen.startswith("E") else ""


def _run_all(console: Console, mistakes: Sequence[Mistake[Any]]) -> bool:
    table = make_table("mistake", "seen", "caught by", "wrong code is", "right code")
    passed = True
    for one in mistakes:
        wrong, right = one.judge_wrong(), one.judge_right()
        passed = passed and wrong.caught and not right.caught
        table.add_row(
            one.id,
            _seen(one),
            one.caught_by,
            Text("caught" if wrong.caught else "NOT CAUGHT", style_of(wrong.caught)),
            Text("BLAMED" if right.caught else "passes", style_of(not right.caught)),
        )
    console.print(table)
    verdict = "every one is caught, and no right code is blamed" if passed else "a check is WRONG"
    console.print(f"{len(mistakes)} mistakes: {verdict}", style=style_of(passed))
    return passed


def _show(console: Console, mistake: Mistake[Any], plot: Path | None) -> bool:
    console.print(Text(f"{mistake.id} ({mistake.seen})", "bold"))
    console.print(Text(mistake.title, "bold"))
    console.print(f"\n{mistake.text}\n")
    _print_code(console, mistake)
    wrong, right = mistake.judge_wrong(), mistake.judge_right()
    console.print(Text(f"the check ({mistake.caught_by})", "bold"))
    console.print(_python(mistake.check_source))
    console.print(_verdict("wrong", wrong, "caught", "NOT CAUGHT", good=wrong.caught))
    console.print(_verdict("right", right, "BLAMED", "passes", good=not right.caught))
    training = mistake.training()
    _print_training(console, training)
    if plot is not None:
        _draw(mistake, training, plot)
        console.print(f"drawn: {plot}")
    return wrong.caught and not right.caught


def _print_code(console: Console, mistake: Mistake[Any]) -> None:
    codes = (("wrong", mistake.wrong_source), ("right", mistake.right_source))
    parts = [_titled(title, _python(code)) for title, code in codes]
    if console.width < _SIDE_BY_SIDE:
        for part in parts:
            console.print(part)
        return
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    table.add_row(*parts)
    console.print(table)


def _titled(title: str, body: RenderableType) -> Group:
    return Group(Text(title, style_of(title == "right")), body, Text(""))


def _python(code: str) -> Syntax:
    from rich.syntax import Syntax  # takes its time, which other commands need not wait for

    return Syntax(code, "python", theme="ansi_dark", background_color="default", word_wrap=True)


def _verdict(code: str, verdict: Verdict, caught: str, passed: str, *, good: bool) -> Text:
    return Text.assemble(
        (f"{code}: {caught if verdict.caught else passed}", style_of(good)),
        f"\n  {verdict.message}",
    )


def _print_training(console: Console, training: Training) -> None:
    console.print(Text(f"\nin training: {training.figure}", "bold"))
    table = make_table("code", "curve", "first", "best", "last", right=["first", "best", "last"])
    best = max if training.higher_is_better else min
    means = {"wrong": training.mean(training.wrong), "right": training.mean(training.right)}
    finite = [value for curve in means.values() for value in curve if math.isfinite(value)]
    for name, curve in means.items():
        known = [value for value in curve if math.isfinite(value)]
        numbers = (curve[0], best(known, default=math.nan), curve[-1])
        table.add_row(name, _sparkline(curve, finite), *(f"{value:.3g}" for value in numbers))
    console.print(table)
    effect, seeds = _in_words(training.effect), len(training.wrong)
    console.print(f"Means of {seeds} seeds. With the mistake, the training {effect}.\n")


def _sparkline(curve: Sequence[float], of: Sequence[float]) -> str:
    """Draw a curve in one line, on a scale that it shares with others; a break is a cross."""
    low, high = min(of, default=0.0), max(of, default=1.0)
    top = len(_BLOCKS) - 1
    return "".join(
        _BLOCKS[round(top * (value - low) / ((high - low) or 1))] if math.isfinite(value) else "×"
        for value in curve
    )


def _in_words(effect: str) -> str:
    return {"no difference": "shows no difference"}.get(effect, effect)


def _draw(mistake: Mistake[Any], training: Training, path: Path) -> None:
    from diglot.plots import compare_curves

    try:
        compare_curves(
            {"right": training.right, "wrong": training.wrong},
            title=mistake.id,
            figure=training.figure,
            path=path,
        )
    except ImportError as error:
        raise UsageError(str(error)) from error

"""How `diglot bench` prints its rows."""

import math
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from diglot.bench.result import Result
from diglot.bench.work import NUMPY, ONE_THREAD, OURS
from diglot.cli.console import make_table, style_of


def print_table(
    console: Console, results: Sequence[Result], peers: Sequence[str], threads: int
) -> None:
    """Print a row for each piece of work; of a competitor, its time and that as a ratio to ours."""
    others = [NUMPY, *peers]
    columns = ["work", OURS, *others, "quartiles", "speed", "of peak"]
    scaling = threads > 1
    columns += [f"1→{threads}"] if scaling else []
    table = make_table(*columns, "goals", right=columns[1:])
    for result in results:
        if not result.samples:
            table.add_row(result.work.name, Text("not timed", style_of(False)))
            continue
        cells: list[str | Text] = [result.work.name + ("~" if result.disturbed else "")]
        cells.append(duration(result.seconds(OURS)))
        for name in others:
            ratio = result.ratio(name)
            cells.append(f"{duration(result.seconds(name))} {ratio.median:5.2f}x" if ratio else "")
        cells += [_spread(result), _speed(result), _percent(result.share)]
        if scaling:
            ratio = result.ratio(ONE_THREAD)
            cells.append(f"{ratio.median:.2f}" if ratio else "")
        table.add_row(*cells, goals(result))
    console.print(table)
    console.print(
        f"4.2 ms 2.00x: {OURS} is twice as fast. Quartiles are those of the ratio to the fastest "
        "other.",
        soft_wrap=True,
    )
    if any(result.disturbed for result in results):
        console.print("~ other programs were busy while this row was timed", soft_wrap=True)
    for note, names in _notes(results).items():
        console.print(f"{'; '.join(names)}: {note}", soft_wrap=True)
    for result in results:
        for name, error in result.errors.items():
            who = "WRONG" if name == OURS else f"{name} was not timed"
            console.print(
                f"{result.work.name}: {who}: {error}",
                style=style_of(False if name == OURS else None),
                soft_wrap=True,
            )


def print_costs(console: Console, costs: Sequence[dict[str, Any]]) -> None:
    """Print what is not a speed."""
    table = make_table("cost", "figure", "goal", right=["figure"])
    for cost in costs:
        figure = "unknown" if cost["figure"] is None else f"{cost['figure']:.2f} {cost['unit']}"
        table.add_row(cost["name"], figure, _marked(cost["goal"], cost["met"]))
    console.print(table)


def print_verdict(
    console: Console,
    results: Sequence[Result],
    costs: Sequence[dict[str, Any]],
    report: dict[str, Any],
    *,
    judged: bool,
) -> bool:
    """Print the warnings and the sum, and tell whether all is well.

    Args:
        console: where to.
        results: of the rows.
        costs: of the others.
        report: has the warnings and the time.
        judged: goals count; wrong results always do.
    """
    for warning in report["warnings"]:
        console.print(f"NOISY MACHINE: {warning}", style=style_of(None), soft_wrap=True)
    verdicts = [met for result in results for _, met in result.verdicts if met is not None]
    verdicts += [cost["met"] for cost in costs if cost["met"] is not None]
    missed = [result.work.name for result in results if result.met is False]
    missed += [cost["name"] for cost in costs if cost["met"] is False]
    wrong = [result.work.name for result in results if OURS in result.errors]
    text = f"{sum(verdicts)} of {len(verdicts)} goals are met, in {len(results)} rows"
    text += "" if judged else " (a quick run: not judged)"
    text += f"; MISSED in {len(missed)}" if missed else ""
    text += f"; WRONG: {'; '.join(wrong)}" if wrong else ""
    passed = not wrong and not (judged and missed)
    console.print(f"{text}; {report['seconds']:.0f} s", style=style_of(passed), soft_wrap=True)
    return passed


def duration(seconds: float) -> str:
    """Write a time with three digits, in the unit that fits."""
    if math.isnan(seconds):
        return ""
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms")):
        if seconds < limit:
            return f"{_digits(seconds * factor)} {unit}"
    return f"{_digits(seconds)} s"


def goals(result: Result) -> Text:
    """Write a row's goals, the missed ones marked by a word."""
    text = Text()
    for place, (goal, met) in enumerate(result.verdicts):
        text.append(", " if place else "")
        text.append_text(_marked(str(goal), met))
    return text


def _marked(goal: str, met: bool | None) -> Text:
    word = {True: "", False: " MISSED", None: " ?"}[met]
    return Text(goal + word, style_of(met))


def _digits(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _spread(result: Result) -> str:
    ratio = result.ratio(result.best_peer) if result.best_peer else None
    return f"{ratio.low:.2f}-{ratio.high:.2f}" if ratio else ""


def _speed(result: Result) -> str:
    work, seconds = result.work, result.seconds(OURS)
    if work.counts_flops:
        return f"{work.flops / seconds / 1e9:.0f} GFLOP/s"
    return f"{work.bytes / seconds / 1e9:.0f} GB/s" if work.bytes else ""


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:.0f} %"


def _notes(results: Sequence[Result]) -> dict[str, list[str]]:
    notes: dict[str, list[str]] = {}
    for result in results:
        if result.work.note:
            notes.setdefault(result.work.note, []).append(result.work.name)
    return notes

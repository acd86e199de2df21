"""Draw the ladder as a staircase: speed by rung, under the ceiling of the machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from diglot.ladder.timing import Timing, factor
from diglot.plots.figure import finished, make_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GROUND, _STEP, _TOP = "#D55E00", "#0072B2", "#009E73"
"""Python and NumPy, the rungs, the library."""
_CEILING = "#333333"


def staircase(
    timings: Sequence[Timing],
    peaks: dict[int, float],
    title: str,
    *,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw a bar for each rung on a logarithmic scale, and what it gained over the one before.

    Args:
        timings: from the bottom up.
        peaks: the measured ceiling in GFLOP/s, by number of threads.
        title: stands above.
        path: where to write the picture.

    Returns:
        The figure.

    Raises:
        ImportError: matplotlib is missing.
    """
    figure = make_figure(1, 1, width=1.05 * len(timings) + 1.6, height=5.4)
    (panel,) = figure.axes
    lowest = min(timing.gflops for timing in timings)
    highest = max([*peaks.values(), *(timing.gflops for timing in timings)])
    bottom = lowest / 4
    panel.set_yscale("log")
    panel.set_ylim(bottom, highest * 2.5)
    for at, timing in enumerate(timings):
        panel.bar(at, timing.gflops - bottom, 0.8, bottom, color=_colour(timing), zorder=2)
        panel.annotate(
            f"{timing.gflops:.3g}\n{_gain(timings, at)}",
            (at, timing.gflops),
            xytext=(0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            color="white",
            fontsize=12,
            fontweight="bold",
            linespacing=1.5,
        )
    for threads, peak in sorted(peaks.items()):
        lower = threads == min(peaks) and len(peaks) > 1
        panel.axhline(peak, color=_CEILING, linestyle="--" if lower else "-", zorder=1)
        panel.annotate(
            f"FMA peak,\n{_threads(threads)}:\n{peak:.0f} GFLOP/s",
            (1.0, peak),
            xycoords=("axes fraction", "data"),
            xytext=(6, -2 if lower else 2),
            textcoords="offset points",
            color=_CEILING,
            va="top" if lower else "bottom",
            fontsize=10,
            fontweight="bold",
        )
    labels = [f"{_label(timing)}\n{_note(timing)}" for timing in timings]
    panel.set_xticks(range(len(timings)), labels, fontsize=10)
    panel.set_xlim(-0.6, len(timings) - 0.4)
    panel.tick_params(axis="x", length=0)
    panel.set_ylabel("GFLOP/s, logarithmic; × over the rung below")
    panel.yaxis.set_major_formatter("{x:g}")
    panel.set_title(title, loc="left", fontweight="bold")
    panel.grid(axis="y", alpha=0.25, zorder=0)
    panel.spines[["top", "right"]].set_visible(False)
    return finished(figure, path)


def _colour(timing: Timing) -> str:
    if timing.rung.native:
        return _STEP
    return _TOP if timing.rung.name == "library" else _GROUND


def _gain(timings: Sequence[Timing], at: int) -> str:
    gained = factor(timings, at)
    if gained is None:
        return ""
    return f"× {gained:,.0f}" if gained >= 100 else f"× {gained:.3g}"


def _label(timing: Timing) -> str:
    return timing.rung.name.replace("_", "\n", 1)


def _note(timing: Timing) -> str:
    if timing.extrapolated:
        return "(a part)"
    return f"({_threads(timing.threads)})" if timing.rung.uses_threads else ""


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"

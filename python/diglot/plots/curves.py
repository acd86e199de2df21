"""A picture of two trainings that differ in one thing, each repeated with several seeds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from diglot.errors import DataError
from diglot.plots.figure import COLOURS, MARKERS, finished, make_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def compare_curves(
    curves: Mapping[str, Sequence[Sequence[float]]],
    *,
    title: str = "",
    figure: str = "",
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw groups of curves, one colour for each group; the mean of a group is thick.

    Args:
        curves: by name, a curve for each seed, all of a group equally long; where one of them is
            not finite, the group's mean leaves a gap.
        title: stands above the picture.
        figure: what the curves show, beside the vertical axis.
        path: where to write the picture.

    Returns:
        The figure.

    Raises:
        DataError: there is nothing to draw, or the curves of a group are of different lengths.
        ImportError: matplotlib is missing.
    """
    if not any(len(curve) for group in curves.values() for curve in group):
        raise DataError("there is nothing to draw: no curve has a point")
    for name, group in curves.items():
        lengths = sorted({len(curve) for curve in group})
        if len(lengths) != 1:
            raise DataError(f"the curves of {name!r} have {lengths or 'no'} points, expected equal")
    picture = make_figure(1, 1, width=6.4, height=4.0)
    (panel,) = picture.axes
    for index, (name, group) in enumerate(curves.items()):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        steps = range(1, max(map(len, group)) + 1)
        for curve in group:
            panel.plot(steps[: len(curve)], curve, color=colour, alpha=0.35, linewidth=1)
        mean = [sum(points) / len(points) for points in zip(*group, strict=True)]
        panel.plot(steps, mean, color=colour, marker=marker, markersize=4, linewidth=2, label=name)
    panel.set_title(title, loc="left", fontweight="bold")
    panel.set_ylabel(figure)
    panel.set_xlabel("time")
    panel.locator_params(axis="x", integer=True, min_n_ticks=1)
    panel.grid(alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False)
    return finished(picture, path)

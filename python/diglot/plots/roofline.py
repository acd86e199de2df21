"""The roofline: how fast kernels are, below what the machine can do at most.

A kernel that computes I operations for each byte that it moves can reach min(peak, I * bandwidth)
operations a second. Source: Williams, Waterman & Patterson 2009, "Roofline: an insightful visual
performance model for multicore architectures".
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from diglot.errors import DataError
from diglot.plots.figure import COLOURS, MARKERS, finished, make_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 13.5, 8.0


class Point(NamedTuple):
    """One kernel.

    Attributes:
        label: what stands beside it; a point without one is hollow.
        family: its colour goes by it.
        intensity: operations for each byte.
        speed: operations a second.
    """

    label: str
    family: str
    intensity: float
    speed: float


def roofline(
    points: Sequence[Point],
    *,
    fma: float,
    bandwidths: Mapping[str, float],
    title: str = "",
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw kernels under the ceilings of the machine, both axes logarithmic.

    Args:
        points: the kernels.
        fma: operations a second at most.
        bandwidths: bytes a second at most, by the name of the memory.
        title: stands above.
        path: where to write the picture.

    Returns:
        The figure.

    Raises:
        DataError: there is no point to draw, or no bandwidth.
        ImportError: matplotlib is missing.
    """
    if not points:
        raise DataError("there is nothing to draw: no kernel was timed")
    if not bandwidths:
        raise DataError("no bandwidth is given, expected at least one: bandwidths={'memory': 2e10}")
    figure = make_figure(1, 1, width=_WIDTH, height=_HEIGHT)
    (panel,) = figure.axes
    panel.set(xscale="log", yscale="log")
    left = min(point.intensity for point in points) / 1.6
    right = max(point.intensity for point in points) * 2.2
    low = min(point.speed for point in points) / 2e9
    panel.set_xlim(left, right)
    panel.set_ylim(low, fma / 1e9 * 1.7)
    _ceilings(panel, fma, bandwidths, left, right)
    families = list(dict.fromkeys(point.family for point in points))
    for index, family in enumerate(families):
        own = [point for point in points if point.family == family]
        colour = COLOURS[index % len(COLOURS)]
        panel.scatter(
            [point.intensity for point in own],
            [point.speed / 1e9 for point in own],
            facecolor=[colour if point.label else "white" for point in own],
            edgecolor=colour,
            marker=MARKERS[index % len(MARKERS)],
            s=38,
            zorder=3,
            label=family,
        )
    colours = {family: COLOURS[i % len(COLOURS)] for i, family in enumerate(families)}
    _labels(panel, points, colours, fma)
    panel.set_xlabel("operations for each byte that moves")
    panel.set_ylabel("GFLOP/s")
    panel.set_title(title, loc="left", fontweight="bold")
    panel.xaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_major_formatter("{x:g}")
    panel.grid(alpha=0.2, which="both", linewidth=0.5)
    panel.spines[["top", "right"]].set_visible(False)
    panel.legend(frameon=False, loc="lower right")
    return finished(figure, path)


def _ceilings(
    panel: Axes, fma: float, bandwidths: Mapping[str, float], left: float, right: float
) -> None:
    """Draw the flat roof, and a slope for each memory up to it."""
    fastest = max(bandwidths.values())
    panel.plot([fma / fastest, right], [fma / 1e9] * 2, color="black", linewidth=2)
    panel.annotate(
        f"multiply-adds: {fma / 1e9:.0f} GFLOP/s",
        (right, fma / 1e9),
        (-4, 6),
        textcoords="offset points",
        ha="right",
        fontweight="bold",
    )
    panel.figure.draw_without_rendering()  # type: ignore[union-attr]  # the layout is known then
    previous = math.inf
    for name, bandwidth in sorted(bandwidths.items(), key=lambda item: -item[1]):
        panel.plot(
            [left, fma / bandwidth],
            [left * bandwidth / 1e9, fma / 1e9],
            color="black",
            linewidth=1.2,
            alpha=0.75,
        )
        near = previous / bandwidth < 1.5  # two slopes beside each other: one name each side
        previous = bandwidth
        start = max(left, panel.get_ylim()[0] * 1e9 / bandwidth)  # it enters the picture here
        ends = [
            panel.transData.transform((i, i * bandwidth / 1e9)) for i in (start, fma / bandwidth)
        ]
        run, rise = ends[1] - ends[0]
        panel.annotate(
            f"{name}: {bandwidth / 1e9:.0f} GB/s",
            (start, start * bandwidth / 1e9),
            (26, 6) if near else (8, 14),
            textcoords="offset points",
            rotation=math.degrees(math.atan2(rise, run)),
            rotation_mode="anchor",
            va="top" if near else "bottom",
            fontsize=9,
        )


def _labels(panel: Axes, points: Sequence[Point], colours: Mapping[str, str], fma: float) -> None:
    """Write each label where it hides no point and no other label, as near as there is room."""
    figure = panel.figure
    figure.draw_without_rendering()  # type: ignore[union-attr]  # the layout is known afterwards
    places = [panel.transData.transform((p.intensity, p.speed / 1e9)) for p in points]
    size = 7.5
    scale = figure.dpi / 72
    taken = [(x - 4 * scale, y - 4 * scale, x + 4 * scale, y + 4 * scale) for x, y in places]
    frame = panel.get_window_extent()
    roof = panel.transData.transform((1, fma / 1e9))[1]
    for point, (x, y) in zip(points, places, strict=True):
        if not point.label:
            continue
        width, height = 0.62 * size * scale * len(point.label), 1.25 * size * scale
        best = None
        for distance in (7, 12, 20, 30, 42, 56, 72, 90, 110):
            for turn in range(24):
                angle = math.pi * turn / 12
                cx = x + math.cos(angle) * (distance * scale + width / 2)
                cy = y + math.sin(angle) * distance * scale
                box = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
                inside = box[0] > frame.x0 and box[2] < frame.x1 and box[3] < roof
                if inside and not any(_overlap(box, other) for other in taken):
                    best = (cx, cy, box)
                    break
            if best:
                break
        if not best:
            continue  # a label that fits nowhere is left out; the point stays
        cx, cy, box = best
        taken.append(box)
        aside = max(box[0] - x, x - box[2], 0.0), max(box[1] - y, y - box[3], 0.0)
        far = math.hypot(*aside) > 9 * scale
        panel.annotate(
            point.label,
            (point.intensity, point.speed / 1e9),
            ((cx - x) / scale, (cy - y) / scale),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            color=colours[point.family],
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": colours[point.family]}
            if far
            else None,
        )


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]

"""A drawing of a computation's graph, as SVG text: no program but a browser is needed.

Boxes have a fill of their own and the arrows a middle grey, so that both can be read on a light
page and on a dark one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from diglot.autograd.layout import layered
from diglot.svg import Drawing, escaped

# Pixels.
_LINE = 17
_HEIGHT = 3 * _LINE + 10
_CHARACTER = 7.9  # of a monospaced font of 13 px
_PADDING = 12
_BETWEEN_COLUMNS = 64
_BETWEEN_BOXES = 18
_WAYPOINT = 14
_MARGIN = 16

_GIVEN, _COMPUTED = "#fff3d6", "#dcebfa"  # the fill of a box
_INK, _ARROW = "#1a1a1a", "#808080"


def draw(texts: Sequence[Sequence[str]], sources: Sequence[Sequence[int]]) -> Drawing:
    """Draw a box for each node and an arrow for each use of it.

    Args:
        texts: the three lines of each box.
        sources: for each node, the places of the nodes that it was made from; all stand before it.
    """
    layout = layered(sources, height=_HEIGHT, waypoint=_WAYPOINT, gap=_BETWEEN_BOXES)
    widths = [0.0] * (max(layout.column) + 1)  # of each column
    for column, lines in zip(layout.column, texts, strict=False):
        widths[column] = max(widths[column], _width(lines))
    starts = list(accumulate((w + _BETWEEN_COLUMNS for w in widths), initial=float(_MARGIN)))
    spans = [(left, left + width) for left, width in zip(starts, widths, strict=False)]
    top = min(layout.y) - _HEIGHT / 2 - _MARGIN
    y = [middle - top for middle in layout.y]
    total_width, total_height = spans[-1][1] + _MARGIN, max(y) + _HEIGHT / 2 + _MARGIN
    shapes = [
        _arrow([spans[layout.column[item]] for item in route], [y[item] for item in route], port)
        for route, port in zip(layout.routes, layout.ports, strict=True)
    ]
    for i, lines in enumerate(texts):
        left, right = spans[layout.column[i]]
        shapes.append(_box(left, right - left, y[i], _COMPUTED if sources[i] else _GIVEN, lines))
    size = f"{total_width:.1f} {total_height:.1f}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
        f'width="{total_width:.1f}" height="{total_height:.1f}" '
        'font-family="monospace" font-size="13" role="img">\n'
        f"<title>{len(texts)} numbers: what each was made of, its value and its gradient</title>"
    )
    return Drawing("\n".join([head, *shapes, "</svg>\n"]))


def _width(lines: Sequence[str]) -> float:
    return max(map(len, lines)) * _CHARACTER + 2 * _PADDING


def _box(left: float, width: float, middle: float, fill: str, lines: Sequence[str]) -> str:
    shapes = [
        f'<rect x="{left:.1f}" y="{middle - _HEIGHT / 2:.1f}" width="{width:.1f}" '
        f'height="{_HEIGHT}" rx="6" fill="{fill}" stroke="{_ARROW}"/>'
    ]
    for i, line in enumerate(lines):
        weight = ' font-weight="bold"' if i == 0 else ""
        shapes.append(
            f'<text x="{left + _PADDING:.1f}" y="{middle + (i - 1) * _LINE + 4.5:.1f}" '
            f'fill="{_INK}"{weight}>{escaped(line)}</text>'
        )
    return "\n".join(["<g>", *shapes, "</g>"])


def _arrow(spans: list[tuple[float, float]], heights: list[float], port: float) -> str:
    """Draw an arrow: a curve between two columns, and a straight line where it passes one.

    Args:
        spans: left and right of the columns that it visits, from its source to its node.
        heights: where it is there.
        port: where it ends, in heights of a box below the middle.
    """
    heights = [*heights[:-1], heights[-1] + port * _HEIGHT]
    path = [f"M {spans[0][1]:.1f} {heights[0]:.1f}"]
    for i in range(1, len(spans)):
        start, stop = spans[i - 1][1], spans[i][0]
        bend, before, y = (start + stop) / 2, heights[i - 1], heights[i]
        path.append(f"C {bend:.1f} {before:.1f} {bend:.1f} {y:.1f} {stop:.1f} {y:.1f}")
        if i < len(spans) - 1:
            path.append(f"H {spans[i][1]:.1f}")
    x, y = spans[-1][0], heights[-1]
    path.append(f"M {x - 7:.1f} {y - 4:.1f} L {x:.1f} {y:.1f} L {x - 7:.1f} {y + 4:.1f}")
    return f'<path d="{" ".join(path)}" fill="none" stroke="{_ARROW}" stroke-width="1.5"/>'

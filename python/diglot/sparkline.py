"""What a notebook shows of a history: a few epochs as a table, and its loss as a small curve."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from diglot.svg import escaped

_WIDTH, _HEIGHT, _MARGIN = 280, 90, 6
_LINES = (("loss", "#2f8fd0", ""), ("validation_loss", "#dd6b10", "4 3"))
"""Middle tones, which can be seen on white and on black."""
_MOST_ROWS = 8


def html(columns: Mapping[str, Any], title: str) -> str:
    """Write a table and a curve.

    Args:
        columns: what `History.to_dict` gives.
        title: the history's repr, above.
    """
    head = f"<div><code>{escaped(title)}</code></div>"
    epochs: Sequence[int] = columns["epoch"]
    if not epochs:
        return head
    names = ["epoch", "loss", "validation_loss", *columns["metrics"], "learning_rate", "seconds"]
    values = {**columns, **columns["metrics"]}
    names = [name for name in names if any(value is not None for value in values[name])]
    cells = "".join(
        f'<th style="padding:1px 8px">{escaped(name.replace("_", " "))}</th>' for name in names
    )
    table = [f"<table><thead><tr>{cells}</tr></thead><tbody>"]
    previous = -1
    for row in _chosen(len(epochs), columns["best_epoch"]):
        if row > previous + 1:
            table.append(f'<tr><td colspan="{len(names)}" style="text-align:center">⋮</td></tr>')
        previous = row
        cells = "".join(
            f'<td style="text-align:right;padding:1px 8px">{_number(values[name][row])}</td>'
            for name in names
        )
        bold = ' style="font-weight:bold"' if epochs[row] == columns["best_epoch"] else ""
        table.append(f"<tr{bold}>{cells}</tr>")
    table.append("</tbody></table>")
    curve = sparkline([columns[name] for name, _, _ in _LINES])
    style = "display:flex;flex-wrap:wrap;gap:24px;align-items:center"
    return f'{head}<div style="{style}">{"".join(table)}{curve}</div>'


def sparkline(curves: Sequence[Sequence[float | None]]) -> str:
    """Draw training and validation loss as SVG, logarithmic where they span a factor above 20.

    Args:
        curves: two, of equal length; None and what is not finite is left out.
    """
    known = [v for curve in curves for v in curve if v is not None and math.isfinite(v)]
    if not known:
        return ""
    low, high = min(known), max(known)
    log = low > 0 and high > 20 * low

    def scaled(value: float) -> float:
        return math.log(value) if log else value

    span = scaled(high) - scaled(low) or 1.0
    last = max(max(map(len, curves)) - 1, 1)
    shapes = []
    for (name, colour, dash), curve in zip(_LINES, curves, strict=True):
        points = [
            (
                _MARGIN + (_WIDTH - 2 * _MARGIN) * i / last,
                _MARGIN + (_HEIGHT - 2 * _MARGIN) * (scaled(high) - scaled(value)) / span,
            )
            for i, value in enumerate(curve)
            if value is not None and math.isfinite(value)
        ]
        if points:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            shapes.append(
                f'<polyline class="{name}" points="{path}" fill="none" stroke="{colour}" '
                f'stroke-width="2" stroke-dasharray="{dash or "none"}"/>'
            )
            x, y = points[-1]
            shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
    note = f"{high:.3g} to {low:.3g}{', logarithmic' if log else ''}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT + 30}" '
        f'width="{_WIDTH}" height="{_HEIGHT + 30}" role="img" font-family="sans-serif" '
        f'font-size="11"><title>loss by epoch, {note}</title>'
        f'<path d="M 1 {_HEIGHT} H {_WIDTH}" stroke="#767676"/>{"".join(shapes)}'
        f'<text x="{_MARGIN}" y="{_HEIGHT + 13}" fill="{_LINES[0][1]}">— loss</text>'
        f'<text x="{_MARGIN + 50}" y="{_HEIGHT + 13}" fill="{_LINES[1][1]}">'
        f"{'- - validation' if any(v is not None for v in curves[1]) else ''}</text>"
        f'<text x="{_MARGIN}" y="{_HEIGHT + 26}" fill="#767676">{note}</text></svg>'
    )


def _chosen(count: int, best_epoch: int | None) -> list[int]:
    """Choose rows: all of a few, else the first, the best and the last ones."""
    if count <= _MOST_ROWS:
        return list(range(count))
    rows = {0, 1, 2, count - 3, count - 2, count - 1}
    return sorted(rows | ({best_epoch - 1} if best_epoch else set()))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"

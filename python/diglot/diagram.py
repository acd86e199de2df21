"""A network as a drawing: a box for each layer, from the input down to the loss.

The boxes have a fill of their own, and what stands outside of them is a middle grey: both can be
read on a light page and on a dark one, whatever a page's own style is.
"""

from __future__ import annotations

import copy
import dataclasses
import textwrap
from collections.abc import Sequence

import numpy as np

from diglot._typing import Shape
from diglot.layers import Activation as ActivationLayer
from diglot.layers import Conv2D, Dense, Embedding, Layer, Recurrent
from diglot.losses import Loss
from diglot.operations import Activation, Linear, Softmax
from diglot.summary import LayerSummary, Summary
from diglot.svg import Drawing, escaped

# Pixels.
_LEFT, _WIDTH, _BAR = 44, 330, 110
_LINE, _PADDING, _ARROW = 17, 10, 38
_MARGIN = 12
_CHARACTERS = 37  # of a monospaced font of 12.5 px, in a box

_INK, _SOFT, _GREY = "#1a1a1a", "#555555", "#767676"
_FILLS = ((Conv2D, "#dcebfa"), (Dense, "#fff3d6"), (Recurrent, "#dff3e3"), (Embedding, "#f1e4f7"))
_PLAIN, _STRIP = "#ececec", "#ffffff"


def draw(layers: Sequence[Layer], loss: Loss, summary: Summary) -> Drawing:
    """Draw layers in a column, the loss at its end.

    Args:
        layers: of a network.
        loss: likewise.
        summary: of the same layers.
    """
    total = max(summary.parameters, 1)
    parts = [_text(_LEFT + _WIDTH / 2, _MARGIN + 12, "input", _GREY, anchor="middle", bold=True)]
    parts.append(_text(_LEFT + _WIDTH + 14, _MARGIN + 12, "parameters", _GREY))
    y = _MARGIN + 18.0
    shape = summary.input_shape
    for position, (layer, row) in enumerate(zip(layers, summary.rows, strict=True)):
        parts.append(_arrow(y, shape))
        y += _ARROW
        height, box = _layer(y, position, layer, row, row.parameters / total)
        parts.append(box)
        y += height
        shape = row.output_shape
    parts.append(_arrow(y, shape))
    y += _ARROW
    parts.append(
        f'<rect x="{_LEFT}" y="{y}" width="{_WIDTH}" height="{_LINE + 2 * _PADDING - 4}" rx="16" '
        f'fill="none" stroke="{_GREY}" stroke-dasharray="4 3"/>'
    )
    ends = f"loss: {loss!r}"
    parts.append(_text(_LEFT + _WIDTH / 2, y + 21, _cut(ends), _GREY, anchor="middle"))
    y += _LINE + 2 * _PADDING + 12
    count = f"{summary.parameters:,} parameters, {summary.flops:,} FLOPs a sample"
    parts.append(_text(_LEFT + _WIDTH / 2, y + 6, count, _GREY, anchor="middle"))
    width, height = _LEFT + _WIDTH + 14 + _BAR + _MARGIN, y + 12 + _MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="monospace" font-size="12.5" role="img" '
        'style="max-width:100%;height:auto">\n'
        f"<title>A network of {len(layers)} layers and {summary.parameters:,} parameters</title>"
    )
    return Drawing("\n".join([head, *parts, "</svg>\n"]))


def html(text: str, drawing: Drawing | None, summary: Summary | None) -> str:
    """Write what a notebook shows of a network: its drawing, and beside it the table.

    Args:
        text: the network's repr, which is all there is to show before shapes are known.
        drawing, summary: of the network, or None.
    """
    if drawing is None or summary is None:
        return (
            f"<pre>{escaped_lines(text)}</pre>"
            "<p>not set up: <code>network.draw(input_shape)</code> draws it</p>"
        )
    cell = '<td style="text-align:{}">{}</td>'
    rows = [("input", _show(summary.input_shape), "", "")]
    rows += [
        (
            f"{i} {row.layer.partition('(')[0]}",  # the drawing has the settings
            _show(row.output_shape),
            f"{row.parameters:,}",
            f"{row.flops:,}",
        )
        for i, row in enumerate(summary.rows)
    ]
    rows += [("total", "", f"{summary.parameters:,}", f"{summary.flops:,}")]
    body = "".join(
        "<tr>"
        + "".join(
            cell.format(side, escaped(value))
            for side, value in zip(("left", "left", "right", "right"), row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    names = ("layer", "output", "parameters", "FLOPs/sample")
    header = "".join(f"<th>{name}</th>" for name in names)
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start">'
        f'<div style="max-height:900px;overflow:auto">{drawing.svg}</div>'
        f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def escaped_lines(text: str) -> str:
    """Escape a text line by line: its breaks stay."""
    return "\n".join(map(escaped, text.split("\n")))


def _layer(
    y: float, position: int, layer: Layer, row: LayerSummary, share: float
) -> tuple[float, str]:
    """Draw one layer; return its height, too."""
    activation = _activation(layer)
    lines = textwrap.wrap(_settings(layer), _CHARACTERS)
    top = 2 * _PADDING - 6 + _LINE * (1 + len(lines))
    height = top + (24 if activation is not None else 0)
    fill = next((colour for kind, colour in _FILLS if isinstance(layer, kind)), _PLAIN)
    shapes = [
        f"<title>{escaped(f'layer {position}: {row.layer}')}</title>",
        f'<rect x="{_LEFT}" y="{y}" width="{_WIDTH}" height="{height}" rx="6" fill="{fill}" '
        f'stroke="{_GREY}"/>',
        _text(_LEFT + _PADDING, y + 18, f"{position}", _SOFT),
        _text(_LEFT + _PADDING + 24, y + 18, type(layer).__name__, _INK, bold=True),
    ]
    for i, line in enumerate(lines):
        shapes.append(_text(_LEFT + _PADDING + 24, y + 18 + _LINE * (i + 1), line, _SOFT))
    if activation is not None:
        shapes += _strip(y + top, activation)
    if isinstance(layer, Recurrent):
        shapes += _loops(y, height, layer.bidirectional)
    shapes += _parameters(y + height / 2, row.parameters, share)
    return height, "\n".join(["<g>", *shapes, "</g>"])


def _settings(layer: Layer) -> str:
    """Say how a layer was made, without the activation, which has a place of its own."""
    if isinstance(layer, ActivationLayer):
        return ""
    plain, first = layer, ""
    if dataclasses.is_dataclass(layer):
        fields = [field for field in dataclasses.fields(layer) if field.init]
        if any(field.name == "activation" and field.default is Linear for field in fields):
            plain = dataclasses.replace(layer, activation=Linear)
        if fields and not fields[0].kw_only and fields[0].default is dataclasses.MISSING:
            first = f"{fields[0].name}="  # which a repr leaves out
    text = repr(plain).removeprefix(f"{type(layer).__name__}(").removesuffix(")")
    return first + text


def _activation(layer: Layer) -> Activation | None:
    value = getattr(layer, "activation", None)
    return value if isinstance(value, Activation) and not isinstance(value, Linear) else None


def _strip(y: float, activation: Activation) -> list[str]:
    """Draw the lower part of a box: the activation's name, and its curve from -3 to 3."""
    shapes = [
        f'<rect x="{_LEFT + 6}" y="{y - 2}" width="{_WIDTH - 12}" height="20" rx="4" '
        f'fill="{_STRIP}"/>',
        _text(_LEFT + _PADDING + 24, y + 12, repr(activation).removesuffix("()"), _INK),
    ]
    if isinstance(activation, Softmax):  # no function of one number
        return shapes
    x = np.linspace(-3, 3, 31)
    values = copy.deepcopy(activation).forward(x, inference=True)
    span = max(float(np.ptp(values)), 1e-9)
    points = " ".join(
        f"{_LEFT + _WIDTH - 58 + 8 * (a + 3):.1f},{y + 15 - 14 * (b - values.min()) / span:.1f}"
        for a, b in zip(x, values, strict=True)
    )
    return [*shapes, f'<polyline points="{points}" fill="none" stroke="{_INK}"/>']


def _loops(y: float, height: float, both: bool) -> list[str]:
    """Draw the state that a recurrent layer hands from step to step: one loop a direction."""
    middle = y + height / 2
    ways = [(middle, "→")] if not both else [(middle - 13, "→"), (middle + 13, "←")]
    shapes = []
    for centre, sign in ways:
        path = (
            f"M {_LEFT} {centre - 8:.1f} C {_LEFT - 30} {centre - 14:.1f} {_LEFT - 30} "
            f"{centre + 14:.1f} {_LEFT} {centre + 8:.1f} M {_LEFT - 8} {centre + 6:.1f} "
            f"L {_LEFT} {centre + 8:.1f} L {_LEFT - 5} {centre + 14:.1f}"
        )
        shapes.append(f'<path d="{path}" fill="none" stroke="{_GREY}" stroke-width="1.5"/>')
        shapes.append(_text(_LEFT - 40, centre + 4, sign, _GREY))
    return shapes


def _parameters(middle: float, count: int, share: float) -> list[str]:
    """Write a layer's parameters beside it, over a bar as long as their share of all."""
    if not count:
        return []
    x, length = _LEFT + _WIDTH + 14, max(1.5, _BAR * share)
    return [
        _text(x, middle - 4, f"{count:,}", _GREY),
        f'<rect x="{x}" y="{middle + 3:.1f}" width="{_BAR}" height="6" rx="2" fill="{_GREY}" '
        'fill-opacity="0.25"/>',
        f'<rect x="{x}" y="{middle + 3:.1f}" width="{length:.1f}" height="6" rx="2" '
        f'fill="{_GREY}"/>',
    ]


def _arrow(y: float, shape: Shape) -> str:
    """Draw the way to the next box, and the shape of what goes there."""
    x, end = _LEFT + _WIDTH / 2, y + _ARROW - 1
    path = f"M {x} {y + 3} V {end} M {x - 4} {end - 7} L {x} {end} L {x + 4} {end - 7}"
    return f'<path d="{path}" fill="none" stroke="{_GREY}" stroke-width="1.5"/>\n' + _text(
        x + 12, y + _ARROW / 2 + 5, _show(shape), _GREY
    )


def _text(
    x: float, y: float, text: str, colour: str, *, anchor: str = "start", bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"{weight}>'
        f"{escaped(text)}</text>"
    )


def _cut(text: str) -> str:
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"


def _show(shape: Shape) -> str:
    return f"(N{''.join(f', {size}' for size in shape)})"

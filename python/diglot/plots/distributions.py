"""How large the numbers in a network are: what each layer gives, and the gradient that returns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diglot._typing import Array
from diglot.errors import DataError
from diglot.network import NeuralNetwork
from diglot.observation import Step
from diglot.operations import Activation, ParamOperation, ReLU, Sigmoid, Tanh
from diglot.plots.choice import fitting, one_of
from diglot.plots.figure import COLOURS, finished, make_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 41
_FLAT = 0.05  # of the way to its limit, where a tanh or sigmoid has a slope of at most a tenth
_MOST = 16


def distributions(
    network: NeuralNetwork,
    x: Array,
    y: Array | None = None,
    *,
    layers: Sequence[int] | None = None,
    lengths: Array | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw histograms of each layer's outputs and of their gradients, for one batch.

    Outputs are those after the activation. Titles count what has gone wrong: outputs within 5 % of
    a tanh's or sigmoid's limits (saturated), and units of a ReLU that are zero for all rows (dead).
    The gradients' heights are logarithmic. Dropout is off.

    Healthy: outputs of about one width in all layers, and gradients whose standard deviation falls
    or grows by no more than a factor of ten from layer to layer. A tanh with two towers at -1 and
    1 is saturated: it is flat there, and hardly learns. Initial weights that are too large do that.

    Args:
        network: set up or not; it is not changed.
        x: inputs, (N, *input_shape).
        y: targets, as the loss takes them; without them there are no gradients.
        layers: their places; by default all that have parameters or an activation.
        lengths: for recurrent layers, see `NeuralNetwork.forward`.
        path: where to write the picture.

    Returns:
        The figure: a row for each layer, with a panel for its outputs and one for the gradients.
        The heights of a panel's bars add up to 1.

    Raises:
        DataError: there is no such layer, or there are more than 16: choose some.
        ShapeError: the batch does not fit.
        ImportError: matplotlib is missing.
    """
    everything = fitting(network, lambda one: True, "")
    seen = network.observe(x, y, lengths=lengths)
    kinds = (ParamOperation, Activation)
    if layers is None:
        chosen = [
            i for i in everything if any(isinstance(s.operation, kinds) for s in seen.of_layer(i))
        ]
    else:
        chosen = [one_of(network, i, everything, "different") for i in layers]
    shown = [_shown(seen.of_layer(i)) for i in chosen if seen.of_layer(i)]
    if not 1 <= len(shown) <= _MOST:
        raise DataError(
            f"there are {len(shown)} layers to draw, expected 1 to {_MOST}: choose with layers=[…]"
        )
    columns = 1 if y is None else 2
    figure = make_figure(columns, len(shown), width=4.2, height=1.45)
    panels = [figure.axes[i : i + columns] for i in range(0, len(figure.axes), columns)]
    for step, row in zip(shown, panels, strict=True):
        name = f"{step.position} {type(step.layer).__name__}"
        if isinstance(step.operation, Activation):
            name += f", {type(step.operation).__name__}"
        _histogram(row[0], step.output, COLOURS[0])
        row[0].set_title(name, fontsize=9, loc="left", fontweight="bold")
        row[0].set_title(_trouble(step), fontsize=8, loc="right")
        if step.gradient is not None:
            _histogram(row[1], step.gradient, COLOURS[1])
            row[1].set_yscale("log")
            deviation = float(np.std(step.gradient, dtype=np.float64))
            row[1].set_title(f"deviation {deviation:.1e}", fontsize=8, loc="right")
    panels[-1][0].set_xlabel("output")
    if y is not None:
        panels[-1][1].set_xlabel("gradient of the loss with respect to it")
    return finished(figure, path)


def _shown(steps: Sequence[Step]) -> Step:
    """Choose what stands for a layer: its activation's output, or its only operation's."""
    kinds = (ParamOperation, Activation)
    return [steps[-1], *(step for step in steps if isinstance(step.operation, kinds))][-1]


def _histogram(panel: Axes, values: Array, colour: str) -> None:
    finite = values[np.isfinite(values)].astype(np.float64)
    if finite.size < values.size:
        panel.text(
            0.02,
            0.9,
            f"{values.size - finite.size} not finite",
            transform=panel.transAxes,
            va="top",
        )
    if finite.size:
        heights, edges = np.histogram(finite, _BINS)
        panel.bar(
            edges[:-1],
            heights / finite.size,
            np.diff(edges),
            align="edge",
            color=colour,
            alpha=0.85,
        )
    panel.tick_params(labelsize=8)
    panel.ticklabel_format(axis="x", style="sci", scilimits=(-2, 3))
    panel.xaxis.get_offset_text().set_fontsize(8)
    panel.spines[["top", "right"]].set_visible(False)


def _trouble(step: Step) -> str:
    """Say which share of a layer's outputs is stuck."""
    output, operation = step.output, step.operation
    if isinstance(operation, Tanh):
        return f"{np.mean(np.abs(output) > 1 - _FLAT):.0%} saturated"
    if isinstance(operation, Sigmoid):
        return f"{np.mean(np.abs(2 * output - 1) > 1 - _FLAT):.0%} saturated"
    if isinstance(operation, ReLU):
        units = np.moveaxis(output, 1 if output.ndim == 4 else -1, 0)
        dead = int((units.reshape(len(units), -1) == 0).all(axis=1).sum())
        return f"{np.mean(output == 0):.0%} zero, {dead} of {len(units)} units dead"
    return f"deviation {float(np.std(output, dtype=np.float64)):.2g}"

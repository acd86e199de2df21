"""How the numbers are spread in each layer, forwards and backwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from diglot._typing import Array
from diglot.inspection import look_inside
from diglot.network import NeuralNetwork
from diglot.plots.figure import COLOURS, finished, make_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 60


def distributions(
    network: NeuralNetwork,
    x: Array,
    y: Array,
    *,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw histograms of each layer's outputs, and of the gradients that come back to them.

    The counts are on a logarithmic scale, so that few large numbers are seen beside many small.

    In a healthy network the spread is about the same from layer to layer. Outputs that gather at
    -1 and 1 are a saturated tanh, through which no gradient gets back; a large share of zeros
    behind a ReLU are dead units; gradients that shrink from the last layer to the first vanish,
    and ones that grow explode.

    Args:
        network: set up; it stays as it is.
        x: a batch, (N, ...).
        y: its targets.
        path: where to write the picture.

    Returns:
        The figure: a row for each layer, its outputs on the left, their gradients on the right.

    Raises:
        ValueError: the network is not set up; ShapeError if x or y do not fit.
    """
    views = look_inside(network, x, y)
    figure = make_figure(2, len(views), width=4.2, height=1.7)
    for view, left, right in zip(views, figure.axes[::2], figure.axes[1::2], strict=True):
        name = view.name if len(view.name) < 50 else f"{view.name[:47]}..."
        _histogram(left, view.output, COLOURS[0])
        _histogram(right, view.output_grad, COLOURS[1])
        left.set_title(f"{view.position}: {name}", loc="left", fontsize=9, fontweight="bold")
    figure.axes[-2].set_xlabel("output")
    figure.axes[-1].set_xlabel("gradient of the loss with respect to it")
    return finished(figure, path)


def _histogram(panel: Axes, values: Array | None, colour: str) -> None:
    flat = np.asarray(values, np.float64).ravel()
    finite = flat[np.isfinite(flat)]
    panel.hist(finite, bins=_BINS, color=colour, log=True)
    zeros, deviation = float(np.mean(flat == 0)), float(finite.std()) if finite.size else np.nan
    text = f"deviation {deviation:.2g}"
    if zeros >= 0.005:
        text += f", {zeros:.0%} zero"
    if finite.size < flat.size:
        text += f", {1 - finite.size / flat.size:.0%} not finite"
    frame = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    panel.text(
        0.99, 0.97, text, transform=panel.transAxes, ha="right", va="top", fontsize=8, bbox=frame
    )
    panel.tick_params(axis="y", left=False, labelleft=False, which="both")
    panel.tick_params(axis="x", labelsize=8)
    panel.spines[["top", "left", "right"]].set_visible(False)

"""What a convolutional network has learned to look for, and what it sees of an image."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from diglot._arrays import real_array
from diglot._typing import Array
from diglot.config import integer
from diglot.errors import ShapeError
from diglot.layers import AvgPool2D, Conv2D, MaxPool2D
from diglot.network import NeuralNetwork
from diglot.plots.choice import fitting, one_of
from diglot.plots.figure import finished, make_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CONVOLUTION = "convolutional"


def filters(
    network: NeuralNetwork,
    layer: int | None = None,
    *,
    most: int = 64,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the filters of a convolutional layer, blue below zero and red above.

    Where there are several input channels, each filter is a row with one picture for each channel;
    where there is one, the filters stand in a grid. All have one scale.

    Healthy: edges, spots and stripes that a neighbourhood of pixels shares. Filters that look like
    the noise they began as have learned little; several equal ones are wasted.

    Args:
        network: set up.
        layer: its place in the network; by default the first convolutional one.
        most: filters, and channels of each, that are drawn at most.
        path: where to write the picture.

    Returns:
        The figure: a panel for each filter, or one panel with a table of filters and channels;
        and the scale.

    Raises:
        DataError: there is no such layer.
        ValueError: the network is not set up.
        ImportError: matplotlib is missing.
    """
    found = fitting(network, lambda one: isinstance(one, Conv2D), _CONVOLUTION)
    position = one_of(network, layer, found, _CONVOLUTION)
    most = integer("most", most)
    weight = network.parameters()[f"{position}.weight"][:most, :most]
    limit = float(np.abs(weight).max()) or 1.0
    scale: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    if weight.shape[1] > 1:
        figure = _table(weight, scale)
    else:
        columns = min(8, len(weight))
        rows = math.ceil(len(weight) / columns)
        figure = make_figure(columns, rows, width=0.8, height=0.95)
        figure.set_size_inches(0.8 * columns + 1.0, max(0.95 * rows + 0.3, 1.6))
        panels = list(figure.axes)
        for panel in panels[len(weight) :]:
            panel.set_axis_off()
        for i, (panel, one) in enumerate(zip(panels, weight[:, 0], strict=False)):
            shown = panel.imshow(one, **scale)
            panel.set_title(str(i), fontsize=8, loc="left", pad=2)
            panel.set(xticks=[], yticks=[])
        figure.colorbar(shown, ax=panels, label="weight", shrink=0.9)
    figure.suptitle(f"filters of layer {position}", fontsize=10)
    return finished(figure, path)


def _table(weight: Array, scale: dict[str, Any]) -> Figure:
    """Draw filters (O, C, KH, KW) as one image, with a pixel of nothing between them."""
    filters, channels, height, width = weight.shape
    padded = np.full((filters, channels, height + 1, width + 1), np.nan)
    padded[:, :, :height, :width] = weight
    image = padded.transpose(0, 2, 1, 3).reshape(filters * (height + 1), -1)[:-1, :-1]
    across, down = 0.11 * image.shape[1], 0.11 * image.shape[0]
    figure = make_figure(1, 1, width=min(max(across, 3.0), 12) + 1.4, height=min(down, 14) + 0.7)
    (panel,) = figure.axes
    shown = panel.imshow(image, **scale)
    panel.set_xticks((np.arange(channels) + 0.5) * (width + 1) - 1, list(map(str, range(channels))))
    panel.set_yticks((np.arange(filters) + 0.5) * (height + 1) - 1, list(map(str, range(filters))))
    panel.set(xlabel="input channel", ylabel="filter")
    panel.tick_params(length=0, labelsize=8)
    panel.spines[:].set_visible(False)
    figure.colorbar(shown, ax=panel, label="weight", shrink=min(1.0, 3 / max(down, 1)))
    return figure


def feature_maps(
    network: NeuralNetwork,
    image: Array,
    *,
    layer: int | None = None,
    channels: int = 8,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw an image, and what each convolution and pooling makes of it, down the network.

    A row is a layer, with its activation; its maps share one scale, from dark to bright.

    Healthy: each map answers to something else, and the deeper ones are coarser and sparser. A map
    that is dark for every image belongs to a dead filter; equal maps, to filters that are equal.

    Args:
        network: set up.
        image: one, of the network's input shape (C, H, W), or (H, W) if it has one channel.
        layer: only this one; by default all convolutions and poolings.
        channels: maps of a layer that are drawn at most.
        path: where to write the picture.

    Returns:
        The figure: the image's row, and one row of panels for each layer.

    Raises:
        DataError: there is no such layer.
        ShapeError: the image does not fit.
        ValueError: the network is not set up.
        ImportError: matplotlib is missing.
    """
    kinds = (Conv2D, MaxPool2D, AvgPool2D)
    found = fitting(network, lambda one: isinstance(one, kinds), _CONVOLUTION)
    if layer is not None:
        found = [one_of(network, layer, found, "convolutional or pooling")]
    channels = integer("channels", channels)
    network.parameters()  # of a network without any, there is nothing to see
    image = real_array("image", image)
    shape = network.input_shape or ()
    if image.shape != shape and (1, *image.shape) != shape:
        raise ShapeError(f"image has shape {image.shape}, expected {shape}: one image, no batch")
    image = image.reshape(shape)
    seen = network.observe(image[None])
    rows: list[tuple[str, Array]] = [("input", image)]
    for position in found:
        maps = [step.output[0] for step in seen.of_layer(position) if step.output.ndim == 4]
        rows.append((f"{position} {type(network.layers[position]).__name__}", maps[-1]))
    columns = min(channels, max(len(maps) for _, maps in rows))
    figure = make_figure(columns, len(rows), width=1.0, height=1.05)
    figure.set_size_inches(columns + 0.6, 1.05 * len(rows) + 0.2)
    grid = [figure.axes[i : i + columns] for i in range(0, len(figure.axes), columns)]
    for (name, images), panels in zip(rows, grid, strict=True):
        low, high = float(images.min()), float(images.max())
        style = "gray_r" if name == "input" else "magma"
        for panel, one in zip(panels, images, strict=False):
            panel.imshow(one, cmap=style, vmin=low, vmax=high)
        for panel in panels:
            panel.set(xticks=[], yticks=[])
        for panel in panels[len(images) :]:
            panel.set_axis_off()
        size = "×".join(map(str, images.shape[1:]))
        more = f"{len(images)} × " if len(images) > 1 else ""
        panels[0].set_ylabel(f"{name}\n{more}{size}", fontsize=8)
    return finished(figure, path)

"""What a convolutional network has learned to look for, and what it sees of an image."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

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

    A layer with several input channels has one row for each filter and one column for each of its
    channels; with one, the filters stand in a grid. All have one scale.

    Healthy: edges, spots and stripes that a neighbourhood of pixels shares. Filters that look like
    the noise they began as have learned little; several equal ones are wasted.

    Args:
        network: set up.
        layer: its place in the network; by default the first convolutional one.
        most: filters, and channels of each, that are drawn at most.
        path: where to write the picture.

    Returns:
        The figure: a panel for each filter (and channel), and the scale.

    Raises:
        DataError: there is no such layer.
        ValueError: the network is not set up.
        ImportError: matplotlib is missing.
    """
    found = fitting(network, lambda one: isinstance(one, Conv2D), _CONVOLUTION)
    position = one_of(network, layer, found, _CONVOLUTION)
    most = integer("most", most)
    weight = network.parameters()[f"{position}.weight"][:most, :most]
    channels = weight.shape[1]
    columns = channels if channels > 1 else min(8, len(weight))
    images = weight.reshape(-1, *weight.shape[2:])
    rows = math.ceil(len(images) / columns)
    figure = make_figure(columns, rows, width=0.8, height=0.95)
    figure.set_size_inches(0.8 * columns + 1.0, max(0.95 * rows + 0.3, 2.2))
    panels = list(figure.axes)
    limit = float(np.abs(images).max()) or 1.0
    shown = None
    for i, (panel, image) in enumerate(zip(panels, images, strict=False)):
        shown = panel.imshow(image, cmap="RdBu_r", vmin=-limit, vmax=limit)
        if channels == 1 or i % channels == 0:
            panel.set_title(str(i // channels), fontsize=8, loc="left", pad=2)
        panel.set(xticks=[], yticks=[])
    for panel in panels[len(images) :]:
        panel.set_axis_off()
    if shown is not None:
        figure.colorbar(shown, ax=panels, label="weight", shrink=0.9)
    figure.suptitle(f"filters of layer {position}", fontsize=10)
    return finished(figure, path)


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
    rows = [("input", image)]
    for position in found:
        maps = [step.output[0] for step in seen.of_layer(position) if step.output.ndim == 4]
        rows.append((f"{position} {type(network.layers[position]).__name__}", maps[-1]))
    columns = min(channels, max(len(maps) for _, maps in rows))
    figure = make_figure(columns, len(rows), width=1.0, height=1.05)
    figure.set_size_inches(columns + 0.6, 1.05 * len(rows) + 0.2)
    grid = np.reshape(figure.axes, (len(rows), columns))
    for (name, maps), panels in zip(rows, grid, strict=True):
        low, high = float(maps.min()), float(maps.max())
        style = "gray_r" if name == "input" else "magma"
        for panel, one in zip(panels, maps, strict=False):
            panel.imshow(one, cmap=style, vmin=low, vmax=high)
        for panel in panels:
            panel.set(xticks=[], yticks=[])
        for panel in panels[len(maps) :]:
            panel.set_axis_off()
        size = "×".join(map(str, maps.shape[1:]))
        more = f"{len(maps)} × " if len(maps) > 1 else ""
        panels[0].set_ylabel(f"{name}\n{more}{size}", fontsize=8)
    return finished(figure, path)

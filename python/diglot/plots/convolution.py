"""What a convolutional layer has learned to look for, and where it finds that in an image."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import numpy as np

from diglot._typing import Array
from diglot.errors import ShapeError
from diglot.inspection import look_inside
from diglot.layers import Conv2D
from diglot.network import NeuralNetwork
from diglot.plots.figure import finished, make_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_PANELS = 256


def filters(
    network: NeuralNetwork,
    layer: int | None = None,
    *,
    channel: int | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the filters of a convolutional layer: red adds, blue subtracts, white ignores.

    All panels share one scale. Trained filters of a first layer show edges, spots and strokes;
    ones that look like noise have learned little, and grey ones nothing.

    Args:
        network: set up.
        layer: its position among the layers; by default the first Conv2D.
        channel: which channel of the input to show; by default each filter's mean over them.
        path: where to write the picture.

    Returns:
        The figure, a panel for each filter.

    Raises:
        ValueError: the network is not set up, or that layer is no Conv2D.
    """
    position = _convolution(network, layer)
    weight = network.layers[position].parameters()["weight"]
    channels = weight.shape[1]
    if channel is not None and not 0 <= channel < channels:
        raise ValueError(f"channel is {channel}, expected 0 to {channels - 1}")
    shown = weight.mean(axis=1) if channel is None else weight[:, channel]
    largest = float(np.abs(shown).max()) or 1.0
    return _grid(shown, "RdBu_r", -largest, largest, "filter", path)


def feature_maps(
    network: NeuralNetwork,
    image: Array,
    layer: int | None = None,
    *,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw what each channel of a layer makes of an image.

    Bright is large. A map that is the same everywhere belongs to a filter that found nothing here;
    if it is so for every image, the unit is dead.

    Args:
        network: set up.
        image: (C, H, W).
        layer: the position of a layer whose output has channels; by default the first Conv2D.
        path: where to write the picture.

    Returns:
        The figure, a panel for each channel; each has a scale of its own.

    Raises:
        ValueError: the network is not set up, or there is no such layer.
        ShapeError: the image does not fit, or the layer's output has no channels.
    """
    position = _convolution(network, layer) if layer is None else _existing(network, layer)
    image = np.asarray(image)
    if image.ndim != 3:
        raise ShapeError(f"image has shape {image.shape}, expected (C, H, W): one, without a batch")
    output = look_inside(network, image[None])[position].output[0]
    if output.ndim != 3:
        raise ShapeError(
            f"the output of layer {position}, {network.layers[position]!r}, has shape "
            f"{output.shape} for an image, expected (C, H, W)"
        )
    return _grid(output, "gray", None, None, "channel", path)


def _grid(
    images: Array,
    colours: str,
    lowest: float | None,
    highest: float | None,
    what: str,
    path: str | os.PathLike[str] | None,
) -> Figure:
    if len(images) > _MOST_PANELS:
        raise ValueError(f"{len(images)} {what}s are too many for one picture, {_MOST_PANELS} fit")
    columns = min(len(images), max(4, math.ceil(math.sqrt(2 * len(images)))))
    rows = math.ceil(len(images) / columns)
    figure = make_figure(columns, rows, width=0.85, height=0.95)
    for number, (panel, image) in enumerate(zip(figure.axes, images, strict=False)):
        panel.imshow(image, cmap=colours, vmin=lowest, vmax=highest, interpolation="nearest")
        panel.set_title(str(number), fontsize=8, pad=2)
    for panel in figure.axes:
        panel.set(xticks=[], yticks=[])
    for panel in figure.axes[len(images) :]:
        panel.set_axis_off()
    return finished(figure, path)


def _existing(network: NeuralNetwork, layer: int) -> int:
    if not 0 <= layer < len(network.layers):
        raise ValueError(f"layer is {layer}, expected 0 to {len(network.layers) - 1}")
    return layer


def _convolution(network: NeuralNetwork, layer: int | None) -> int:
    found = [p for p, one in enumerate(network.layers) if isinstance(one, Conv2D)]
    if not found:
        raise ValueError("the network has no Conv2D layer")
    if network.input_shape is None:
        raise ValueError("the network has no parameters yet: train it, or call setup(input_shape)")
    if layer is None:
        return found[0]
    if layer not in found:
        raise ValueError(f"layer {layer} is no Conv2D; those are at {found}")
    return layer

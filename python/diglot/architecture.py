"""A network as JSON: everything but its numbers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from diglot._typing import DType, Shape
from diglot.config import build, integer
from diglot.layers import LAYERS, Layer
from diglot.losses import LOSSES, Loss
from diglot.untrusted import MOST_AXES


class Architecture(NamedTuple):
    """What a network is made from.

    Attributes:
        layers: in order.
        loss: the loss.
        seed: an integer, or None.
        dtype: float32 or float64.
        input_shape: of one sample, without the batch axis.
    """

    layers: Sequence[Layer]
    loss: Loss
    seed: int | None
    dtype: DType
    input_shape: Shape


def describe(architecture: Architecture) -> dict[str, Any]:
    """Write an architecture in JSON's types.

    Raises:
        ValueError: a class is none of diglot's own, which no file may name.
    """
    for position, layer in enumerate(architecture.layers):
        try:
            build(layer.config(), LAYERS, "layer")
        except ValueError as error:
            raise ValueError(f"layer {position} cannot be saved: {error}") from error
    build(architecture.loss.config(), LOSSES, "loss")
    return {
        "dtype": architecture.dtype.name,
        "input_shape": architecture.input_shape,
        "seed": architecture.seed,
        "layers": [layer.config() for layer in architecture.layers],
        "loss": architecture.loss.config(),
    }


def parse(description: Mapping[str, Any]) -> Architecture:
    """Make what `describe` has written, out of a file that may come from anywhere.

    Raises:
        ValueError: something is missing, unknown or wrong.
    """
    fields = {"dtype", "input_shape", "seed", "layers", "loss"}
    if description.keys() != fields:
        raise ValueError(f"the architecture has {sorted(description)}, expected {sorted(fields)}")
    layers, shape = description["layers"], description["input_shape"]
    if not isinstance(layers, list) or not isinstance(shape, list):
        raise ValueError("the architecture's layers and input_shape must be lists")
    if description["dtype"] not in ("float32", "float64"):
        raise ValueError("the architecture's dtype is neither float32 nor float64")
    return Architecture(
        [build(layer, LAYERS, "layer") for layer in layers],
        build(description["loss"], LOSSES, "loss"),
        description["seed"],
        np.dtype(description["dtype"]),
        checked_shape(shape),
    )


def checked_shape(shape: Iterable[int]) -> Shape:
    """Take the shape of a sample.

    Raises:
        ValueError: it is no list of sizes.
    """
    if not isinstance(shape, Iterable):
        raise ValueError(f"input_shape is {shape!r}, expected the sizes of a sample, (1, 28, 28)")
    sizes = tuple(integer("input_shape", size, least=0) for size in shape)
    if len(sizes) >= MOST_AXES:
        raise ValueError(f"input_shape has {len(sizes)} axes, expected less than {MOST_AXES}")
    return sizes

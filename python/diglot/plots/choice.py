"""Which layers of a network a picture can show, and what to say where there is none."""

from __future__ import annotations

from collections.abc import Callable

from diglot.config import brief, integer
from diglot.errors import DataError
from diglot.layers import Layer
from diglot.network import NeuralNetwork


def named(network: NeuralNetwork, positions: list[int] | None = None) -> str:
    """List layers by place and class: "0 Conv2D, 1 Dense"."""
    chosen = range(len(network.layers)) if positions is None else positions
    return ", ".join(f"{i} {type(network.layers[i]).__name__}" for i in chosen)


def fitting(network: NeuralNetwork, fits: Callable[[Layer], bool], what: str) -> list[int]:
    """Find the layers that a picture can show.

    Raises:
        DataError: there is none; the message lists those that there are.
    """
    if not isinstance(network, NeuralNetwork):
        raise DataError(f"network is {brief(network)}, expected a NeuralNetwork")
    found = [i for i, layer in enumerate(network.layers) if fits(layer)]
    if not found:
        raise DataError(f"the network has no {what} layer; its layers are {named(network)}")
    return found


def one_of(network: NeuralNetwork, layer: int | None, fitting: list[int], what: str) -> int:
    """Take the layer that was asked for, by default the first that fits.

    Raises:
        DataError: it is no such layer; the message lists those that there are.
    """
    if layer is None:
        return fitting[0]
    if integer("layer", layer, least=0) not in fitting:
        raise DataError(
            f"layer is {layer}, expected a {what} layer: one of {named(network, fitting)}"
        )
    return layer

"""Layers: what a network is made of."""

from collections.abc import Mapping

from diglot.layers.base import Create, Layer
from diglot.layers.conv import Conv2D
from diglot.layers.dense import Dense
from diglot.layers.pool import AvgPool2D, GlobalAvgPool2D, MaxPool2D
from diglot.layers.shape import Activation, Dropout, Flatten

LAYERS: Mapping[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        Dense,
        Conv2D,
        MaxPool2D,
        AvgPool2D,
        GlobalAvgPool2D,
        Flatten,
        Dropout,
        Activation,
    )
}
"""The layers that a model file may name."""

__all__ = [
    "LAYERS",
    "Activation",
    "AvgPool2D",
    "Conv2D",
    "Create",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2D",
    "Layer",
    "MaxPool2D",
]

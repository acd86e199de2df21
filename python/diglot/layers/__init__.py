"""Layers: what a network is made of."""

from collections.abc import Mapping

from diglot.layers.base import Create, Layer
from diglot.layers.conv import Conv2D
from diglot.layers.dense import Dense
from diglot.layers.embedding import Embedding
from diglot.layers.pool import AvgPool2D, GlobalAvgPool2D, MaxPool2D
from diglot.layers.recurrent import GRU, LSTM, RNN, Recurrent
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
        Embedding,
        RNN,
        GRU,
        LSTM,
    )
}
"""The layers that a model file may name."""

__all__ = [
    "GRU",
    "LAYERS",
    "LSTM",
    "RNN",
    "Activation",
    "AvgPool2D",
    "Conv2D",
    "Create",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAvgPool2D",
    "Layer",
    "MaxPool2D",
    "Recurrent",
]

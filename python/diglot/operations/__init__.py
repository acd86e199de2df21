"""Operations: the steps that layers are made of, each with its derivative."""

from diglot.operations.activations import (
    ACTIVATIONS,
    GELU,
    Activation,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from diglot.operations.base import Operation, ParamOperation
from diglot.operations.conv import Conv2DOp
from diglot.operations.dense import BiasAdd, DenseOp, WeightMultiply
from diglot.operations.dropout import DropoutOp
from diglot.operations.pool import AvgPool2DOp, GlobalAvgPool2DOp, MaxPool2DOp
from diglot.operations.shape import FlattenOp, Pad2DOp

__all__ = [
    "ACTIVATIONS",
    "GELU",
    "Activation",
    "AvgPool2DOp",
    "BiasAdd",
    "Conv2DOp",
    "DenseOp",
    "DropoutOp",
    "FlattenOp",
    "GlobalAvgPool2DOp",
    "LeakyReLU",
    "Linear",
    "MaxPool2DOp",
    "Operation",
    "Pad2DOp",
    "ParamOperation",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "WeightMultiply",
]

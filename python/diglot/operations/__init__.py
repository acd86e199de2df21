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
from diglot.operations.bidirectional import REVERSE, Bidirectional
from diglot.operations.conv import Conv2DOp
from diglot.operations.dense import BiasAdd, DenseOp, WeightMultiply
from diglot.operations.dropout import DropoutOp
from diglot.operations.embedding import EmbeddingOp, require_tokens
from diglot.operations.pool import AvgPool2DOp, GlobalAvgPool2DOp, MaxPool2DOp
from diglot.operations.recurrent import GRUOp, LSTMOp, RecurrentOp, RNNOp, State
from diglot.operations.sequence import FinalStep, TakesLengths, valid_steps
from diglot.operations.shape import FlattenOp, Pad2DOp

__all__ = [
    "ACTIVATIONS",
    "GELU",
    "REVERSE",
    "Activation",
    "AvgPool2DOp",
    "BiasAdd",
    "Bidirectional",
    "Conv2DOp",
    "DenseOp",
    "DropoutOp",
    "EmbeddingOp",
    "FinalStep",
    "FlattenOp",
    "GRUOp",
    "GlobalAvgPool2DOp",
    "LSTMOp",
    "LeakyReLU",
    "Linear",
    "MaxPool2DOp",
    "Operation",
    "Pad2DOp",
    "ParamOperation",
    "RNNOp",
    "ReLU",
    "RecurrentOp",
    "Sigmoid",
    "Softmax",
    "State",
    "TakesLengths",
    "Tanh",
    "WeightMultiply",
    "require_tokens",
    "valid_steps",
]

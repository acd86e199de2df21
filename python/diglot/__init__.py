"""diglot: deep learning from scratch, in two languages on facing pages.

The ideas of *Deep Learning from Scratch*, readable in NumPy and fast in C++:

    network = diglot.NeuralNetwork(
        [diglot.Dense(89, activation=diglot.Tanh), diglot.Dense(10)],
        loss=diglot.SoftmaxCrossEntropy(), seed=1)
    diglot.Trainer(network, diglot.SGDMomentum(lr=0.1)).fit(x, y, epochs=10)
"""

import sys

if sys.argv[1:2] == ["doctor"]:  # it is called where the imports below fail, or crash
    from diglot.doctor.start import run_if_called

    run_if_called()

from typing import TYPE_CHECKING, Any

import diglot._main_interpreter  # noqa: F401 -- what comes next would hang elsewhere
from diglot import (
    autograd,
    callbacks,
    datasets,
    interop,
    kernels,
    ladder,
    metrics,
    nodes,
    operations,
    schedules,
    text,
)
from diglot.early_stopping import EarlyStopping
from diglot.errors import DataError, GradientError, ModelFileError, ShapeError, TrainingDiverged
from diglot.gradcheck import gradcheck
from diglot.history import History
from diglot.initializers import Glorot, He, Initializer, LeCun, Orthogonal, Standard, Zeros
from diglot.kernels import available_builds, get_backend, use_backend
from diglot.layers import (
    GRU,
    LSTM,
    RNN,
    Activation,
    AvgPool2D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    MaxPool2D,
)
from diglot.learning_rate import find_learning_rate
from diglot.losses import (
    BinaryCrossEntropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from diglot.network import NeuralNetwork
from diglot.operations import (
    GELU,
    LeakyReLU,
    Linear,
    Operation,
    ParamOperation,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from diglot.optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSProp, SGDMomentum
from diglot.schedules import Schedule
from diglot.threads import get_num_threads, num_threads, set_num_threads
from diglot.trainer import Trainer
from diglot.winograd import get_winograd, set_winograd

if TYPE_CHECKING:
    from diglot.pairs.notebook import pair

__version__ = "0.1.0"

__all__ = [
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Activation",
    "AdaGrad",
    "Adam",
    "AdamW",
    "AvgPool2D",
    "BinaryCrossEntropy",
    "Conv2D",
    "DataError",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Flatten",
    "GlobalAvgPool2D",
    "Glorot",
    "GradientError",
    "He",
    "History",
    "Huber",
    "Initializer",
    "Layer",
    "LeCun",
    "LeakyReLU",
    "Linear",
    "Loss",
    "MaxPool2D",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "ModelFileError",
    "NeuralNetwork",
    "Operation",
    "Optimizer",
    "Orthogonal",
    "ParamOperation",
    "RMSProp",
    "ReLU",
    "SGDMomentum",
    "Schedule",
    "ShapeError",
    "Sigmoid",
    "Softmax",
    "SoftmaxCrossEntropy",
    "Standard",
    "Tanh",
    "Trainer",
    "TrainingDiverged",
    "Zeros",
    "__version__",
    "autograd",
    "available_builds",
    "callbacks",
    "datasets",
    "find_learning_rate",
    "get_backend",
    "get_num_threads",
    "get_winograd",
    "gradcheck",
    "interop",
    "kernels",
    "ladder",
    "metrics",
    "nodes",
    "num_threads",
    "operations",
    "pair",
    "schedules",
    "set_num_threads",
    "set_winograd",
    "text",
    "use_backend",
]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # What most programs do not need is imported when it is asked for.
        if name == "pair":
            from diglot.pairs.notebook import pair

            globals()["pair"] = pair
            return pair
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

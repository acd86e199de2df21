"""Where the mistakes are acted out: small data, and networks into which any operation fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import final

import numpy as np

from diglot._typing import Array, Shape
from diglot.datasets import Dataset, digits, standardize
from diglot.errors import TrainingDiverged
from diglot.initializers import Glorot, Initializer, Zeros
from diglot.layers import Create, Layer
from diglot.losses import Loss, SoftmaxCrossEntropy
from diglot.metrics import accuracy
from diglot.network import NeuralNetwork
from diglot.operations import Operation
from diglot.optimizers import Optimizer
from diglot.trainer import Trainer

Weights = dict[str, Array]
"""Parameters by name."""


@lru_cache
def images(rows: int = 1442) -> Dataset:
    """Give digits as standardised images (N, 1, 8, 8), the first so many for training."""
    x_train, y_train, x_test, y_test = digits()
    x_train, x_test = standardize(x_train[:rows], x_test)
    return Dataset(x_train, y_train[:rows], x_test, y_test)


@lru_cache
def pixels(rows: int = 1442) -> Dataset:
    """Give digits as rows of 64 standardised numbers."""
    x_train, y_train, x_test, y_test = images(rows)
    return Dataset(x_train.reshape(-1, 64), y_train, x_test.reshape(-1, 64), y_test)


def no_parameters(shape: Shape) -> dict[str, Shape]:
    """Say that an operation has none."""
    return {}


@final
@dataclass(eq=False, repr=False)
class Stage(Layer):
    """A layer of one operation, be it right or wrong.

    Args:
        make: makes the operation from its parameters and a generator.
        shapes: gives the shape of each parameter, from the shape of a sample.
        output: gives the shape of the output for one sample; the same if None.
        initializer: draws the parameters that have more than one axis; the others are zero.
    """

    make: Callable[[Weights, np.random.Generator], Operation]
    shapes: Callable[[Shape], dict[str, Shape]] = no_parameters
    output: Callable[[Shape], Shape] | None = None
    initializer: type[Initializer] = Glorot

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        weights = {
            name: create(name, shape, self.initializer() if len(shape) > 1 else Zeros())
            for name, shape in self.shapes(input_shape).items()
        }
        output_shape = self.output(input_shape) if self.output else input_shape
        return [self.make(weights, rng)], output_shape


def learn(
    layers: Sequence[Layer],
    optimizer: Optimizer,
    data: Dataset,
    *,
    seed: int,
    epochs: int,
    loss: Loss | None = None,
    figure: str = "accuracy",
    batch_size: int = 32,
) -> list[float]:
    """Train a network, and give a figure of the test part after each epoch.

    Args:
        layers: of the network.
        optimizer: of the trainer.
        data: what is learned from, and what is tested with.
        seed: of the parameters and of the order of the rows.
        epochs: how many.
        loss: by default softmax cross-entropy.
        figure: "accuracy", or "loss" for the test loss, or "training loss".
        batch_size: rows per step.

    Returns:
        One number for each epoch; NaN from where the training has broken.
    """
    measured = figure == "accuracy"
    network = NeuralNetwork(layers, loss or SoftmaxCrossEntropy(), seed=seed)
    trainer = Trainer(network, optimizer, metrics={"accuracy": accuracy} if measured else {})
    with suppress(TrainingDiverged):  # what is missing becomes NaN
        trainer.fit(
            data.x_train,
            data.y_train,
            validation=(data.x_test, data.y_test),
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            progress=False,
        )
    history = trainer.history
    if figure == "training loss":
        column: Sequence[float | None] = history.loss
    else:
        column = history.metrics["accuracy"] if measured else history.validation_loss
    values = [math.nan if value is None else float(value) for value in column]
    return values + [math.nan] * (epochs - len(values))

"""Rows of whole trainings, on random data of MNIST's shape: nothing needs to be downloaded."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Literal, final

import numpy as np

from diglot import kernels
from diglot._typing import Array, Shape
from diglot.bench.work import JAX, NUMPY, TORCH, Arguments, Goal, Run, Source, Work
from diglot.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D
from diglot.losses import SoftmaxCrossEntropy
from diglot.network import NeuralNetwork
from diglot.optimizers import SGDMomentum
from diglot.trainer import Trainer

CLASSES = 10


@final
@dataclass(frozen=True)
class Stage:
    """One layer, in words that every framework can build it from.

    Attributes:
        kind: "conv" (stride 1, the size stays), "pool" (2x2, the largest), "flatten" or "dense".
        outputs: filters or neurons.
        k: the size of a filter.
        activation: of a "conv" or "dense".
        dropout: share dropped after it.
    """

    kind: Literal["conv", "pool", "flatten", "dense"]
    outputs: int = 0
    k: int = 0
    activation: Literal["linear", "tanh", "relu"] = "linear"
    dropout: float = 0.0


Stages = tuple[Stage, ...]

MLP: Stages = (Stage("flatten"), Stage("dense", 89, activation="tanh"), Stage("dense", CLASSES))
BOOK_CNN: Stages = (
    Stage("conv", 32, 5, "tanh", dropout=0.2),
    Stage("flatten"),
    Stage("dense", CLASSES),
)
DEEPER_CNN: Stages = (
    Stage("conv", 32, 3, "relu"),
    Stage("pool"),
    Stage("conv", 64, 3, "relu"),
    Stage("pool"),
    Stage("flatten"),
    Stage("dense", 128, activation="relu"),
    Stage("dense", CLASSES),
)


def parameter_shapes(stages: Stages, image: Shape) -> Iterator[Shape]:
    """List the shapes of all weights and biases, as diglot has them."""
    shape = image
    for stage in stages:
        if stage.kind == "conv":
            yield from ((stage.outputs, shape[0], stage.k, stage.k), (stage.outputs,))
            shape = (stage.outputs, *shape[1:])
        elif stage.kind == "pool":
            shape = (shape[0], shape[1] // 2, shape[2] // 2)
        elif stage.kind == "flatten":
            shape = (math.prod(shape),)
        else:
            yield from ((*shape, stage.outputs), (stage.outputs,))
            shape = (stage.outputs,)


def training(
    name: str,
    stages: Stages,
    goals: tuple[Goal, ...],
    *,
    batch_size: int = 60,
    steps: int,
    of: int,
    lr: float,
    image: Shape = (1, 28, 28),
) -> Work:
    """Describe a training of `of` steps, of which a slice of `steps` is timed.

    Results are compared after five steps on one batch, without dropout: then neither the order of
    the samples nor chance matters, and all frameworks must arrive at the same parameters.
    """

    def draw(source: Source, stages: Stages, batches: int, epochs: int) -> Arguments:
        count = batches * batch_size
        return {
            "stages": stages,
            "parameters": [_initial(source, s) for s in parameter_shapes(stages, image)],
            "x": source.normal(count, *image),
            "y": source.labels(count, CLASSES),
            "batch_size": batch_size,
            "epochs": epochs,
            "lr": lr,
            "momentum": 0.9,
        }

    certain = tuple(replace(stage, dropout=0.0) for stage in stages)
    return Work(
        name=f"training {name}",
        group="training",
        kind="training",
        draw=partial(draw, stages=stages, batches=steps, epochs=1),
        check=partial(draw, stages=certain, batches=1, epochs=5),
        goals=goals,
        label=name,
        tolerance=1e-2,  # a maximum that changes its place lets rounding grow from step to step
        scale=of / steps,
        skip=frozenset({NUMPY}),
        note=f"random data; {steps} of {of} steps are timed, the others are taken to be alike",
    )


def prepare(module: ModuleType, arguments: Arguments) -> Run:
    """Make a training ready in diglot, on the kernels of one backend."""
    stages: Stages = arguments["stages"]
    network = NeuralNetwork([_layer(stage) for stage in stages], SoftmaxCrossEntropy(), seed=1)
    network.setup(arguments["x"].shape[1:])
    network.load_parameters(dict(zip(network.parameters(), arguments["parameters"], strict=True)))
    trainer = Trainer(network, SGDMomentum(lr=arguments["lr"], momentum=arguments["momentum"]))
    backend = module.__name__.rpartition(".")[2].removeprefix("_native_")

    def call() -> None:
        with kernels.use_backend(backend):
            trainer.fit(
                arguments["x"],
                arguments["y"],
                epochs=arguments["epochs"],
                batch_size=arguments["batch_size"],
                progress=False,
                seed=1,
            )

    return Run(call, lambda _: list(network.parameters().values()))


def _initial(source: Source, shape: Shape) -> Array:
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    terms = shape[0] if len(shape) == 2 else math.prod(shape[1:])
    return source.normal(*shape) / np.float32(math.sqrt(terms))


def _layer(stage: Stage) -> Layer:
    if stage.kind == "conv":
        return Conv2D(
            stage.outputs, stage.k, stage.activation, padding="same", dropout=stage.dropout
        )
    if stage.kind == "pool":
        return MaxPool2D(2)
    if stage.kind == "flatten":
        return Flatten()
    return Dense(stage.outputs, stage.activation, dropout=stage.dropout)


WORKS = (
    training(
        "MNIST epoch, 784-89-10",
        MLP,
        (Goal(2.0, TORCH), Goal(1.3, JAX)),
        steps=100,
        of=1000,
        lr=0.01,
    ),
    training(
        "MNIST epoch, the book's CNN",
        BOOK_CNN,
        (Goal(3.0, TORCH), Goal(3.0, JAX)),
        steps=10,
        of=1000,
        lr=0.001,
    ),
    training(
        "100 batches, conv32-pool-conv64-pool-128-10",
        DEEPER_CNN,
        (Goal(1.5, TORCH),),
        batch_size=64,
        steps=10,
        of=100,
        lr=0.01,
    ),
)

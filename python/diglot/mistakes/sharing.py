"""A mistake with default arguments: one object for all layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from diglot._typing import Shape
from diglot.config import resolve
from diglot.gradcheck import gradcheck
from diglot.initializers import Glorot, Zeros
from diglot.layers import Create, Dense, Layer
from diglot.mistakes.mistake import Mistake
from diglot.mistakes.stage import learn, pixels
from diglot.network import NeuralNetwork
from diglot.operations import Activation, DenseOp, Operation, Sigmoid
from diglot.optimizers import SGDMomentum

MakeDense: TypeAlias = Callable[[int], Layer]
"""Makes a dense layer of so many neurons, with a sigmoid."""


@final
@dataclass(eq=False, repr=False)
class DenseWithOneSigmoid(Layer):
    """A dense layer whose default activation is made once, when Python reads this line:"""

    neurons: int
    activation: Activation = Sigmoid()  # noqa: RUF009 - the mistake

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        weight = create("weight", (*input_shape, self.neurons), Glorot())
        bias = create("bias", (self.neurons,), Zeros())
        return [DenseOp(weight, bias), self.activation], (self.neurons,)


def dense_of_the_library(neurons: int) -> Layer:
    """Make a layer whose activation is always a new object."""
    return Dense(neurons, activation=Sigmoid())


def _two_layers_agree(make: MakeDense) -> str:
    rng = np.random.default_rng(0)
    network = NeuralNetwork([make(5), make(5)], "mean_squared_error", seed=0)
    return str(gradcheck(network, rng.standard_normal((4, 5)), rng.standard_normal((4, 5))).worst)


def _two_hidden_layers(make: MakeDense, seed: int) -> list[float]:
    layers = [make(16), make(16), Dense(10)]
    return learn(layers, SGDMomentum(0.1), pixels(960), seed=seed, epochs=8)


MISTAKES = (
    Mistake[MakeDense](
        id="shared-activation",
        title="A default argument is one activation for all layers",
        seen="E12",
        text="Python evaluates a default once, when it reads the definition. All layers that do "
        "not name an activation share one object, and the forward pass of the last overwrites "
        "what the backward pass of the others needs. Layers of different widths stop with an "
        "error about shapes; layers of one width learn, with wrong gradients.",
        wrong=DenseWithOneSigmoid,
        right=dense_of_the_library,
        right_code=(dense_of_the_library, resolve),
        caught_by="gradcheck of two layers of one width",
        check=_two_layers_agree,
        curve=_two_hidden_layers,
        effect="ends worse",
    ),
)
"""The entries of this family."""

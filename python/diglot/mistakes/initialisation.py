"""Mistakes in the numbers that a network begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias, final

import numpy as np

from diglot._typing import Array, DType, Shape
from diglot.initializers import Glorot, Initializer, Zeros
from diglot.layers import Dense, Layer
from diglot.metrics import accuracy
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import learn, pixels
from diglot.network import NeuralNetwork
from diglot.optimizers import SGD
from diglot.trainer import Trainer

DrawWeights: TypeAlias = Callable[[Sequence[int], int], list[Array]]
"""Takes the widths of dense layers, the input's first, and a seed; gives their weights."""


@final
@dataclass(eq=False, repr=False)
class GlorotWithVarianceAsDeviation(Initializer):
    """Draws with 2/(n_in + n_out) as the standard deviation, and counts no pixels."""

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Draw one parameter."""
        n_out, n_in = shape[:2] if len(shape) == 4 else shape[::-1]
        return (2 / (n_in + n_out) * rng.standard_normal(shape)).astype(dtype)


def every_layer_seeds_again(widths: Sequence[int], seed: int) -> list[Array]:
    """Draw the weights of each layer from a generator that begins with the seed."""
    weights = []
    for n_in, n_out in pairwise(widths):
        rng = np.random.default_rng(seed)  # the book: np.random.seed(self.seed)
        weights.append(np.sqrt(2 / (n_in + n_out)) * rng.standard_normal((n_in, n_out)))
    return weights


def one_generator_for_all(widths: Sequence[int], seed: int) -> list[Array]:
    """Draw the weights as a network of the library does."""
    network = NeuralNetwork([Dense(n) for n in widths[1:]], "mean_squared_error", seed=seed)
    network.setup((widths[0],))
    return [layer.parameters()["weight"] for layer in network.layers]


def _spread_is_glorots(initializer: type[Initializer]) -> str:
    found = []
    for shape, fans in (((784, 89), 784 + 89), ((32, 16, 5, 5), 25 * (16 + 32))):
        std = float(initializer()(shape, np.random.default_rng(0), np.dtype(float)).std())
        expected = (2 / fans) ** 0.5
        found.append(f"{shape}: the standard deviation is {std:.4f}, expected {expected:.4f}")
        if not 0.95 < std / expected < 1.05:
            raise Caught(found[-1])
    return "; ".join(found)


def _layers_of_one_shape_differ(draw: DrawWeights) -> str:
    weights = draw([8, 8, 8], 80718)
    alike = float(np.corrcoef(weights[0].ravel(), weights[1].ravel())[0, 1])
    if alike > 0.95:
        raise Caught(f"the weights of two layers of one shape have a correlation of {alike:.3f}")
    return f"the weights of two layers of one shape have a correlation of {alike:.3f}"


def _neurons_differ(initializer: type[Initializer]) -> str:
    network = NeuralNetwork([Dense(6, "tanh", weight_init=initializer)], "mean_squared_error")
    hidden = network.forward(np.random.default_rng(0).standard_normal((20, 4)))
    spread = float(hidden.std(axis=1).max())
    if spread == 0:
        raise Caught("all 6 neurons of a layer give the same numbers, and will get the same slopes")
    return f"the 6 neurons of a layer differ by {spread:.3g}"


def _deep_network(initializer: type[Initializer], seed: int) -> list[float]:
    layers: list[Layer] = [Dense(32, "tanh", weight_init=initializer) for _ in range(3)]
    layers.append(Dense(10, weight_init=initializer))
    return learn(layers, SGD(0.1), pixels(480), seed=seed, epochs=6)


def _square_layers(draw: DrawWeights, seed: int) -> list[float]:
    x, y, x_test, y_test = pixels(480)
    widths = [64, 64, 64, 64, 10]
    network = NeuralNetwork(
        [*(Dense(n, "tanh") for n in widths[1:-1]), Dense(10)], "softmax_cross_entropy", seed=seed
    )
    network.setup((64,))
    for layer, weight in zip(network.layers, draw(widths, seed), strict=True):
        layer.parameters()["weight"][...] = weight
    trainer = Trainer(network, SGD(0.1), metrics=accuracy)
    trainer.fit(x, y, validation=(x_test, y_test), epochs=6, seed=seed, progress=False)
    return [float(value or 0) for value in trainer.history.metrics["accuracy"]]


MISTAKES = (
    Mistake[type[Initializer]](
        id="glorot-variance",
        title="Glorot's variance is used as the standard deviation",
        seen="E5",
        text="2/(n_in + n_out) is the variance; the generator wants its root. The weights are too "
        "small by sqrt((n_in + n_out)/2), and the signal shrinks from layer to layer. For filters, "
        "the number of their pixels is forgotten as well, which here makes up for some of it. "
        "Easy to make: papers write N(0, variance), NumPy's normal takes the deviation.",
        wrong=GlorotWithVarianceAsDeviation,
        right=Glorot,
        caught_by="statistics: the standard deviation",
        check=_spread_is_glorots,
        curve=_deep_network,
        effect="ends worse",
    ),
    Mistake[DrawWeights](
        id="seed-in-every-layer",
        title="Every layer seeds the generator again",
        seen="E11",
        text="Layers of one shape get the same weights, those of different shapes the same numbers "
        "in other places. It looks like care for reproducible results. (The book seeds NumPy's "
        "global generator, so that the user's own draws repeat as well; here each layer makes a "
        "generator of its own, to leave yours alone.)",
        wrong=every_layer_seeds_again,
        right=one_generator_for_all,
        caught_by="statistics: the correlation of two layers",
        check=_layers_of_one_shape_differ,
        curve=_square_layers,
        effect="no difference",
    ),
    Mistake[type[Initializer]](
        id="all-weights-zero",
        title="All weights begin at zero",
        seen=BEYOND,
        text="Zeros look neutral, and for biases they are. But neurons that begin equal get equal "
        "gradients and stay equal; and with zeros in every layer nothing but the last bias gets "
        "a gradient at all. Gradcheck passes: the gradients are right.",
        wrong=Zeros,
        right=Glorot,
        caught_by="symmetry: neurons must differ",
        check=_neurons_differ,
        curve=_deep_network,
        effect="ends worse",
    ),
)
"""The entries of this family."""

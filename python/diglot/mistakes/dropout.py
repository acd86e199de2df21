"""Mistakes in dropout: when it is active, and how the rest is scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, final

import numpy as np

from diglot._typing import Array
from diglot.datasets import Dataset
from diglot.layers import Dense, Layer
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import Stage, learn, pixels
from diglot.operations import DropoutOp, Operation
from diglot.optimizers import SGDMomentum

MakeDropout: TypeAlias = Callable[[float, np.random.Generator], Operation]
"""Takes the rate, and a generator for the masks."""


@final
class DropoutThatStaysOff(Operation):
    """Is switched off by the first evaluation, and nobody switches it on again."""

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        self.rate, self.rng = rate, rng
        self.training = True  # as model.eval() sets it, and only model.train() resets it

    def _output(self) -> Array:
        if self.inference:
            self.training = False
        kept = self.rng.random(self.input_.shape) >= self.rate if self.training else True
        scale = 1 / (1 - self.rate) if self.training else 1
        self._factors = np.asarray(kept * np.ones_like(self.input_) * scale, self.input_.dtype)
        return np.asarray(self.input_ * self._factors)

    def _input_grad(self, output_grad: Array) -> Array:
        return np.asarray(output_grad * self._factors)


@final
class DropoutAtInference(Operation):
    """Drops in training and in prediction alike."""

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        self.rate, self.rng = rate, rng

    def _output(self) -> Array:
        kept = self.rng.random(self.input_.shape) >= self.rate
        self._factors = (kept / (1 - self.rate)).astype(self.input_.dtype)
        return np.asarray(self.input_ * self._factors)

    def _input_grad(self, output_grad: Array) -> Array:
        return np.asarray(output_grad * self._factors)


@final
class DropoutWithoutScale(Operation):
    """Drops, and leaves the rest as it is."""

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        self.rate, self.rng = rate, rng

    def _output(self) -> Array:
        if self.inference:
            return self.input_
        self._kept = self.rng.random(self.input_.shape) >= self.rate
        return self.input_ * self._kept

    def _input_grad(self, output_grad: Array) -> Array:
        return output_grad * self._kept


def _predicts_and_trains_on(make: MakeDropout) -> str:
    operation, ones = make(0.5, np.random.default_rng(0)), np.ones((50, 50))
    operation.forward(ones, inference=True)
    share = float((operation.forward(ones) == 0).mean())
    if not 0.4 < share < 0.6:
        raise Caught(f"after an evaluation, training drops {share:.0%}, expected 50%")
    return f"after an evaluation, training drops {share:.0%}"


def _a_prediction_is_not_random(make: MakeDropout) -> str:
    operation, ones = make(0.5, np.random.default_rng(0)), np.ones((50, 50))
    first, second = (operation.forward(ones, inference=True) for _ in range(2))
    if not np.array_equal(first, second):
        raise Caught(f"two predictions of one input differ in {np.mean(first != second):.0%}")
    return "two predictions of one input are the same"


def _the_mean_is_kept(make: MakeDropout) -> str:
    operation, ones = make(0.8, np.random.default_rng(0)), np.ones((300, 300))
    training, prediction = (float(operation.forward(ones, i).mean()) for i in (False, True))
    if not abs(training - prediction) < 0.05:
        raise Caught(f"the mean is {training:.3f} in training and {prediction:.3f} in prediction")
    return f"the mean is {training:.3f} in training and {prediction:.3f} in prediction"


def _network(make: MakeDropout, depth: int = 1, width: int = 64) -> list[Layer]:
    layers: list[Layer] = []
    for _ in range(depth):
        layers += [Dense(width, "relu"), Stage(lambda weights, rng: make(0.5, rng))]
    return [*layers, Dense(10)]


def _wrong_labels(make: MakeDropout, seed: int) -> list[float]:
    """Learn from few rows, of which four in ten have a random label."""
    x, y, x_test, y_test = pixels(300)
    rng = np.random.default_rng(0)
    y = np.where(rng.random(len(y)) < 0.4, rng.integers(10, size=len(y)), y)
    data = Dataset(x, y, x_test, y_test)
    return learn(_network(make, width=128), SGDMomentum(0.02), data, seed=seed, epochs=20)


def _one_layer(make: MakeDropout, seed: int) -> list[float]:
    return learn(_network(make), SGDMomentum(0.01), pixels(960), seed=seed, epochs=5)


def _three_layers(make: MakeDropout, seed: int) -> list[float]:
    network, optimizer = _network(make, 3), SGDMomentum(0.01)
    return learn(network, optimizer, pixels(960), seed=seed, epochs=8, figure="loss")


MISTAKES = (
    Mistake[MakeDropout](
        id="dropout-stays-off",
        title="The first evaluation switches dropout off for good",
        seen="E16",
        text="The network is put into evaluation mode to compute a score, and not back into "
        "training mode: from the second epoch on there is no dropout. Easy to make where the "
        "mode is a switch that somebody has to set back. In diglot it is an argument of each "
        "forward, which cannot stay set.",
        wrong=DropoutThatStaysOff,
        right=DropoutOp,
        caught_by="statistics: the share that is dropped after an evaluation",
        check=_predicts_and_trains_on,
        curve=_wrong_labels,
        effect="ends worse",
    ),
    Mistake[MakeDropout](
        id="dropout-at-inference",
        title="Dropout is active in prediction",
        seen=BEYOND,
        text="Whoever predicts forgets to say so, and a random part of the network answers. The "
        "training is right, only its result is thrown away. Two predictions of one input differ, "
        "which is seen by whoever predicts twice.",
        wrong=DropoutAtInference,
        right=DropoutOp,
        caught_by="invariance: two predictions of one input",
        check=_a_prediction_is_not_random,
        curve=_one_layer,
        effect="ends worse",
    ),
    Mistake[MakeDropout](
        id="dropout-unscaled",
        title="Dropout does not scale what it keeps by 1/(1 - rate)",
        seen=BEYOND,
        text="In training the next layer gets 1 - rate of the signal, in prediction all of it: "
        "with three layers and rate 0.5, logits are about 8 times as large as in training. "
        "With one layer the largest logit mostly stays the largest, and accuracy hardly tells.",
        wrong=DropoutWithoutScale,
        right=DropoutOp,
        caught_by="statistics: the mean in training and in prediction",
        check=_the_mean_is_kept,
        curve=_three_layers,
        figure="test loss",
        higher_is_better=False,
        effect="ends worse",
    ),
)
"""The entries of this family."""

"""Mistakes of those who train: which epoch to keep, who decides, how fast to go."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from diglot._typing import Array
from diglot.early_stopping import BestEpoch
from diglot.layers import Dense
from diglot.mistakes.mistake import Caught, Mistake
from diglot.mistakes.stage import learn, pixels
from diglot.network import NeuralNetwork
from diglot.optimizers import SGDMomentum
from diglot.schedules import Exponential, Per, Schedule
from diglot.trainer import Trainer

Part: TypeAlias = tuple[Array, Array]
"""Inputs and labels."""
Fit: TypeAlias = Callable[[NeuralNetwork, Part, Part, Part], list[float]]
"""Trains on the first part, with two more to judge by: validation and test. Gives the losses that
decided."""


def fit_and_keep_the_best_here(
    network: NeuralNetwork, train: Part, validation: Part, test: Part
) -> list[float]:
    """Stop when the loss of the test part rises, and go back to the epoch before."""
    trainer = Trainer(network, SGDMomentum(0.2))
    losses = [math.inf]
    for _ in range(20):
        before = copy.deepcopy(network)
        trainer.fit(*train, epochs=1, shuffle=False, progress=False)
        losses.append(trainer.evaluate(*test)["loss"])  # should be the validation part
        if losses[-1] > losses[-2]:
            network = before  # this name alone: the caller's network stays the worse one
            break
    return losses[1:]


def fit_with_early_stopping(
    network: NeuralNetwork, train: Part, validation: Part, test: Part
) -> list[float]:
    """Let the library's trainer stop, and put the best epoch back into the caller's network."""
    history = Trainer(network, SGDMomentum(0.2)).fit(
        *train,
        validation=validation,
        early_stopping=1,
        epochs=20,
        shuffle=False,
        progress=False,
    )
    return [loss for loss in history.validation_loss if loss is not None]


@final
@dataclass(eq=False, repr=False)
class ExponentialToItself(Schedule):
    """Falls from `initial` to `final`, if `final` were not taken from the wrong place."""

    initial: float
    final: float
    per: Per = "epoch"

    def value(self, step: int, total: int) -> float:
        """Give the rate of a step."""
        initial = final = self.initial  # should be: self.initial, self.final
        return float(initial * (final / initial) ** (step / max(total - 1, 1)))


def _parts(seed: int) -> tuple[NeuralNetwork, Part, Part, Part]:
    """Make a network that is not trained, and cut digits in three parts."""
    x, y, x_test, y_test = pixels()
    network = NeuralNetwork([Dense(32, "tanh"), Dense(10)], "softmax_cross_entropy", seed=seed)
    return network, (x[:300], y[:300]), (x[300:600], y[300:600]), (x_test, y_test)


def _loss(network: NeuralNetwork, part: Part) -> float:
    return float(network.loss.forward(network.predict(part[0]), part[1]))


def _the_caller_has_the_best_epoch(fit: Fit) -> str:
    network, train, judge, _ = _parts(seed=0)
    best, own = min(fit(network, train, judge, judge)), _loss(network, judge)
    found = []
    if own > best + 1e-6:
        found.append(f"the best epoch has a loss of {best:.4f}, the caller's network {own:.4f}")
    kept = []
    for labels_of_the_test_part in (judge[1], np.zeros_like(judge[1])):
        network, train, judge, _ = _parts(seed=0)
        fit(network, train, judge, (judge[0], labels_of_the_test_part))
        kept.append(network.copy_parameters()["0.weight"])
    if not np.array_equal(kept[0], kept[1]):
        found.append("other labels in the test part make another network: it is no test any more")
    if found:
        raise Caught("; ".join(found))
    return f"the caller's network has the best epoch's loss, {own:.4f}; the test decides nothing"


def _then_the_callers_network(fit: Fit, seed: int) -> list[float]:
    """Train, judged by one part in both cases; the last point is the caller's network."""
    network, train, judge, _ = _parts(seed)
    losses = fit(network, train, judge, judge)
    return [*(losses + [losses[-1]] * 9)[:9], _loss(network, judge)]


def _ends_at_final(make: Callable[[float, float], Schedule]) -> str:
    rates = [make(0.2, 0.05).value(step, 10) for step in range(10)]
    if not math.isclose(rates[-1], 0.05):
        raise Caught(f"from 0.2 to 0.05 in ten steps: the last one has {rates[-1]:g}")
    return "from 0.2 to 0.05 in ten steps: the last one has 0.05"


def _falling_rate(make: Callable[[float, float], Schedule], seed: int) -> list[float]:
    layers = [Dense(32, "tanh"), Dense(32, "tanh"), Dense(10)]
    return learn(layers, SGDMomentum(make(0.3, 0.003)), pixels(), seed=seed, epochs=10)


MISTAKES = (
    Mistake[Fit](
        id="early-stopping-copy",
        title="Early stopping keeps the best epoch for itself, and asks the test part",
        seen="E13",
        text="The trainer replaces *its own* network by the copy of the better epoch: a name is "
        "bound to another object, and the caller's object is the worse one still. And the test "
        "part decides when to stop, so that its score is no longer an honest one. In this "
        "training the same part decides in both; the last point is what the caller holds.",
        wrong=fit_and_keep_the_best_here,
        right=fit_with_early_stopping,
        right_code=(fit_with_early_stopping, BestEpoch),
        caught_by="comparison of the caller's network with the best epoch",
        check=_the_caller_has_the_best_epoch,
        curve=_then_the_callers_network,
        figure="loss that decides; at last, of the caller's network",
        higher_is_better=False,
        effect="ends worse",
    ),
    Mistake[Callable[[float, float], Schedule]](
        id="lr-decays-to-itself",
        title="The learning rate decays from its value to its value",
        seen="E16",
        text="The last rate is set to the first one, so that nothing decays, however the schedule "
        "is computed. Nothing is reported. A rate that is good to begin with is too large to end "
        "with; with a smaller one nobody would see a difference here.",
        wrong=ExponentialToItself,
        right=Exponential,
        caught_by="a known value: the last rate",
        check=_ends_at_final,
        curve=_falling_rate,
        effect="ends worse",
    ),
)
"""The entries of this family."""

"""Which learning rate? Raise it from step to step, and look how far the loss falls."""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from diglot._typing import Array
from diglot.callbacks import Fit
from diglot.chance import Chance
from diglot.config import integer, positive
from diglot.errors import TrainingDiverged
from diglot.trainer import Trainer

_GIVE_UP = 4.0  # times the lowest loss
_MEMORY = 0.9  # of the running mean


@final
@dataclass(frozen=True)
class LearningRateCurve:
    """How the loss went while the learning rate rose.

    Attributes:
        rates: the learning rate of each step.
        losses: of that step's batch, before its update: a running mean.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def suggestion(self) -> float:
        """A rate to begin with: a tenth of the one at which the loss was lowest.

        At that one itself the loss is about to rise. (In a training of some length the rate should
        also fall later on; see `diglot.schedules`.)

        Raises:
            ValueError: the loss did not fall.
        """
        lowest = self.losses.index(min(self.losses)) if self.losses else 0
        if lowest == 0:
            raise ValueError("the loss did not fall at any rate; try more steps, or lower rates")
        return self.rates[lowest] / 10


def find_learning_rate(
    trainer: Trainer,
    x: Array,
    y: Array,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    **settings: Any,
) -> LearningRateCurve:
    """Train for some steps while the learning rate rises, and put everything back.

        lr_k = lowest (highest / lowest)^(k / (steps - 1))

    It ends early where the loss is four times its lowest. Afterwards the network, the optimizer,
    the history and all generators are as they were.

    Args:
        trainer: its optimizer's own learning rate does not count.
        x: inputs, as for `Trainer.fit`.
        y: targets.
        lowest: the first rate.
        highest: the last rate.
        steps: how many updates, at least 3.
        settings: more arguments of `Trainer.fit`, such as batch_size and seed.

    Raises:
        ValueError: an argument does not fit.

    Source: Smith 2017, Cyclical learning rates for training neural networks.
    """
    steps = integer("steps", steps, least=3)
    if positive("lowest", lowest) >= positive("highest", highest):
        raise ValueError(f"lowest is {lowest} and highest {highest}, expected lowest < highest")
    for name in settings.keys() & {"epochs", "callbacks", "resume_from", "early_stopping"}:
        raise ValueError(f"{name} has no meaning here: the rates say when to end")
    network, optimizer = trainer.network, trainer.optimizer
    x = np.asarray(x)
    network.setup(x.shape[1:])
    before = network.copy_parameters(), optimizer.state(), Chance.of(network)
    notes = trainer.history, trainer.steps, trainer.schedule_length
    trainer.history = copy.deepcopy(trainer.history)  # the trial's, which is thrown away
    if isinstance(settings.get("seed"), np.random.Generator):
        settings["seed"] = copy.deepcopy(settings["seed"])
    settings = {"progress": False, **settings}
    rising = _Rising(lowest, highest, steps)
    try:
        with suppress(TrainingDiverged):  # that is where the curve ends
            trainer.fit(x, y, epochs=steps, callbacks=rising, **settings)
    finally:
        parameters, memory, chance = before
        network.load_parameters(parameters)
        optimizer.load_state(memory)
        chance.restore(network)
        trainer.history, trainer.steps, trainer.schedule_length = notes
    return LearningRateCurve(tuple(rising.rates), tuple(rising.losses))


@final
class _Rising:
    """Raise the learning rate after each batch, and note what became of the loss."""

    def __init__(self, lowest: float, highest: float, steps: int) -> None:
        self._rates = [lowest * (highest / lowest) ** (k / (steps - 1)) for k in range(steps)]
        self._mean = 0.0
        self.rates: list[float] = []
        self.losses: list[float] = []

    def on_fit_begin(self, fit: Fit) -> None:
        fit.set_learning_rate(self._rates[0])

    def on_batch_end(self, fit: Fit) -> None:
        count = len(self.losses)
        self._mean = _MEMORY * self._mean + (1 - _MEMORY) * fit.loss
        loss = self._mean / (1 - _MEMORY ** (count + 1))
        self.rates.append(fit.learning_rate)
        self.losses.append(loss)
        if count + 1 == len(self._rates) or loss > _GIVE_UP * min(self.losses):
            fit.stop("the rates have been tried")
        else:
            fit.set_learning_rate(self._rates[count + 1])

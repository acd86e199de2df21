"""Stop when the validation loss no longer falls, and go back to where it was lowest."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from diglot._typing import Array
from diglot.config import integer, real
from diglot.network import NeuralNetwork


@final
@dataclass(frozen=True)
class EarlyStopping:
    """When to stop.

    Judge by a validation part that is cut off the training data. A test set that decides when to
    stop has become part of the training, and its score is no longer an honest one (the book's
    code does this).

    Args:
        patience: stop after so many evaluations in a row without an improvement, at least 1.
        min_delta: how far the validation loss must fall to count as improved, in its own unit.

    Book: chapter 4.
    """

    patience: int
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        integer("patience", self.patience)
        real("min_delta", self.min_delta, least=0)


@final
class BestEpoch:
    """The lowest validation loss of a training so far, with a copy of its parameters."""

    def __init__(self, network: NeuralNetwork, rule: EarlyStopping) -> None:
        self.epoch: int | None = None
        self.loss = math.inf
        self._network = network
        self.rule = rule
        self._reference = math.inf  # the last loss that counted as an improvement
        self._waited = 0

    def judge(self, epoch: int, loss: float) -> bool:
        """Take note of an evaluation; True says that it is time to stop."""
        if loss < self.loss:
            self.epoch, self.loss = epoch, loss
            self._parameters = self._network.copy_parameters()
        if loss < self._reference - self.rule.min_delta:
            self._reference, self._waited = loss, 0
        else:
            self._waited += 1
        return self._waited >= self.rule.patience

    def state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Give what is known so far: in JSON's types, and the parameters of the best epoch."""
        known = {
            "epoch": self.epoch,
            "loss": None if math.isinf(self.loss) else self.loss,
            "reference": None if math.isinf(self._reference) else self._reference,
            "waited": self._waited,
        }
        return known, {} if self.epoch is None else self._parameters

    def load_state(self, known: Mapping[str, Any], parameters: dict[str, Array]) -> None:
        """Take over another's `state()`."""
        self.epoch, self._waited = known["epoch"], known["waited"]
        self.loss, self._reference = (
            math.inf if known[name] is None else known[name] for name in ("loss", "reference")
        )
        self._parameters = parameters

    def restore(self) -> None:
        """Put the best epoch's parameters back into the network, if there was one."""
        if self.epoch is not None:
            self._network.load_parameters(self._parameters)

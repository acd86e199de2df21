"""Train a network as an experiment does: to the end, or not at all."""

from typing import Any

from diglot._typing import Array
from diglot.history import History
from diglot.trainer import Trainer


def fit(trainer: Trainer, x: Array, y: Array, **settings: Any) -> History:
    """Call `trainer.fit`, and let Ctrl-C end the whole experiment.

    `Trainer.fit` returns a usable network when it is interrupted; the figures of a training that
    was cut short would say nothing, though.

    Raises:
        KeyboardInterrupt: the training was interrupted.
    """
    history = trainer.fit(x, y, **settings)
    if history.interrupted:
        raise KeyboardInterrupt
    return history

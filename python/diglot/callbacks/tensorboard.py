"""A training in TensorBoard, where that is installed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, final

from diglot.fitting import Fit


@final
class TensorBoardLog:
    """Write the loss and learning rate of batches, and the evaluations of epochs, for TensorBoard.

    Tags are batch/loss, batch/learning_rate, epoch/loss, epoch/validation_loss and epoch/ with each
    metric's name, over the trainer's steps.

    Args:
        folder: gets the event files; each fit adds one.

    Raises:
        ImportError: TensorBoard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise ImportError(
                "TensorBoardLog needs TensorBoard: pip install tensorboard"
            ) from error
        self.folder = Path(folder)
        self._make_writer = Writer
        self._writer: Any = None

    def on_fit_begin(self, fit: Fit) -> None:
        """Begin an event file."""
        self._writer = self._make_writer(str(self.folder))

    def on_batch_end(self, fit: Fit) -> None:
        """Write the batch."""
        self._add(fit, "batch", {"loss": fit.loss, "learning_rate": fit.learning_rate})

    def on_epoch_end(self, fit: Fit) -> None:
        """Write the epoch."""
        history = fit.trainer.history
        values = {"loss": history.loss[-1], "validation_loss": history.validation_loss[-1]}
        self._add(fit, "epoch", values | {n: column[-1] for n, column in history.metrics.items()})
        self._writer.flush()

    def on_fit_end(self, fit: Fit) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()

    def _add(self, fit: Fit, group: str, values: dict[str, float | None]) -> None:
        for name, value in values.items():
            if value is not None:
                self._writer.add_scalar(f"{group}/{name}", value, step=fit.trainer.steps)

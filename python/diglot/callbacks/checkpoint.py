"""Checkpoints: what a training has learned, and where it stands, written down as it goes on."""

from __future__ import annotations

import os
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import final

import numpy as np

from diglot.config import boolean, integer, positive
from diglot.fitting import Fit
from diglot.resuming import SUFFIX, checkpoints, latest_checkpoint, snapshot, step_of


@final
class Checkpoint:
    """Write a checkpoint every so often: a model file that also holds where the training stands.

    `fit(resume_from=folder)` goes on with the latest one, with the same bits as if the training had
    never ended. A file is written beside its place and moved there whole, so a kill or a full disk
    at any moment leaves every checkpoint readable; what is lost are the steps since the last one.
    If one cannot be written, a warning says so and the training goes on. Where parameters have
    become NaN or infinite, none is written. `NeuralNetwork.load` reads a checkpoint, too.

    Args:
        folder: gets files "step-00000042.safetensors"; it is made if there is none.
        every_batches: write after so many updates.
        every_epochs: write after so many epochs; after each one if nothing else is asked for.
        every_seconds: write after the first update that ends so long after the last checkpoint.
        keep: how many of the latest stay.
        best: keep the one with the lowest validation loss as "best.safetensors", too.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        every_batches: int | None = None,
        every_epochs: int | None = None,
        every_seconds: float | None = None,
        keep: int = 3,
        best: bool = True,
    ) -> None:
        self.folder = Path(folder)
        if every_batches is every_epochs is every_seconds is None:
            every_epochs = 1
        self.every_batches = (
            None if every_batches is None else integer("every_batches", every_batches)
        )
        self.every_epochs = None if every_epochs is None else integer("every_epochs", every_epochs)
        self.every_seconds = (
            None if every_seconds is None else positive("every_seconds", every_seconds)
        )
        self.keep = integer("keep", keep)
        self.best = boolean("best", best)

    def on_fit_begin(self, fit: Fit) -> None:
        """Make the folder, and remove what a killed training has left half-written.

        Raises:
            FileExistsError: the folder holds a training that is further than this one.
            ValueError: the network has a layer that no file may name.
            OSError: there can be no such folder.
        """
        fit.trainer.network.describe()
        self.folder.mkdir(parents=True, exist_ok=True)
        for half in self.folder.glob(f"*{SUFFIX}.tmp.*"):
            with suppress(OSError):
                half.unlink()
        later = latest_checkpoint(self.folder)
        if later is not None and not fit.resumed and step_of(later) > fit.trainer.steps:
            raise FileExistsError(
                f"{later} is of another training, or of a later step of this one: go on with "
                "fit(resume_from=...), or give another folder"
            )
        self._written = fit.trainer.steps if fit.resumed else -1
        self._written_at = time.monotonic()
        self._lowest = min(
            (loss for loss in fit.trainer.history.validation_loss if loss is not None),
            default=float("inf"),
        )

    def on_batch_end(self, fit: Fit) -> None:
        """Write, if it is time."""
        steps, seconds = self.every_batches, self.every_seconds
        if (steps is not None and fit.trainer.steps % steps == 0) or (
            seconds is not None and time.monotonic() - self._written_at >= seconds
        ):
            self._write(fit)

    def on_epoch_end(self, fit: Fit) -> None:
        """Write, if it is time, or if it was the best epoch."""
        loss = fit.trainer.history.validation_loss[-1]
        if (
            self.best
            and loss is not None
            and loss < self._lowest
            and self._save(fit, self.folder / f"best{SUFFIX}")
        ):
            self._lowest = loss
        if self.every_epochs is not None and fit.epochs_done % self.every_epochs == 0:
            self._write(fit)

    def on_fit_end(self, fit: Fit) -> None:
        """Write what was learned since the last checkpoint, unless an error has ended it."""
        ended = fit.error is None or isinstance(fit.error, KeyboardInterrupt)
        if ended and fit.trainer.steps != self._written:
            self._write(fit)

    def _write(self, fit: Fit) -> None:
        steps = fit.trainer.steps
        self._written_at = time.monotonic()
        if self._save(fit, self.folder / f"step-{steps:08}{SUFFIX}"):
            self._written = steps
            # Later ones are there where an earlier one was resumed; they will be written again.
            own = [path for path in checkpoints(self.folder) if step_of(path) <= steps]
            for old in own[: -self.keep]:
                with suppress(OSError):
                    old.unlink()

    def _save(self, fit: Fit, path: Path) -> bool:
        parameters = fit.trainer.network.parameters().values()
        if not all(np.isfinite(array).all() for array in parameters):
            return False  # the next loss ends this training; nobody could go on from here
        try:
            fit.trainer.network.save(path, snapshot(fit))
        except (OSError, ValueError, MemoryError) as error:  # a ValueError: it is over a limit
            why = getattr(error, "strerror", None) or error
            warnings.warn(
                f"no checkpoint was written at step {fit.trainer.steps} ({path}: {why}); "
                "the training goes on",
                RuntimeWarning,
                stacklevel=2,
            )
            return False
        return True

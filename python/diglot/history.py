"""What a training did, epoch by epoch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final


@final
@dataclass(repr=False)
class History:
    """One row per epoch, kept as columns of equal length.

    epoch counts from 1 and goes on in a second `fit`. loss is the mean over the training rows, as
    they were seen. learning_rate is the one of the epoch's last step. seconds are those of the
    epoch's training, without its evaluation. validation_loss and the columns of metrics hold None
    where nothing was evaluated. best_epoch is the one that early stopping kept. notes say what
    else happened: an early stop, an interruption. interrupted tells whether Ctrl-C ended the last
    `fit`.
    """

    epoch: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    validation_loss: list[float | None] = field(default_factory=list)
    metrics: dict[str, list[float | None]] = field(default_factory=dict)
    best_epoch: int | None = None
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    def append(
        self,
        *,
        loss: float,
        learning_rate: float,
        seconds: float,
        evaluation: Mapping[str, float] | None = None,
    ) -> None:
        """Add one epoch.

        Args:
            loss: mean training loss.
            learning_rate: of the last step.
            seconds: of training.
            evaluation: "loss" on the validation data and the metrics; what is missing is None.
        """
        values = dict(evaluation or {})
        self.validation_loss.append(values.pop("loss", None))
        for name in values:
            self.metrics.setdefault(name, [None] * len(self))
        for name, column in self.metrics.items():
            column.append(values.get(name))
        self.loss.append(loss)
        self.learning_rate.append(learning_rate)
        self.seconds.append(seconds)
        self.epoch.append(len(self) + 1)

    def to_dict(self) -> dict[str, Any]:
        """Copy everything into plain lists and dicts, ready for JSON."""
        return {
            "epoch": list(self.epoch),
            "loss": list(self.loss),
            "learning_rate": list(self.learning_rate),
            "seconds": list(self.seconds),
            "validation_loss": list(self.validation_loss),
            "metrics": {name: list(column) for name, column in self.metrics.items()},
            "best_epoch": self.best_epoch,
            "notes": list(self.notes),
            "interrupted": self.interrupted,
        }

    def _repr_html_(self) -> str:
        from diglot.sparkline import html

        return html(self.to_dict(), repr(self))

    def __len__(self) -> int:
        return len(self.epoch)

    def __repr__(self) -> str:
        parts = [f"{len(self)} epochs"]
        if self.loss:
            parts.append(f"loss {self.loss[-1]:.4g}")
            latest = {"validation_loss": self.validation_loss, **self.metrics}
            parts += [f"{k} {v[-1]:.4g}" for k, v in latest.items() if v[-1] is not None]
        return f"History({', '.join([*parts, *self.notes])})"

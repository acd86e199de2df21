"""A progress bar for training, silent where nobody would see it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, final

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_SECONDS_BETWEEN_DRAWINGS = 0.1


@final
class TrainingProgress:
    """Show epoch, loss and the last evaluation on stderr, in one line.

    Silent unless `show` is true and stderr is a terminal (or a notebook). It draws at most ten
    times a second, and not from a thread of its own: a batch costs the training a look at the
    clock.

    Args:
        epochs: how many there will be.
        batches: in each of them.
        show: False is always silent.
    """

    def __init__(self, epochs: int, batches: int, *, show: bool) -> None:
        self._epochs, self._batches = epochs, batches
        self._epoch = 0
        self._evaluation = ""
        self._next_drawing = 0.0
        self._bar: Progress | None = None
        self._task: TaskID
        if show:
            self._bar = _bar_on_a_terminal()

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._task = self._bar.add_task(
                "training", total=self._epochs * self._batches, loss="", evaluation=""
            )
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.refresh()
            self._bar.stop()

    def begin(self, epoch: int) -> None:
        """Say which epoch this is, from 1."""
        self._epoch = epoch

    def step(self, batch: int, loss: float) -> None:
        """Say that a batch is done: its number in the epoch, from 1, and the mean loss so far."""
        if self._bar is not None and time.monotonic() >= self._next_drawing:
            self._draw(self._bar, batch, loss)

    def evaluated(self, loss: float, values: Mapping[str, float]) -> None:
        """Show the epoch's mean training loss, and its evaluation if there was one."""
        if self._bar is not None:
            if values:
                text = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
                self._evaluation = f"  validation {text}"
            self._draw(self._bar, self._batches, loss)

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)

    def _draw(self, bar: Progress, batch: int, loss: float) -> None:
        bar.update(
            self._task,
            completed=(self._epoch - 1) * self._batches + batch,
            description=f"epoch {self._epoch}/{self._epochs}",
            loss=f"loss {loss:.4f}",
            evaluation=self._evaluation,
            refresh=True,
        )
        self._next_drawing = time.monotonic() + _SECONDS_BETWEEN_DRAWINGS


def _bar_on_a_terminal() -> Progress | None:
    # Imported here: rich would make up a good part of `import diglot`.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not (console.is_terminal or console.is_jupyter):
        return None
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[loss]}{task.fields[evaluation]}", markup=False),
        TimeRemainingColumn(),
        console=console,
        auto_refresh=False,
    )

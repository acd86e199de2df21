"""What a row of the book's tables is: an experiment, its published figure, and what came out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from diglot.errors import TrainingDiverged


class Skip(Exception):  # noqa: N818 - no error: a reason
    """An experiment cannot run here; the message says what is missing and how to get it."""


@final
@dataclass(frozen=True)
class Settings:
    """How experiments are run.

    Attributes:
        quick: train on little data for a few steps. It shows that everything works; the figures
            are not judged.
        housing: a CSV file for the rows of chapters 2 and 3; None takes the diabetes table.
        progress: show progress bars, if stderr is a terminal.
    """

    quick: bool = False
    housing: Path | None = None
    progress: bool = False


@final
@dataclass(frozen=True)
class Outcome:
    """What came out of an experiment.

    Attributes:
        ours: our figure, as text.
        bound: what it must keep, as text.
        met: whether it does; None where nothing is judged.
        figures: the same and more in full precision, ready for JSON.
        note: what a reader must know about this row.
    """

    ours: str
    bound: str
    met: bool | None
    figures: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@final
@dataclass(frozen=True)
class Row:
    """One experiment.

    Attributes:
        id: its number in the project's list, "4.7": chapter and row.
        what: the model and how it is trained.
        published: the book's figure, as text.
        experiment: runs it.
    """

    id: str
    what: str
    published: str
    experiment: Callable[[Settings], Outcome]

    def run(self, settings: Settings) -> "Result":
        """Run the experiment and take its time; one that cannot run here is marked as skipped."""
        started = time.perf_counter()
        try:
            outcome = self.experiment(settings)
        except Skip as reason:
            outcome = Outcome("skipped", "", None, note=str(reason))
        except TrainingDiverged as error:
            outcome = Outcome("diverged", "", False, note=str(error))
        return Result(self, outcome, time.perf_counter() - started)


@final
@dataclass(frozen=True)
class Result:
    """A row with its outcome and the seconds that it took."""

    row: Row
    outcome: Outcome
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Copy everything into plain values, ready for JSON."""
        return {
            "id": self.row.id,
            "what": self.row.what,
            "published": self.row.published,
            "ours": self.outcome.ours,
            "bound": self.outcome.bound,
            "met": self.outcome.met,
            "note": self.outcome.note,
            "seconds": self.seconds,
            "figures": dict(self.outcome.figures),
        }

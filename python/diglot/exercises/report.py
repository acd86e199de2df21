"""What a check found: rows of a table, handed from the process that runs the answer."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from diglot.exercises.exercise import Exercise

__all__ = ["Grade", "Report", "Row", "blank_row", "read"]


@dataclass(frozen=True)
class Row:
    """One question to an answer.

    Attributes:
        name: what was asked.
        passed: the verdict; None for what is told, and not judged.
        result: in a few words.
        message: what is wrong, and what may be the cause; "" where nothing is.
    """

    name: str
    passed: bool | None
    result: str
    message: str = ""


@dataclass(frozen=True)
class Grade:
    """The outcome of a check.

    Attributes:
        rows: one for each question that was asked.
        printed: what the answer has printed while it ran.
    """

    rows: Sequence[Row]
    printed: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether every question was answered, and none of them wrong."""
        return bool(self.rows) and all(row.passed is not False for row in self.rows)

    @property
    def message(self) -> str:
        """Say what is wrong first; "" if nothing is."""
        return next((row.message for row in self.rows if row.passed is False), "")


class Report:
    """Writes a file of lines: what is about to be run, and each row as soon as it is known."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._process = os.getpid()

    def at(self, place: str) -> None:
        """Say what comes next, in case that it never ends."""
        self._write({"at": place})

    def row(self, row: Row) -> None:
        """Add a row."""
        self._write({"row": asdict(row)})

    def end(self) -> None:
        """Say that all questions were asked, and close the file."""
        self._write({"end": True})
        self._file.close()

    def _write(self, line: object) -> None:
        if os.getpid() == self._process:  # an answer that forks goes on in two processes
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()


def read(path: Path) -> tuple[list[Row], str, bool]:
    """Read what a Report has written: the rows, the last place, and whether it came to its end."""
    rows, place, ended = [], "the file is read", False
    for line in path.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if "row" in event:
            rows.append(Row(**event["row"]))
        place = event.get("at", place)
        ended |= "end" in event
    return rows, place, ended


def blank_row(exercise: Exercise, path: Path) -> Row:
    """Say that there is nothing to grade yet."""
    names = ", ".join(exercise.blanks) or exercise.name
    place = "TODO" if exercise.kind == "rung" else "NotImplementedError"
    message = f"The body of {names} is still to be written: open {path}, and look for {place}."
    return Row("body", False, "blank", message)

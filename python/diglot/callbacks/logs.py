"""A training as a file: a row for each batch or epoch, written as it happens."""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO, TypeAlias, final

from diglot.atomic import known_as
from diglot.config import brief
from diglot.fitting import Fit
from diglot.untrusted import open_regular, parse_json, reason

_LONGEST = 1 << 16  # characters of a line

Row: TypeAlias = Mapping[str, Any]
"""Numbers by name, None where one is not known; read from a file, they are what it holds."""


class Log(ABC):
    """Write a row for each epoch, or each batch, into a text file.

    A row begins with epoch and step, both counted over all fits of the trainer, and has the loss
    and the learning rate; an epoch's has its seconds and what its evaluation gave, too. Every row
    is in the file before the training goes on; where it cannot be written, a warning says so. A
    second fit and one that is resumed append. Rows of steps that are still to be made are removed
    first; if the training is not resumed, they are another's, and that file is kept under a name
    that ends in ".1", ".2" and so on.

    Args:
        path: of the file; its folder is made if there is none.
        per: "epoch" or "batch".
    """

    def __init__(self, path: str | os.PathLike[str], *, per: str = "epoch") -> None:
        if per not in ("epoch", "batch"):
            raise ValueError(f"per is {brief(per)}, expected 'epoch' or 'batch'")
        self.path, self.per = Path(path), per

    @final
    def on_fit_begin(self, fit: Fit) -> None:
        """Make the folder, and open the file.

        Raises:
            ValueError: what it holds are no rows, or a metric has the name of another column.
            OSError: there can be no such folder, or no such file; the error names the path.
        """
        self._columns = ["epoch", "step", "loss", "learning_rate"]
        if self.per == "epoch":
            self._columns += ["seconds", "validation_loss"]
            for name in fit.trainer.metrics:
                if name in self._columns:
                    raise ValueError(f"a metric is named {name!r}, as another column of the log")
            self._columns += fit.trainer.metrics
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            why = "a part of this path is a file, expected a folder; give another path"
            raise NotADirectoryError(errno.ENOTDIR, why, os.fspath(self.path)) from error
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        try:
            dropped = self._copy(fit, temporary)
            if dropped and not fit.resumed:
                number = 1
                while (kept := self.path.with_name(f"{self.path.name}.{number}")).exists():
                    number += 1
                self.path.rename(kept)
            os.replace(temporary, self.path)
        except BaseException as error:
            with suppress(OSError):  # where the name itself was refused, there is no file
                temporary.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.filename == os.fspath(temporary):
                raise known_as(self.path, error) from None
            raise

    @final
    def on_batch_end(self, fit: Fit) -> None:
        """Write a batch's row."""
        if self.per == "batch":
            self._write(fit, len(fit.trainer.history) + 1, fit.loss)

    @final
    def on_epoch_end(self, fit: Fit) -> None:
        """Write an epoch's row."""
        if self.per == "epoch":
            history = fit.trainer.history
            evaluated = {"validation_loss": history.validation_loss, **history.metrics}
            values = {name: column[-1] for name, column in evaluated.items()}
            self._write(fit, len(history), history.loss[-1], history.seconds[-1], values)

    @abstractmethod
    def _format(self, row: Row) -> str:
        """Write one row as a line."""

    @abstractmethod
    def _head(self) -> str:
        """Write what stands above the rows."""

    @abstractmethod
    def _parse(self, lines: Iterator[str]) -> Iterator[object]:
        """Read the rows of a file, one by one."""

    def _copy(self, fit: Fit, path: Path) -> bool:
        """Write the rows that are to stay into a new file; tell whether others were left out."""
        epochs = len(fit.trainer.history) + (self.per == "batch")
        dropped = False
        with open(path, "w", encoding="utf-8", newline="") as new:
            new.write(self._head())
            for row in self._rows():
                if int(row["step"]) <= fit.trainer.steps and int(row["epoch"]) <= epochs:
                    new.write(self._format(row))
                else:
                    dropped = True
        return dropped

    def _rows(self) -> Iterator[Row]:
        """Read the rows that are there already, one by one."""
        try:
            with io.TextIOWrapper(open_regular(self.path), encoding="utf-8") as old:
                yield from map(self._checked, self._parse(_whole_lines(old)))
        except FileNotFoundError:
            return
        except OSError as error:
            raise ValueError(f"{self.path} cannot be read: {reason(error)}") from error
        except (ValueError, OverflowError, csv.Error) as error:
            raise ValueError(
                f"{self.path} is no log of a training: {str(error)[:300]}; give another path, "
                "or mend the file"
            ) from error

    def _checked(self, row: object) -> Row:
        """Take a row whose values can be written again."""
        if not isinstance(row, Mapping):
            raise ValueError(f"a row is {brief(row)}, expected values by name")
        for name in ("epoch", "step"):
            if not isinstance(row.get(name), str | int):
                raise ValueError(f"a row's {name} is {brief(row.get(name))}, expected a number")
            int(row[name])
        values = {name: row.get(name) for name in self._columns}
        for name, value in values.items():
            if value == "":  # so CSV writes what is not known
                values[name] = None
            elif isinstance(value, str | int | float):
                float(value)
            elif value is not None:
                raise ValueError(f"a row's {name} is {brief(value)}, expected a number")
        return values

    def _write(
        self,
        fit: Fit,
        epoch: int,
        loss: float,
        seconds: float | None = None,
        values: Mapping[str, float | None] | None = None,
    ) -> None:
        row = {
            "epoch": epoch,
            "step": fit.trainer.steps,
            "loss": loss,
            "learning_rate": fit.learning_rate,
            "seconds": seconds,
            **(values or {}),
        }
        numbers = {n: v if v is None or type(v) is int else float(v) for n, v in row.items()}
        try:
            with open(self.path, "a", encoding="utf-8", newline="") as stream:
                stream.write(self._format({name: numbers.get(name) for name in self._columns}))
        except OSError as error:
            warnings.warn(
                f"a row of {self.path} was not written ({error.strerror or error}); the training "
                "goes on",
                RuntimeWarning,
                stacklevel=2,
            )


@final
class CSVLog(Log):
    """Rows separated by commas, below a line of names; what is not known is empty."""

    def _format(self, row: Row) -> str:
        return _csv_line(["" if value is None else value for value in row.values()])

    def _head(self) -> str:
        return _csv_line(self._columns)

    def _parse(self, lines: Iterator[str]) -> Iterator[object]:
        return csv.DictReader(lines)


@final
class JSONLinesLog(Log):
    """A JSON object on each line; what is not known, or is no finite number, is null."""

    def _format(self, row: Row) -> str:
        finite = {
            n: None if v is None or not math.isfinite(float(v)) else v for n, v in row.items()
        }
        return f"{json.dumps(finite)}\n"

    def _head(self) -> str:
        return ""

    def _parse(self, lines: Iterator[str]) -> Iterator[object]:
        return (parse_json(line, "a row") for line in lines)


def _whole_lines(stream: TextIO) -> Iterator[str]:
    """Read the lines of a file; a kill may have left half of the last one."""
    while (line := stream.readline(_LONGEST + 1)).endswith("\n"):
        yield line
    if len(line) > _LONGEST:
        raise ValueError(f"a line has more than {_LONGEST} characters")


def _csv_line(values: list[Any]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow(values)
    return stream.getvalue()

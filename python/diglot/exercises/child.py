"""The process in which an answer runs: it may crash, or never end, and take nobody with it.

    python -m diglot.exercises.child NAME FILE REPORT LIBRARY SPEED

LIBRARY is what was compiled from FILE, or "-" for an answer in Python; SPEED is 0 or 1.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from diglot.exercises import objects
from diglot.exercises.answer import load
from diglot.exercises.catalogue import find
from diglot.exercises.checks import questions
from diglot.exercises.exercise import Exercise
from diglot.exercises.messages import Wrong
from diglot.exercises.report import Report, Row, blank_row
from diglot.exercises.speed import speed
from diglot.exercises.subjects import Function, Rung, Subject


def main(arguments: Sequence[str]) -> None:
    """Grade one answer, and write a report."""
    name, file, target, library, with_speed = arguments
    exercise, path, report = find(name), Path(file), Report(Path(target))
    try:
        _ask(exercise, path, report, library, with_speed == "1")
    except NotImplementedError:
        report.row(blank_row(exercise, path))
    except Wrong as error:
        report.row(Row("answer", False, "cannot be run", str(error)))
    report.end()


def _ask(exercise: Exercise, path: Path, report: Report, library: str, with_speed: bool) -> None:
    if exercise.kind in ("operation", "walk"):
        answer = load(exercise, path)
        about = objects.about_operation if exercise.kind == "operation" else objects.about_walk
        for row in about(answer, str(path), report):
            report.row(row)
        return
    subject: Subject
    if exercise.kind == "rung":
        subject = Rung(exercise, str(path), library)
    else:
        subject = Function(exercise, str(path), load(exercise, path))
    right = True
    for row in questions(subject, report):
        report.row(row)
        right &= row.passed is not False
    if right and with_speed:  # a wrong answer's speed means nothing
        for row in speed(subject, report):
            report.row(row)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Exercises: write a piece of the library again, and be graded by the checks that it stands.

    exercise = find("sigmoid_backward")
    path.write_text(blank(exercise))        # and write the body
    print(check(exercise, path).passed)

A solution is the library's own code; there is no other. `diglot exercise` is the command.
"""

from diglot.exercises.blank import blank
from diglot.exercises.catalogue import EXERCISES, find, number, successor
from diglot.exercises.compiler import CompilerError
from diglot.exercises.exercise import Exercise
from diglot.exercises.grade import check
from diglot.exercises.passed import note_passed, standing
from diglot.exercises.report import Grade, Row
from diglot.exercises.solution import Solution, solution

__all__ = [
    "EXERCISES",
    "CompilerError",
    "Exercise",
    "Grade",
    "Row",
    "Solution",
    "blank",
    "check",
    "find",
    "note_passed",
    "number",
    "solution",
    "standing",
    "successor",
]

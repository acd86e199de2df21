"""The exercises, from one line of NumPy to registers of C++."""

from collections.abc import Sequence

from diglot.exercises import in_cpp, in_python
from diglot.exercises.exercise import Exercise
from diglot.suggestions import near

__all__ = ["EXERCISES", "find", "number", "successor"]

EXERCISES: Sequence[Exercise] = (*in_python.EXERCISES, *in_cpp.EXERCISES)
"""All of them, in an order of growing difficulty for each language."""


def find(name: str) -> Exercise:
    """Look up an exercise by its name, or by its number in the list.

    Raises:
        ValueError: there is none; the message names those that are spelled nearly so.
    """
    if name.isdecimal() and 1 <= int(name) <= len(EXERCISES):
        return EXERCISES[int(name) - 1]
    names = [exercise.name for exercise in EXERCISES]
    if name in names:
        return EXERCISES[names.index(name)]
    alike = near(name, names)
    hint = f"did you mean {' or '.join(alike)}" if alike else f"choose from {', '.join(names)}"
    raise ValueError(f"there is no exercise {name!r}; {hint}")


def number(exercise: Exercise) -> int:
    """Give an exercise's place in the list, from 1."""
    return list(EXERCISES).index(exercise) + 1


def successor(exercise: Exercise) -> Exercise | None:
    """Give the exercise after this one."""
    at = number(exercise)
    return EXERCISES[at] if at < len(EXERCISES) else None

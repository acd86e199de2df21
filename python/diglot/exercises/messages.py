"""What is wrong with an answer, in words that lead to what must be changed."""

import linecache
import re
import traceback
from collections.abc import Callable, Sequence

import numpy as np

from diglot._typing import Array
from diglot.exercises import mistakes_of_value
from diglot.kernels.draw import Arguments
from diglot.kernels.tolerance import Outputs, Truth, largest_difference

NAN = (
    " It is NaN where a number is expected: infinity / infinity or infinity - infinity, after an "
    "exponential has overflowed? Or memory that was never written (np.empty)?"
)

__all__ = [
    "NAN",
    "Wrong",
    "describe",
    "explain",
    "explain_exception",
    "names_of_outputs",
    "shape_text",
]


class Wrong(Exception):  # noqa: N818 - it is not the program that has failed
    """The learner's answer is wrong; the message says how."""


def names_of_outputs(doc: str, count: int) -> list[str]:
    """Read what a docstring calls the results of a function, so many of them.

    What is returned as a group keeps the group's name: saved[0], saved[1], ...
    """
    _, _, returns = doc.partition("Returns:\n")
    names: list[str] = []
    for line in returns.split("\n\n")[0].splitlines():
        match = re.match(r"\s{4,8}((?:\w+'?)(?:, \w+'?)*): ", line)
        if match and not line.startswith(" " * 12):
            names += match[1].split(", ")
    if names and len(names) < count:
        group = names.pop()
        names += [f"{group}[{i}]" for i in range(count - len(names))]
    return names if len(names) == count else ["output", *[f"output {i}" for i in range(1, count)]]


def shape_text(value: object) -> str:
    """Describe an argument in a few characters: the shape of an array, or the value itself."""
    if isinstance(value, np.ndarray):
        return str(value.shape)
    if isinstance(value, tuple) and any(isinstance(part, np.ndarray) for part in value):
        return "(" + ", ".join(map(shape_text, value)) + ")"
    return repr(value)


def describe(case: str, arguments: Arguments) -> str:
    """Describe a case: its name, and what was passed."""
    passed = ", ".join(f"{name} {shape_text(value)}" for name, value in arguments.items())
    first = next((v for v in arguments.values() if isinstance(v, np.ndarray)), None)
    dtype = f", {first.dtype}" if first is not None else ""
    return f"Case {case!r}{dtype}: {passed}."


def explain(
    actual: Outputs,
    expected: Truth,
    names: Sequence[str],
    arguments: Arguments,
    nan: str = NAN,
    known: Callable[[], str] = str,
) -> str | None:
    """Say what is wrong with some outputs, or give None if they are right.

    Args:
        actual: the outputs of the learner's function.
        expected: what they should be, and how exactly.
        names: what the docstring calls them.
        arguments: that it was called with.
        nan: what it means if NaN stands where numbers are expected.
        known: says which mistake is known to give these numbers, or "".
    """
    if len(actual) != len(expected.values):
        return (
            f"It returns {_count(len(actual))}, expected {_count(len(expected.values))}: "
            f"{', '.join(names)}."
        )
    titles = dict(zip(expected.values, names, strict=True))
    for key, value in expected.values.items():
        complaint = _wrong_form(titles[key], actual[key], value, expected, arguments)
        if complaint:
            return complaint
    if largest_difference(actual, expected).units <= 1:
        return None
    for key in expected.values:
        wrong = mistakes_of_value.wrong_elements(actual[key], key, expected)
        if wrong.any():
            text = _wrong_value(titles[key], actual[key], expected.values[key], wrong, arguments)
            return text + (
                known()
                or mistakes_of_value.cause_of_value(
                    actual[key], expected.values[key], wrong, key, arguments, nan
                )
            )
    return str(largest_difference(actual, expected))


def _count(count: int) -> str:
    return f"{count} array{'s' * (count != 1)}"


def _wrong_form(
    title: str, actual: Array, value: Array, expected: Truth, arguments: Arguments
) -> str | None:
    if actual.dtype.kind not in "fiub":
        return f"{title} is {actual!r}, expected an array of shape {value.shape}."
    if actual.shape != value.shape:
        return (
            f"{title} has shape {actual.shape}, expected {value.shape}."
            + mistakes_of_value.cause_of_shape(actual, value, arguments)
        )
    dtype = expected.dtype if value.dtype.kind == "f" and value.ndim else value.dtype
    if actual.dtype != dtype:
        return f"{title} has dtype {actual.dtype}, expected {dtype}." + (
            " Something in the computation is float64, and widened it: an array made without a "
            "dtype (np.zeros(shape) is float64), or a NumPy number."
            if actual.dtype == np.float64 and dtype == np.float32
            else ""
        )
    return None


def _wrong_value(
    title: str, actual: Array, value: Array, wrong: Array, arguments: Arguments
) -> str:
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f"{title}[{', '.join(map(str, index))}]" if index else title
    share = f" {int(wrong.sum())} of {value.size} elements differ." if value.size > 1 else ""
    there = [
        f"{name} is {array[index]:.7g}"
        for name, array in arguments.items()
        if isinstance(array, np.ndarray) and array.shape == value.shape and index
    ]
    also = f" There {', '.join(there)}." if there else ""
    return f"{place} is {actual[index]:.7g}, expected {value[index]:.7g}.{also}{share}"


def explain_exception(error: BaseException, path: str) -> str:
    """Say which line of the learner's file raised, and what."""
    if isinstance(error, SyntaxError) and error.filename == path:
        text = (error.text or "").strip()
        return f"Line {error.lineno}: {text}\n    SyntaxError: {error.msg}"
    message = "".join(traceback.format_exception_only(error)).strip()
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    if not frames:
        return message
    line = frames[-1].lineno or 0
    return f"Line {line}: {linecache.getline(path, line).strip()}\n    {message}"

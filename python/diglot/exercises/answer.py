"""The learner's function, called as the library calls its own, and watched while it runs."""

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from diglot._typing import Array
from diglot.exercises.exercise import Exercise
from diglot.exercises.known_mistakes import recognised
from diglot.exercises.messages import Wrong, explain_exception, names_of_outputs
from diglot.kernels import reference
from diglot.kernels.cases import ROLES
from diglot.kernels.draw import Arguments

__all__ = ["Watched", "as_kernel", "load"]


def load(exercise: Exercise, path: Path) -> Any:
    """Run a learner's file, and find what it was to define.

    Raises:
        Wrong: the file cannot be run, or does not define it, or with other arguments.
    """
    spec = importlib.util.spec_from_file_location("exercise", path)
    if spec is None or spec.loader is None:
        raise Wrong(f"{path} is no Python file: its name must end in .py.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise Wrong(f"{path.name} cannot be run.\n{explain_exception(error, str(path))}") from error
    answer = getattr(module, exercise.name, None)
    if not callable(answer):
        raise Wrong(f"{path.name} defines no {exercise.name}: the name must stay.")
    own = getattr(importlib.import_module(exercise.home), exercise.name)
    if list(inspect.signature(answer).parameters) != list(inspect.signature(own).parameters):
        raise Wrong(
            f"The arguments of {exercise.name} must stay: "
            f"({', '.join(inspect.signature(own).parameters)})."
        )
    return answer


class Watched:
    """The learner's function; what it does to its arguments is found out.

    Attributes:
        complaint: the first thing that was done to an argument and should not have been.
    """

    def __init__(self, exercise: Exercise, function: Callable[..., Any]) -> None:
        self._function = function
        self._own = getattr(importlib.import_module(exercise.home), exercise.name)
        self._signature = inspect.signature(self._own)
        self._in_place = exercise.name.endswith("_inplace")
        self._is_cell = exercise.kind == "cell"
        self.complaint = ""

    def __call__(self, *positional: Any, **named: Any) -> Any:
        """Call the function, and look at its arguments and its result."""
        arguments = self._signature.bind(*positional, **named).arguments
        inputs = {n: v for n, v in arguments.items() if isinstance(v, np.ndarray)}
        before = {n: v.copy() for n, v in inputs.items() if ROLES.get(n) != "target"}
        result = self._function(*positional, **named)
        self._require_result(result)
        for name, value in before.items():
            if not np.array_equal(inputs[name], value, equal_nan=value.dtype.kind == "f"):
                self._complain(
                    f"{name} was changed: compute with a copy, or without `{name} -= ...`."
                )
        for output in _arrays(result):
            for name, value in inputs.items():
                if np.may_share_memory(output, value):
                    self._complain(
                        f"The result shares its memory with {name}: who changes one changes the "
                        "other. Return a new array."
                    )
        if self._is_cell:
            self._require_form(result, self._own(*positional, **named), arguments)
        return result

    def _complain(self, text: str) -> None:
        self.complaint = self.complaint or text

    def _require_result(self, result: Any) -> None:
        if result is None and not self._in_place:
            raise Wrong("It returned None: does it end with `return`?")
        if result is not None and self._in_place:
            raise Wrong(
                "It returned something: it should change its arguments, and return nothing."
            )
        if result is not None and not isinstance(result, tuple | np.ndarray | np.generic | float):
            raise Wrong(
                f"It returned a {type(result).__name__}, expected an array; several are returned "
                "with commas between them: return a, b"
            )

    def _require_form(self, result: Any, expected: tuple[Array, ...], arguments: Arguments) -> None:
        """Compare with the library's cell: seen through the kernel around it, it is harder."""
        names = names_of_outputs(self._own.__doc__ or "", len(expected))
        if not isinstance(result, tuple) or len(result) != len(expected):
            count = len(result) if isinstance(result, tuple) else 1
            raise Wrong(f"It returned {count} of {len(expected)} arrays: {', '.join(names)}.")
        for i, (mine, own) in enumerate(zip(result, expected, strict=True)):
            if np.shape(mine) != own.shape:
                raise Wrong(f"{names[i]} has shape {np.shape(mine)}, expected {own.shape}.")
            far = ~np.isclose(mine, own, rtol=1e-2, atol=1e-3, equal_nan=True)
            if far.any():
                row, column = map(int, np.argwhere(far)[0])
                outputs = {f"output {place}": part for place, part in enumerate(result)}
                cause = recognised(self._own.__name__, outputs, arguments, 1)
                raise Wrong(
                    f"{names[i]}[{row}, {column}] is {mine[row, column]:.7g}, expected "
                    f"{own[row, column]:.7g}.{cause or _cause_of_blocks(result, expected)}"
                )


def _cause_of_blocks(result: tuple[Array, ...], expected: tuple[Array, ...]) -> str:
    """Recognise gates side by side in another order; a block is as wide as the first result."""
    width = expected[0].shape[1]
    for mine, own in zip(result, expected, strict=True):
        if width and mine.shape == own.shape and own.shape[1] > width:
            blocks = np.split(mine, own.shape[1] // width, axis=1)
            for order in permutations(range(len(blocks))):
                turned = np.concatenate([blocks[i] for i in order], axis=1)
                if np.allclose(turned, own, rtol=1e-2, atol=1e-3) and list(order) != sorted(order):
                    return " The gates are right, but side by side in another order."
    return ""


def _arrays(result: Any) -> Iterator[Array]:
    for part in result if isinstance(result, tuple) else (result,):
        if isinstance(part, tuple):
            yield from _arrays(part)
        elif isinstance(part, np.ndarray):
            yield part


def as_kernel(exercise: Exercise, function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the kernel that is graded: the function itself, or the one that calls it as its cell."""
    if exercise.kind != "cell":
        return function
    return partial(_with_cell, exercise, function)


def _with_cell(exercise: Exercise, function: Callable[..., Any], **arguments: Any) -> Any:
    with _in_place_of_own(exercise, function):
        return getattr(reference, exercise.judge)(**arguments)


@contextmanager
def _in_place_of_own(exercise: Exercise, function: Callable[..., Any]) -> Iterator[None]:
    """Let the reference call the learner's cell for a while."""
    module = importlib.import_module(exercise.home)
    own = getattr(module, exercise.name)
    setattr(module, exercise.name, function)
    try:
        yield
    finally:
        setattr(module, exercise.name, own)

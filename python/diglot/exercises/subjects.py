"""What is graded on a case table: a function in Python, or a rung in C++, with its cases."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, final

import numpy as np

from diglot._typing import Array, DType
from diglot.exercises import native
from diglot.exercises.answer import Watched, as_kernel
from diglot.exercises.exercise import Exercise
from diglot.exercises.known_mistakes import recognised
from diglot.exercises.messages import (
    NAN,
    Wrong,
    describe,
    explain,
    explain_exception,
    names_of_outputs,
)
from diglot.exercises.mistakes_of_value import is_special
from diglot.kernels import reference
from diglot.kernels.cases import CASES, ROLES
from diglot.kernels.draw import Arguments, Case
from diglot.kernels.tolerance import Outputs, Truth, call, truth
from diglot.ladder.problems import OPERATIONS

__all__ = ["Function", "Rung", "Subject"]


class Subject(ABC):
    """An answer, and the cases that it is graded on.

    Attributes:
        exercise: which.
        cases: few and finite ones first: what goes wrong there is easiest to understand.
        work: multiply-adds of the largest case; loops in Python have their limits.
        nan: what it means if NaN stands where numbers are expected.
    """

    work: ClassVar[int]
    nan: ClassVar[str] = NAN

    def __init__(self, exercise: Exercise, path: str) -> None:
        self.exercise = exercise
        self.path = path
        self.cases = sorted(
            (case for case in CASES[exercise.judge] if self._is_graded(case)),
            key=lambda case: (not case.smooth, is_special(case.arguments(np.float32))),
        )

    def complaint(self, case: Case, arguments: Arguments, dtype: DType) -> str:
        """Run one case; say what is wrong, or "".

        Raises:
            NotImplementedError: there is nothing to run yet.
        """
        wrong: str | None
        expected = self.expected(case, arguments, dtype)
        try:
            with np.errstate(all="ignore"):
                actual = self.run(arguments, case.calls)
            wrong = self.explain(actual, expected, arguments, case.calls)
        except NotImplementedError:
            raise
        except Wrong as error:
            wrong = str(error)
        except Exception as error:
            wrong = explain_exception(error, self.path)
        return f"{describe(case.name, arguments)}\n{wrong}" if wrong else ""

    def explain(
        self, actual: Outputs, expected: Truth, arguments: Arguments, calls: int = 1
    ) -> str | None:
        """Say what is wrong with some outputs, or give None."""

        def known() -> str:  # a cell is compared with its own mistakes, where it is called
            is_cell = self.exercise.kind == "cell"
            return "" if is_cell else recognised(self.exercise.name, actual, arguments, calls)

        names = self.names(len(expected.values))
        return explain(actual, expected, names, arguments, self.nan, known)

    @abstractmethod
    def run(self, arguments: Arguments, calls: int = 1) -> Outputs:
        """Call the answer."""

    @abstractmethod
    def arguments(self, case: Case, dtype: DType) -> Arguments:
        """Draw a case's arguments."""

    @abstractmethod
    def expected(self, case: Case, arguments: Arguments, dtype: DType) -> Truth:
        """Compute what the answer should give."""

    @abstractmethod
    def names(self, count: int) -> Sequence[str]:
        """Name the outputs."""

    @abstractmethod
    def layouts(self) -> Mapping[str, Callable[[Arguments], Outputs]]:
        """Give, by name, other ways to lay the same numbers in memory, and to run on them."""

    def size(self, case: Case) -> int:
        """Count the multiply-adds of a case."""
        dtype = np.dtype(np.float32)
        values = self.expected(case, self.arguments(case, dtype), dtype).values
        return case.terms * sum(value.size for value in values.values())

    def _is_graded(self, case: Case) -> bool:
        return self.size(case) <= self.work


def _reversed(x: Array) -> Array:
    backwards = (slice(None, None, -1),) * x.ndim
    return x[backwards].copy()[backwards]


def _sliced(x: Array) -> Array:
    larger = np.zeros([2 * n + 1 for n in x.shape], x.dtype)
    view = larger[tuple(slice(1, 2 * n + 1, 2) for n in x.shape)]
    view[...] = x
    return view


_LAYOUTS: Mapping[str, Callable[[Array], Array]] = {
    "column by column": np.asfortranarray,
    "backwards": _reversed,
    "as every second number of larger ones": _sliced,
}


@final
class Function(Subject):
    """A function in Python, which is a kernel or the cell of one."""

    work = 200_000

    def __init__(self, exercise: Exercise, path: str, function: Callable[..., Any]) -> None:
        super().__init__(exercise, path)
        self.watched = Watched(exercise, function)
        self.kernel = as_kernel(exercise, self.watched)
        self.unwatched = as_kernel(exercise, function)

    def run(self, arguments: Arguments, calls: int = 1) -> Outputs:
        """Call the function as a kernel."""
        return call(self.kernel, arguments, calls)

    def arguments(self, case: Case, dtype: DType) -> Arguments:
        """Draw a case's arguments."""
        return case.arguments(dtype)

    def expected(self, case: Case, arguments: Arguments, dtype: DType) -> Truth:
        """Evaluate the reference in float64."""
        return truth(self.exercise.judge, case, arguments, dtype)

    def names(self, count: int) -> Sequence[str]:
        """Name the outputs as the kernel's docstring does; in place, the arrays that changed."""
        if self.exercise.name.endswith("_inplace"):
            arguments = self.arguments(self.cases[0], np.dtype(np.float32))
            return [name for name in arguments if ROLES.get(name) == "target"]
        return names_of_outputs(getattr(reference, self.exercise.judge).__doc__ or "", count)

    def layouts(self) -> Mapping[str, Callable[[Arguments], Outputs]]:
        """Lay the inputs in other ways."""

        def run_on(layout: Callable[[Array], Array]) -> Callable[[Arguments], Outputs]:
            def lay(name: str, value: Any) -> Any:
                movable = isinstance(value, np.ndarray) and ROLES.get(name) != "target"
                return layout(value) if movable else value

            return lambda arguments: self.run({n: lay(n, v) for n, v in arguments.items()})

        return {name: run_on(layout) for name, layout in _LAYOUTS.items()}


@final
class Rung(Subject):
    """A rung of the ladder, compiled from the learner's file."""

    work = 30_000_000
    nan = (
        " It is NaN where a number is expected: an element that was never written, or added to "
        "before it was set to 0, or a sum of what lies outside of the arrays: look at the loops' "
        "bounds and at the strides."
    )

    def __init__(self, exercise: Exercise, path: str, library: str) -> None:
        self.operation = OPERATIONS[exercise.home]
        super().__init__(exercise, path)
        self.compiled = native.Compiled(exercise.home, library)

    def run(self, arguments: Arguments, calls: int = 1) -> Outputs:
        """Call the compiled function."""
        return {"output": self.compiled(arguments)}

    def arguments(self, case: Case, dtype: DType) -> Arguments:
        """Draw a case's arguments; what is given transposed is turned round."""
        arguments = case.arguments(dtype)
        if self.operation.name == "matmul":
            for name in ("a", "b"):
                if arguments.pop(f"transpose_{name}"):
                    arguments[name] = np.ascontiguousarray(arguments[name].T)
        return arguments

    def expected(self, case: Case, arguments: Arguments, dtype: DType) -> Truth:
        """Evaluate the reference in float64, of which a rung gives the first output."""
        return self.operation.truth(case, arguments)

    def names(self, count: int) -> Sequence[str]:
        """Name the output as the C++ does."""
        return ["c" if self.operation.name == "matmul" else "y"]

    def layouts(self) -> Mapping[str, Callable[[Arguments], Outputs]]:
        """Let the rows of matrices lie apart."""
        if self.operation.name != "matmul":
            return {}
        return {
            "with gaps between their rows": lambda arguments: {
                "output": self.compiled(arguments, gap=3)
            }
        }

    def _is_graded(self, case: Case) -> bool:
        if self.operation.name == "matmul" and case.arguments(np.float32)["a"].ndim != 2:
            return False
        return super()._is_graded(case)

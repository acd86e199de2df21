"""The questions to an answer that has a case table."""

from collections.abc import Iterator, Sequence

import numpy as np

from diglot.exercises.messages import (
    Wrong,
    describe,
    explain_exception,
)
from diglot.exercises.report import Report, Row
from diglot.exercises.subjects import Function, Subject
from diglot.kernels.cases import CASES
from diglot.kernels.draw import Case
from diglot.kernels.gradients import GRADIENTS
from diglot.verify import gradient_checks

__all__ = ["questions", "verdict"]

_SOME = 4  # cases that are laid in memory in other ways
_SMALL = 20_000  # multiply-adds of such a case


def questions(subject: Subject, report: Report) -> Iterator[Row]:
    """Ask all but the speed, one after the other.

    Raises:
        NotImplementedError: the answer says that it is still to be written.
    """
    right = True
    for dtype in (np.dtype(np.float64), np.dtype(np.float32)):
        complaints = []
        for case in subject.cases:
            report.at(f"parity, case {case.name!r}, {dtype}")
            complaints.append(subject.complaint(case, subject.arguments(case, dtype), dtype))
        row = verdict(f"parity, {dtype}", complaints, "cases")
        right &= row.passed is True
        yield row
    if isinstance(subject, Function):
        complaint = subject.watched.complaint
        yield Row("inputs", not complaint, "not respected" if complaint else "untouched", complaint)
        if subject.exercise.judge in GRADIENTS:
            yield _gradient(subject, report)
    if right and subject.layouts():  # what is wrong already is wrong in any layout
        yield _layouts(subject, report)


def verdict(name: str, complaints: Sequence[str], unit: str) -> Row:
    """Sum up what was said of each case; the first complaint stands for all."""
    wrong = [complaint for complaint in complaints if complaint]
    right = len(complaints) - len(wrong)
    return Row(name, not wrong, f"{right} of {len(complaints)} {unit}", (wrong or [""])[0])


def _gradient(subject: Function, report: Report) -> Row:
    """Compare with finite differences of the reference's forward kernel."""
    kernel = subject.exercise.judge
    cases = [case for case in CASES[GRADIENTS[kernel].forward] if case.smooth]
    complaints = []
    for case in cases:
        report.at(f"gradient, case {case.name!r}")
        complaints.append(_gradient_complaint(subject, kernel, case))
    return verdict("gradient", complaints, "cases, by finite differences")


def _gradient_complaint(subject: Function, kernel: str, case: Case) -> str:
    arguments = case.arguments(np.float64)
    try:
        with np.errstate(all="ignore"):
            checks = gradient_checks(kernel, case, backward=subject.kernel)
    except Wrong as error:
        return f"{describe(case.name, arguments)}\n{error}"
    except Exception as error:
        return f"{describe(case.name, arguments)}\n{explain_exception(error, subject.path)}"
    wrong = [str(check) for check in checks if not check.passed]
    return f"{describe(case.name, arguments)}\nThe {wrong[0]}." if wrong else ""


def _layouts(subject: Subject, report: Report) -> Row:
    """Run small cases on arrays whose numbers lie otherwise in memory."""
    dtype = np.dtype(np.float64)
    small = [case for case in subject.cases if 0 < subject.size(case) <= _SMALL][:_SOME]
    complaints = []
    for layout, run in subject.layouts().items():
        for case in small:
            report.at(f"layouts, case {case.name!r}, {layout}")
            arguments = subject.arguments(case, dtype)
            expected = subject.expected(case, arguments, dtype)
            wrong: str | None
            try:
                with np.errstate(all="ignore"):
                    wrong = subject.explain(run(arguments), expected, arguments)
            except Wrong as error:
                wrong = str(error)
            except Exception as error:
                wrong = explain_exception(error, subject.path)
            where = f"{describe(case.name, arguments)}\nWith arrays that lie {layout} in memory: "
            complaints.append(where + wrong if wrong else "")
    return verdict("layouts", complaints, "cases that lie otherwise in memory")

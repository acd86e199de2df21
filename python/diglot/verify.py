"""Are the native kernels right, here, on this machine? The checks behind `diglot verify`.

Three questions are asked of every kernel, over the whole case table:
- *parity*: does each build agree with the reference, evaluated in float64?
- *threads*: does each build give the same bits with one, two and three threads?
- *gradient*: does the reference's backward kernel agree with finite differences of the forward one?
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from diglot import kernels
from diglot.gradcheck import ArrayCheck, numerical_gradient
from diglot.kernels import reference
from diglot.kernels.cases import CASES
from diglot.kernels.draw import Arguments, Case
from diglot.kernels.gradients import GRADIENTS
from diglot.kernels.tolerance import Outputs, Truth, call, largest_difference, truth
from diglot.threads import num_threads

__all__ = ["Check", "verify"]

_THREADS = (1, 2, 3)


@dataclass(frozen=True)
class Check:
    """The outcome of one question to one kernel: its worst case.

    Attributes:
        kind: "parity", "threads" or "gradient".
        kernel: the kernel's name.
        build: the build that was asked, or "reference".
        dtype: "float32" or "float64".
        cases: how many cases were run.
        units: the largest difference, as a multiple of what is allowed; above 1 the check fails.
        error: the same difference in plain numbers.
        where: its case, element and values; or what went wrong.
    """

    kind: Literal["parity", "threads", "gradient"]
    kernel: str
    build: str
    dtype: str
    cases: int
    units: float
    error: float
    where: str

    @property
    def passed(self) -> bool:
        """Tell whether all differences are within what is allowed."""
        return self.units <= 1

    def __str__(self) -> str:
        verdict = "agrees" if self.passed else "DIFFERS"
        return f"{self.kernel} ({self.kind}, {self.build}, {self.dtype}) {verdict}: {self.where}"


@dataclass(frozen=True)
class _Finding:
    """The largest difference of one case."""

    units: float
    error: float
    where: str


def verify(
    builds: Sequence[str] | None = None,
    *,
    names: Sequence[str] | None = None,
    dtypes: Sequence[npt.DTypeLike] = (np.float32, np.float64),
    seed: int = 0,
    quick: bool = False,
) -> Iterator[Check]:
    """Check kernels one after the other, and yield each outcome as soon as it is known.

    Args:
        builds: what to check: names of native builds, or "reference", whose float32 is then held
            against its float64; None means every build that runs here.
        names: the kernels; None means all.
        dtypes: the floating dtypes.
        seed: draws other numbers into the same cases.
        quick: take one small case of each kernel, and leave the reference's gradients out.

    Yields:
        For each kernel, a parity check and a threads check for each dtype and build, then a
        gradient check of the reference if it is a backward kernel.

    Raises:
        ValueError: a kernel or a build is unknown, or this processor cannot run the build.
    """
    builds = kernels.available_builds() if builds is None else list(builds)
    names = sorted(CASES) if names is None else list(names)
    for unknown in set(names) - set(CASES):
        raise ValueError(f"kernel {unknown!r} is unknown; choose from {', '.join(sorted(CASES))}")
    for build in builds:
        with kernels.use_backend(build):
            pass
    for name in names:
        cases = [_small_case(CASES[name])] if quick else CASES[name]
        for dtype in [np.dtype(dtype) for dtype in dtypes]:
            drawn = [(case, case.arguments(dtype, seed)) for case in cases]
            truths = [truth(name, case, arguments, dtype) for case, arguments in drawn]
            for build in builds:
                parity = [
                    _parity(name, build, case, arguments, expected)
                    for (case, arguments), expected in zip(drawn, truths, strict=True)
                ]
                yield _worst("parity", name, build, dtype.name, parity)
                threads = [_threads(name, build, case, arguments) for case, arguments in drawn]
                yield _worst("threads", name, build, dtype.name, threads)
        if name in GRADIENTS and not quick:
            smooth = [case for case in CASES[GRADIENTS[name].forward] if case.smooth]
            gradients = [_gradient(name, case, seed) for case in smooth]
            yield _worst("gradient", name, "reference", "float64", gradients)


def _small_case(cases: Sequence[Case]) -> Case:
    """Find a case that fills a register of any width, and takes no time."""
    for case in cases:
        arguments = case.arguments(np.float32).values()
        if 100 <= sum(a.size for a in arguments if isinstance(a, np.ndarray)) <= 10_000:
            return case
    return cases[0]


def _worst(
    kind: Literal["parity", "threads", "gradient"],
    kernel: str,
    build: str,
    dtype: str,
    findings: Sequence[_Finding],
) -> Check:
    worst = max(findings, key=lambda finding: finding.units)
    return Check(kind, kernel, build, dtype, len(findings), worst.units, worst.error, worst.where)


def _run(kernel: str, build: str, case: Case, arguments: Arguments) -> Outputs:
    with kernels.use_backend(build):
        return call(getattr(kernels, kernel), arguments, case.calls)


def _raised(case: Case, error: Exception) -> _Finding:
    return _Finding(np.inf, np.inf, f"case {case.name!r}: {type(error).__name__}: {error}")


def _parity(kernel: str, build: str, case: Case, arguments: Arguments, expected: Truth) -> _Finding:
    try:
        worst = largest_difference(_run(kernel, build, case, arguments), expected)
    except Exception as error:  # whatever a broken kernel does, it must not stop the others
        return _raised(case, error)
    return _Finding(worst.units, worst.error, f"case {case.name!r}: {worst}")


def _threads(kernel: str, build: str, case: Case, arguments: Arguments) -> _Finding:
    runs: list[Outputs] = []
    try:
        for count in _THREADS:
            with num_threads(count):
                runs.append(_run(kernel, build, case, arguments))
    except Exception as error:  # as above
        return _raised(case, error)
    for count, run in zip(_THREADS[1:], runs[1:], strict=True):
        for output, one in runs[0].items():
            if one.tobytes() != run[output].tobytes():
                with np.errstate(invalid="ignore"):  # infinities may be in the same places
                    gap = np.abs(np.subtract(one, run[output], dtype=np.float64))
                where = f"case {case.name!r}: {output} differs between 1 and {count} threads"
                return _Finding(np.inf, float(np.nanmax(gap, initial=0.0)), where)
    return _Finding(0.0, 0.0, f"the same bits with {', '.join(map(str, _THREADS))} threads")


def _gradient(kernel: str, case: Case, seed: int) -> _Finding:
    try:
        checks = gradient_checks(kernel, case, seed)
    except Exception as error:  # as above
        return _raised(case, error)
    worst = max(checks, key=lambda check: check.units)
    return _Finding(worst.units, worst.difference, f"case {case.name!r}: {worst}")


def gradient_checks(
    kernel: str, case: Case, seed: int = 0, *, backward: Callable[..., Any] | None = None
) -> list[ArrayCheck]:
    """Compare a backward kernel with finite differences of the reference's forward kernel.

    Args:
        kernel: the backward kernel, a key of GRADIENTS.
        case: a smooth case of its forward kernel.
        seed: draws the arguments and the gradient of the output.
        backward: what is judged; None means the reference's own.

    Returns:
        One check for each array that the backward kernel returns.
    """
    rule = GRADIENTS[kernel]
    arguments = case.arguments(np.float64, seed)
    outputs = tuple(call(getattr(reference, rule.forward), arguments).values())
    is_loss = outputs[0].ndim == 0
    rng = np.random.default_rng(seed)
    dy = np.ones(()) if is_loss else rng.standard_normal(outputs[0].shape)
    judged = getattr(reference, kernel) if backward is None else backward
    gradients = call(judged, rule.arguments(arguments, outputs, dy))
    checks = []
    for name, analytic in zip(rule.wrt, gradients.values(), strict=True):

        def objective(value: npt.NDArray[np.float64], name: str = name) -> float:
            y = next(
                iter(call(getattr(reference, rule.forward), arguments | {name: value}).values())
            )
            return float(np.sum(dy * y))

        numeric = numerical_gradient(objective, arguments[name])
        magnitude = float(np.abs(dy * outputs[0]).sum())
        checks.append(ArrayCheck.compare(f"gradient of {name}", analytic, numeric, magnitude))
    return checks

"""No pair is shown that does not agree: the kernels are compared just before."""

from collections.abc import Sequence
from functools import cache
from itertools import islice

import numpy as np

from diglot import kernels
from diglot.kernels.cases import CASES
from diglot.pairs.model import Agreement
from diglot.verify import Check, verify

__all__ = ["PairDiffersError", "agreement"]

_DTYPES = (np.float32, np.float64)
_THREADS = (1, 2, 3)


class PairDiffersError(ArithmeticError):
    """A native kernel differs from its reference, or could not be compared: nothing is shown."""


def agreement(names: Sequence[str]) -> Agreement:
    """Compare kernels with their references, on every build that runs here.

    Raises:
        PairDiffersError: one of them differs; the message says where.
    """
    builds = tuple(_builds())
    checks = [check for name in names for check in _checks(name, builds)]
    return Agreement(
        tuple(names),
        sum(len(CASES[name]) for name in names),
        builds,
        _THREADS,
        max(check.units for check in checks),
    )


def _builds() -> Sequence[str]:
    try:
        builds = kernels.available_builds()
    except ImportError as error:
        raise PairDiffersError(str(error)) from error
    if not builds:
        raise PairDiffersError("no native build is installed: pip install .")
    return builds


@cache  # a failure is raised, and so compared again when it is asked for again
def _checks(name: str, builds: tuple[str, ...]) -> tuple[Check, ...]:
    """Compare one kernel with its reference, and its threads with each other.

    The gradient check, which comes last, is about the reference alone and takes longer than all
    others: it is left to `diglot verify`.
    """
    count = 2 * len(_DTYPES) * len(builds)
    checks = tuple(islice(verify(builds, names=[name], dtypes=_DTYPES), count))
    failed = [str(check) for check in checks if not check.passed]
    if failed or len(checks) < count or {check.kind for check in checks} != {"parity", "threads"}:
        raise PairDiffersError("; ".join(failed) or f"{name} was not compared in full")
    return checks

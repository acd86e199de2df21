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
    """A native kernel differs from its reference, so there is no pair to be shown."""


def agreement(names: Sequence[str]) -> Agreement:
    """Compare kernels with their references, on every build that runs here.

    Raises:
        PairDiffersError: one of them differs; the message says where.
    """
    checks = [check for name in names for check in _checks(name)]
    return Agreement(
        tuple(names),
        sum(len(CASES[name]) for name in names),
        tuple(kernels.available_builds()),
        _THREADS,
        max(check.units for check in checks),
    )


@cache  # failures are raised, so they are compared again
def _checks(name: str) -> tuple[Check, ...]:
    """Compare one kernel with its reference, and its threads with each other.

    The gradient check, which comes last, is about the reference alone and takes longer than all
    others: it is left to `diglot verify`.
    """
    count = 2 * len(_DTYPES) * len(kernels.available_builds())
    checks = tuple(islice(verify(names=[name], dtypes=_DTYPES), count))
    failed = [str(check) for check in checks if not check.passed]
    if failed or len(checks) < count or {check.kind for check in checks} != {"parity", "threads"}:
        raise PairDiffersError("; ".join(failed) or f"{name} was not compared in full")
    return checks

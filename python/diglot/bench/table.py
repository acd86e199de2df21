"""The table of work: every row, and how NAMES choose among them. A new row is one line here below.

The rows stand by family in products, convolutions, elements, recurrent and trainings.
"""

import fnmatch
from collections.abc import Iterable

from diglot.bench import convolutions, costs, elements, products, recurrent, trainings
from diglot.bench.costs import Cost
from diglot.bench.kinds import kernels_of
from diglot.bench.work import Work

WORKS: tuple[Work, ...] = (
    *products.WORKS,
    *convolutions.WORKS,
    *elements.WORKS,
    *recurrent.WORKS,
    *trainings.WORKS,
)
"""All rows, in the table's order."""

COSTS: tuple[Cost, ...] = costs.COSTS
"""What is not a speed: the time of an import, the memory of a kernel."""


def names_of(row: Work | Cost) -> list[str]:
    """List what a row goes by: its group, its kernels and its own name."""
    kinds = [row.kind, *kernels_of(row.kind)] if isinstance(row, Work) else []
    return [row.group, *kinds, row.name]


def select(patterns: Iterable[str]) -> tuple[list[Work], list[Cost]]:
    """Choose rows, in the table's order.

    Args:
        patterns: groups ("pool"), kernels ("conv2d_forward"), rows ("matmul 512"), or shell
            patterns of these ("*_backward"); none means all.

    Raises:
        ValueError: a pattern fits nothing.
    """
    patterns = list(patterns)
    rows: list[Work | Cost] = [*WORKS, *COSTS]
    for pattern in patterns:
        if not any(_fits(row, [pattern]) for row in rows):
            groups = ", ".join(dict.fromkeys(row.group for row in rows))
            raise ValueError(
                f"no row is called {pattern!r}; choose from the groups {groups}, or name kernels"
            )
    works = [work for work in WORKS if not patterns or _fits(work, patterns)]
    return works, [cost for cost in COSTS if not patterns or _fits(cost, patterns)]


def _fits(row: Work | Cost, patterns: Iterable[str]) -> bool:
    names = names_of(row)
    return any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)

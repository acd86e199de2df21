"""The experiments of Seth Weidman's *Deep Learning from Scratch*, run with diglot.

One file per chapter; each has `ROWS`, and the functions that its rows are made of. A row is met
where our figure is at least as good as the published one, less the noise that its table allows. The
book's published code has mistakes in its gradients; what runs here is the corrected mathematics.
"""

from collections.abc import Iterable

from diglot.reproduce import chapter1, chapter2, chapter3, chapter4, chapter5, chapter6, chapter7
from diglot.reproduce.rows import Outcome, Result, Row, Settings

__all__ = ["ROWS", "Outcome", "Result", "Row", "Settings", "select"]

ROWS: tuple[Row, ...] = (
    *chapter1.ROWS,
    *chapter2.ROWS,
    *chapter3.ROWS,
    *chapter4.ROWS,
    *chapter5.ROWS,
    *chapter6.ROWS,
    *chapter7.ROWS,
)
"""All experiments, in the book's order."""


def select(ids: Iterable[str]) -> list[Row]:
    """Choose rows, in the book's order.

    Args:
        ids: rows, "4.7", and whole chapters, "4"; none means all.

    Raises:
        ValueError: there is no such row.
    """
    ids = set(ids)
    chapters = {row.id.split(".")[0] for row in ROWS}
    unknown = ids - chapters - {row.id for row in ROWS}
    if unknown:
        rows = ", ".join(row.id for row in ROWS)
        raise ValueError(f"row {min(unknown)!r} is unknown; choose chapters or rows from {rows}")
    return [row for row in ROWS if not ids or ids & {row.id, row.id.split(".")[0]}]

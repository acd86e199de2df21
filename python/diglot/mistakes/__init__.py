"""The gallery of mistakes: wrong code that runs, the check that finds it, what training shows.

Wrong gradients rarely stop a training; they make it a little worse, or nothing shows at all. Each
entry has the wrong code beside the library's own, a check that tells them apart, and a small
training with both. `diglot mistakes` shows them.
"""

from typing import Any

from diglot.mistakes import (
    activations,
    checks,
    convolutions,
    data,
    dense,
    dropout,
    graph,
    initialisation,
    losses,
    normalisation,
    optimizers,
    recurrent,
    sharing,
    states,
    training,
)
from diglot.mistakes.mistake import BEYOND, SEEDS, Caught, Effect, Mistake, Training, Verdict
from diglot.suggestions import near

__all__ = [
    "BEYOND",
    "SEEDS",
    "Caught",
    "Effect",
    "Mistake",
    "Training",
    "Verdict",
    "find",
    "gallery",
]

_FAMILIES = (
    *(convolutions, checks, activations, initialisation, recurrent, losses, dense, graph),
    *(sharing, training, optimizers, states, dropout, normalisation, data),
)


def gallery() -> tuple[Mistake[Any], ...]:
    """Give all entries: the book's in the order of their numbers, then those beyond it."""
    entries: list[Mistake[Any]] = [entry for family in _FAMILIES for entry in family.MISTAKES]
    return tuple(sorted(entries, key=_place))


def find(name: str) -> Mistake[Any]:
    """Find an entry by its id, or by the number of its erratum.

    Args:
        name: "relu-mask", or "E4" for the first entry of erratum 4.

    Raises:
        ValueError: there is none; the message names what is near.
    """
    entries = gallery()
    for entry in entries:
        if name.lower() in (entry.id, entry.seen.lower()):
            return entry
    alike = near(name, [entry.id for entry in entries])
    hint = f"did you mean {' or '.join(alike)}?" if alike else "`diglot mistakes` lists all"
    raise ValueError(f"mistake {name!r} is unknown; {hint}")


def _place(entry: Mistake[Any]) -> int:
    return int(entry.seen[1:]) if entry.seen != BEYOND else 1000

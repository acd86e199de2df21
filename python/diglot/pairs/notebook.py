"""`diglot.pair("matmul")`: facing columns in a notebook, plain text elsewhere."""

from dataclasses import dataclass
from typing import final

from diglot.pairs import find, page
from diglot.pairs.model import Pair

__all__ = ["Facing", "pair"]


@final
@dataclass(frozen=True, repr=False)
class Facing:
    """A pair that shows itself.

    Attributes:
        pair: what is shown.
    """

    pair: Pair

    def __repr__(self) -> str:
        return str(self.pair)

    def _repr_html_(self) -> str:
        return page.fragment(self.pair, with_style=True)


def pair(name: str) -> Facing:
    """Show a kernel, operation or layer in two languages: the NumPy, and the C++ that was compiled.

    Args:
        name: such as "conv2d_forward", "LSTM", "Dense" or "Adam"; `diglot pair` lists all.

    Returns:
        What a notebook displays as facing columns, and `print` writes as text.

    Raises:
        UnknownPairError: there is no such pair; the message lists near misses.
        PairDiffersError: a kernel differs from its reference here, so there is nothing to show.
    """
    return Facing(find(name))

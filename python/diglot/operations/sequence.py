"""Operations on sequences (N, T, H), whose rows may have lengths of their own."""

from dataclasses import dataclass
from typing import final

import numpy as np

from diglot._typing import Array
from diglot.errors import ShapeError
from diglot.operations.base import Operation


class TakesLengths(Operation):
    """An operation on sequences that can leave out the ends of rows.

    Attributes:
        lengths: how many steps of each row count, (N,) integers, or None for all: what the next
            forward goes by. Backward goes by those of its forward.
    """

    lengths: Array | None = None


def valid_steps(lengths: Array, rows: int, steps: int) -> Array:
    """Tell which steps count.

        valid[n, t] = t < lengths[n]

    Args:
        lengths: (N,) integers.
        rows: N, which the lengths must have.
        steps: T, which they must not exceed.

    Returns:
        (N, T) booleans.

    Raises:
        ShapeError: there are not N lengths.
        ValueError: one lies outside 1..T.
    """
    if lengths.shape != (rows,):
        raise ShapeError(f"lengths has shape {lengths.shape}, expected ({rows},): one for each row")
    if rows and lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths has dtype {lengths.dtype}, expected integers")
    if rows and not (lengths.min() >= 1 and lengths.max() <= steps):
        what_to_do = "; leave out the rows that have none" if lengths.min() < 1 else ""
        raise ValueError(
            f"lengths lie in {lengths.min()}..{lengths.max()}, expected 1..{steps}: the steps"
            f"{what_to_do}"
        )
    valid: Array = np.arange(steps) < lengths[:, None]
    return valid


def turned_around(sequences: Array, lengths: Array | None) -> Array:
    """Reverse the steps of each row; those that do not count stay at the end.

    Args:
        sequences: (N, T, ...).
        lengths: (N,), or None if all steps count.
    """
    if lengths is None:
        return np.ascontiguousarray(sequences[:, ::-1])
    steps = np.arange(sequences.shape[1])
    order = np.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)  # (N, T)
    return sequences[np.arange(len(sequences))[:, None], order]


@final
@dataclass(eq=False, repr=False)
class FinalStep(TakesLengths):
    """Keep the output of each row's last step: (N, T, H) -> (N, H).

    Args:
        ahead: how many of the H features come from the direction that ends with a row's last step.
            The others come from the opposite one, which ends with the first.
    """

    flops_per_output = 0
    ahead: int

    def _output(self) -> Array:
        x = self.input_
        if x.ndim != 3 or x.shape[1] == 0:
            raise ShapeError(f"input_ has shape {x.shape}, expected (N, T, H), T of at least 1")
        rows, steps, _ = x.shape
        self._last = np.full(rows, steps - 1)
        if self.lengths is not None:
            valid_steps(self.lengths, rows, steps)
            self._last = self.lengths - 1
        output = x[:, 0].copy()
        output[:, : self.ahead] = x[np.arange(rows), self._last, : self.ahead]
        return output

    def _input_grad(self, output_grad: Array) -> Array:
        grad = np.zeros_like(self.input_)
        grad[:, 0, self.ahead :] = output_grad[:, self.ahead :]
        grad[np.arange(len(grad)), self._last, : self.ahead] = output_grad[:, : self.ahead]
        return grad

"""What a training is fed with: data, checked once, and the steps that an epoch consists of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, final

import numpy as np

from diglot._arrays import plain_array
from diglot._typing import Array
from diglot.config import integer
from diglot.datasets import batches
from diglot.errors import DataError, ShapeError
from diglot.network import NeuralNetwork
from diglot.sequences import check_fits, checked_lengths, pieces


class Data(NamedTuple):
    """Inputs and targets that fit together, row by row."""

    x: Array
    y: Array
    lengths: Array | None


class Step(NamedTuple):
    """What one update is made from."""

    x: Array
    y: Array
    lengths: Array | None


@final
class Feed:
    """Cuts data into steps: batches of rows, and pieces of long rows.

    Args:
        network: that is trained.
        data: all of it.
        batch_size: rows per batch.
        bptt: steps in time per piece, or None to leave rows whole.

    Attributes:
        data: as given.
        steps: updates in an epoch.

    Raises:
        ValueError: the settings do not fit the data or the network.
    """

    def __init__(
        self, network: NeuralNetwork, data: Data, batch_size: int, bptt: int | None
    ) -> None:
        rows = len(data.x)
        if batch_size > rows:
            raise ValueError(f"batch_size is {batch_size}, expected at most {rows}: the rows")
        self.network = network
        self.data = data
        self.batch_size = batch_size
        self.bptt = None if bptt is None else _checked_bptt(network, data, bptt)
        self.steps = math.ceil(rows / batch_size)
        if self.bptt:
            self.steps *= math.ceil(data.x.shape[1] / self.bptt)

    def check_order(self, shuffle: bool, validation: Data | None) -> None:
        """Refuse an order of rows in which a stateful network would mix up its states."""
        if not self.network.stateful or self.bptt:
            return
        if shuffle:
            raise ValueError(
                "in a stateful network, row i of a batch goes on where row i of the batch before "
                "has ended: pass shuffle=False, with the rows in that order"
            )
        check_whole_batches("", self.data, self.batch_size)
        if validation is not None:
            check_whole_batches("validation ", validation, self.batch_size)

    def rows_of(self, step: int) -> int:
        """Count the rows of an epoch's step, the first of which is 1."""
        rows = len(self.data.x)
        pieces_of_a_batch = self.steps // math.ceil(rows / self.batch_size)
        return min(self.batch_size, rows - (step - 1) // pieces_of_a_batch * self.batch_size)

    @contextmanager
    def epoch(self, rng: np.random.Generator | None, skip: int = 0) -> Iterator[Iterator[Step]]:
        """Give the steps of one epoch; the network's state is fresh at its beginning and end.

        Args:
            rng: shuffles the rows; None keeps their order.
            skip: how many steps to leave out at the beginning.
        """
        network = self.network
        try:
            network.reset_state()
            if self.bptt:
                with network.carrying_state():
                    yield _without_first(self._pieces(rng, self.bptt), skip)
            else:
                yield _without_first(self._batches(rng), skip)
        finally:
            network.reset_state()

    def _batches(self, rng: np.random.Generator | None) -> Iterator[Step]:
        x, y, lengths = self.data
        if lengths is None:
            for x_batch, y_batch in batches(x, y, self.batch_size, rng=rng):
                yield Step(x_batch, y_batch, None)
            return
        for rows, _ in batches(np.arange(len(x)), y, self.batch_size, rng=rng):
            yield Step(x[rows], y[rows], lengths[rows])

    def _pieces(self, rng: np.random.Generator | None, length: int) -> Iterator[Step]:
        for x, y, _ in self._batches(rng):
            self.network.reset_state()
            for steps in pieces(x.shape[1], length):
                yield Step(x[:, steps], y[:, steps], None)


def _without_first(steps: Iterator[Step], count: int) -> Iterator[Step]:
    for _ in range(count):
        next(steps)
    return steps


def check_whole_batches(whose: str, data: Data, batch_size: int) -> None:
    """Refuse rows of a stateful network that leave some over, which would have no state."""
    if rest := len(data.x) % batch_size:
        raise ValueError(
            f"{len(data.x)} {whose}rows in batches of {batch_size} leave {rest} over, but a "
            "stateful network has a state for each row of a batch: choose a batch_size that "
            "divides the rows"
        )


def checked(whose: str, network: NeuralNetwork, x: Any, y: Any, lengths: Any = None) -> Data:
    """Take inputs and targets, and refuse what does not fit together.

    Args:
        whose: begins the messages: "" or "the validation ".
        network: for which they are.
        x: inputs, (N, ...).
        y: targets, (N, ...).
        lengths: (N,) or None.

    Raises:
        DataError: there are no rows, the numbers of rows differ, or tokens are unknown.
        ValueError: the lengths fit neither the rows nor the network.
    """
    x, y = plain_array(f"{whose}x", x), plain_array(f"{whose}y", y)
    what = f"{whose}x and y"
    if x.ndim == 0 or y.ndim == 0:
        raise DataError(f"{what} must have rows, a single number has none")
    if len(x) != len(y):
        raise DataError(f"the lengths of {what} differ: {len(x)} and {len(y)} rows")
    if len(x) == 0:
        raise DataError(f"{what} are empty: 0 rows")
    try:
        if lengths is not None:
            lengths = checked_lengths(lengths, x)
        check_fits(network.layers, x, lengths)
    except ValueError as error:
        if not whose:
            raise
        raise type(error)(f"in {whose}data: {error}") from error
    return Data(x, y, lengths)


def checked_validation(given: Any, training: Data, network: NeuralNetwork) -> Data:
    """Take the pair (x, y), or (x, y, lengths), that a training of a network is judged by.

    Raises:
        ValueError: it is nothing of the kind, or its rows are unlike those of the training.
    """
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ValueError(
            f"validation is a {type(given).__name__}, expected a pair (x, y), or (x, y, lengths)"
        )
    data = checked("the validation ", network, *given)
    own, expected, fixed = data.x.shape[1:], training.x.shape[1:], network.layers[0].fixed_axes
    if len(own) != len(expected) or own[fixed] != expected[fixed]:
        raise ShapeError(f"a row of the validation x has shape {own}, expected {expected}")
    return data


def predict_in_order(network: NeuralNetwork, data: Data, rows: int) -> Array:
    """Predict with a stateful network: row i of a batch goes on where row i before has ended.

    Args:
        network: its state is the one to begin with.
        data: rows in that order.
        rows: in a batch.

    Raises:
        ValueError: some rows are left over.
    """
    rows = min(rows, len(data.x))
    check_whole_batches("", data, rows)
    parts = []
    for start in range(0, len(data.x), rows):
        lengths = None if data.lengths is None else data.lengths[start : start + rows]
        parts.append(network.predict(data.x[start : start + rows], rows, lengths=lengths))
    return np.concatenate(parts)


def _checked_bptt(network: NeuralNetwork, data: Data, bptt: int) -> int:
    if not network.recurrent:
        raise ValueError("bptt is for recurrent layers, and this network has none")
    if data.lengths is not None:
        raise ValueError("give lengths or bptt: a piece of a row knows nothing of the row's end")
    network.check_carries()
    rows_and_steps = data.x.shape[:2]
    if data.y.ndim < 2 or data.y.shape[:2] != rows_and_steps:
        raise ShapeError(
            f"y has shape {data.y.shape}, expected {rows_and_steps} to begin with: bptt needs a "
            "target for each step"
        )
    return integer("bptt", bptt)

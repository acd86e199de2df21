"""The state of a network's recurrent layers: fresh, carried, kept and put back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from diglot._typing import Shape
from diglot.config import brief
from diglot.errors import ShapeError
from diglot.layers import Layer, Recurrent
from diglot.operations import State
from diglot.sequences import all_or_nothing, carrying, fresh_state


class HasState(ABC):
    """What a network can do with the state of its recurrent layers, if it has any.

    A state belongs to a row of the batch. Without more ado, every forward begins with a fresh one.
    A forward, or a `train_batch`, that fails leaves the state of all layers as it was.

    Book: chapter 6 (erratum E15: the mean over the batch is carried).
    """

    layers: Sequence[Layer]
    _recurrent: Sequence[Recurrent]
    _rng: np.random.Generator

    @property
    def recurrent(self) -> bool:
        """Whether there is a recurrent layer."""
        return bool(self._recurrent)

    @property
    def stateful(self) -> bool:
        """Whether a recurrent layer is stateful."""
        return any(layer.stateful for layer in self._recurrent)

    def reset_state(self) -> None:
        """Let the next forward begin new sequences in all recurrent layers."""
        for layer in self._recurrent:
            layer.reset_state()

    def get_state(self) -> list[State | None]:
        """Give what the next forward begins with, one entry for each recurrent layer.

        Returns:
            Copies: (h,), or (h, c) of an LSTM, each (N, H); None where a sequence begins.
        """
        return [layer.get_state() for layer in self._recurrent]

    def set_state(self, state: Sequence[State | None]) -> None:
        """Let the next forward begin with a state, as `get_state` has given it.

        Args:
            state: one entry for each recurrent layer. Its numbers are taken as they are, NaN and
                infinity too, as those of an input are.

        Raises:
            ValueError: there are more or fewer entries, one does not fit, or they are of different
                numbers of rows; then nothing changes.
        """
        if not isinstance(state, tuple | list) or len(state) != len(self._recurrent):
            what = f"{len(state)} entries" if isinstance(state, tuple | list) else brief(state)
            raise ValueError(
                f"state is {what}, expected a list of {len(self._recurrent)}: one entry for each "
                "recurrent layer, as get_state gives it"
            )
        if any(part is not None for part in state):
            self._check_is_set_up()
        with all_or_nothing(self._recurrent):
            for layer, part in zip(self._recurrent, state, strict=True):
                layer.set_state(part)
            rows = {len(layer.state[0]) for layer in self._recurrent if layer.state is not None}
            if len(rows) > 1:
                raise ShapeError(
                    f"the states are of {sorted(rows)} rows, expected the same in all layers: the "
                    "rows of a batch"
                )

    def state_shapes(self, rows: int) -> list[tuple[Shape, ...]]:
        """Give the shapes of what `get_state` gives, for so many rows of a batch."""
        return [layer.state_shapes(rows) for layer in self._recurrent]

    def fresh_state(self) -> AbstractContextManager[None]:
        """Begin new sequences in a `with` block, and go on after it where the old ones were."""
        return fresh_state(self._recurrent)

    def carrying_state(self) -> AbstractContextManager[None]:
        """Let each forward in a `with` block begin where the one before has ended.

        A state belongs to a row of the batch. Layers with stateful=True do this always.

        Raises:
            ValueError: the network is not set up, or a layer cannot carry its state.
        """
        self._check_is_set_up()
        return carrying(self._recurrent)

    def check_carries(self) -> None:
        """Refuse a network with a layer that cannot carry its state.

        Raises:
            ValueError: a recurrent layer is bidirectional.
        """
        for layer in self._recurrent:
            if layer.bidirectional:
                raise ValueError(
                    f"{layer!r} cannot carry a state: its reverse direction begins at the end"
                )

    def generators(self) -> list[np.random.Generator]:
        """Give what the network draws from: its own generator, and others that its layers use."""
        drawing = [self._rng]
        for layer in self.layers:
            for operation in layer.operations:
                values = vars(operation).values()
                drawing += [value for value in values if isinstance(value, np.random.Generator)]
        return list({id(generator): generator for generator in drawing}.values())

    @abstractmethod
    def _check_is_set_up(self) -> None:
        """Raise a ValueError if there are no parameters yet."""

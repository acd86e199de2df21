"""Where all that is drawn in a training stands: generators, and what recurrent layers carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from diglot._typing import Array
from diglot.config import brief, integer
from diglot.network import NeuralNetwork

BitState: TypeAlias = Mapping[str, Any]
"""The state of a `numpy.random.BitGenerator`, as NumPy gives it."""

_BELOW = {
    "pos": 625,  # in MT19937's table; the last one means that all is used up
    "buffer_pos": 5,  # likewise in that of Philox
    "has_uint32": 2,
    "uinteger": 1 << 32,
    "state": 1 << 128,
    "inc": 1 << 128,
}
"""What the numbers of a state are less than."""


class Chance(NamedTuple):
    """What the next step of a network depends on, beside its parameters and its input.

    Attributes:
        generators: the state of each generator that the network draws from.
        state: of each recurrent layer.
    """

    generators: Sequence[BitState]
    state: Sequence[tuple[Array, ...] | None]

    @classmethod
    def of(cls, network: NeuralNetwork) -> Chance:
        """Note where a network stands."""
        return cls(
            [generator.bit_generator.state for generator in network.generators()],
            network.get_state(),
        )

    def restore(self, network: NeuralNetwork) -> None:
        """Put it back.

        Raises:
            ValueError: the network draws from other generators, or has other layers.
        """
        generators = network.generators()
        if len(generators) != len(self.generators):
            raise ValueError(
                f"the network draws from {len(generators)} generators, expected "
                f"{len(self.generators)}"
            )
        for generator, state in zip(generators, self.generators, strict=True):
            set_bits(generator, state)
        network.set_state(self.state)


def set_bits(generator: np.random.Generator, state: BitState) -> None:
    """Set a generator back.

    Raises:
        ValueError: the state is of another kind of generator, or of none.
    """
    kind = type(generator.bit_generator).__name__
    try:
        _require_like(state, generator.bit_generator.state, "state")
        generator.bit_generator.state = state
    except (TypeError, KeyError, OverflowError, ValueError) as error:
        raise ValueError(f"this is no state of a {kind} generator: {error}") from error


def _require_like(given: Any, own: Any, name: str) -> None:
    """Compare a state with one that NumPy has made; NumPy itself believes every position."""
    if isinstance(own, Mapping):
        if not isinstance(given, Mapping) or given.keys() != own.keys():
            raise ValueError(f"its {name} is {brief(given)}, expected {', '.join(own)}")
        for key, value in own.items():
            _require_like(given[key], value, key)
    elif isinstance(own, np.ndarray):
        if not isinstance(given, np.ndarray) or (given.shape, given.dtype) != (
            own.shape,
            own.dtype,
        ):
            raise ValueError(f"its {name} is {brief(given)}, expected {own.size} {own.dtype}")
    elif isinstance(own, str):
        if given != own:
            raise ValueError(f"its {name} is {brief(given)}, expected {own}")
    else:
        integer(name, given, least=0, below=_BELOW.get(name))


def bits_to_json(state: BitState) -> dict[str, Any]:
    """Write a generator's state in JSON's types; some kinds have arrays in theirs."""
    return {name: _to_json(value) for name, value in state.items()}


def bits_from_json(state: Mapping[str, Any]) -> dict[str, Any]:
    """Read what `bits_to_json` has written.

    Raises:
        ValueError: an array in it is none.
    """
    return {name: _from_json(value) for name, value in state.items()}


def _to_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.name, "values": value.tolist()}
    if isinstance(value, Mapping):
        return bits_to_json(value)
    return value.item() if isinstance(value, np.generic) else value


def _from_json(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if value.keys() != {"dtype", "values"}:
        return bits_from_json(value)
    if value["dtype"] not in ("uint32", "uint64"):
        raise ValueError(f"the dtype {value['dtype']!r} is none of a generator's")
    try:
        return np.array(value["values"], value["dtype"])
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a generator's numbers are none: {error}") from error

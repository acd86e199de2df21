"""Recurrent layers: what they compute depends on what came before, step by step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, final

import numpy as np

from diglot._arrays import plain_array, real_array
from diglot._typing import Array, DType, Shape
from diglot.config import boolean, brief, integer, real, resolve
from diglot.errors import ShapeError
from diglot.initializers import INITIALIZERS, Glorot, Initializer, Orthogonal, Zeros
from diglot.layers.base import Create, Layer
from diglot.layers.shape import activation_and_dropout
from diglot.operations import (
    REVERSE,
    Bidirectional,
    FinalStep,
    GRUOp,
    Linear,
    LSTMOp,
    Operation,
    ParamOperation,
    RecurrentOp,
    RNNOp,
    State,
    TakesLengths,
)


@dataclass(eq=False, repr=False)
class Recurrent(Layer, ABC):
    """A layer that carries a state along each row: (N, T, D) -> (N, T, H) or (N, H).

    Every forward begins with a fresh state, unless the layer is stateful or a state was set. The
    state is kept for each row and never averaged; it is carried, and not differentiated, from one
    forward to the next. T may be another one each time; N may not where a state is carried. The
    state belongs to the layer: networks that share it share the state, and no file keeps it.

    Args:
        hidden_size: H, features of the state and of the output.
        return_sequences: give the output of every step, or only each row's last.
        bidirectional: read every row from its end as well, with weights of its own: 2H features.
        dropout: share of the outputs that is dropped in training, 0 <= dropout < 1.
        bias: add one (or two, where the cell has two).
        initial_state: what a row begins with: "zeros", or "learned" numbers.
        stateful: begin each forward where the one before has ended, until `reset_state`.
        weight_init: an initializer of the input's weights, gate by gate.
        recurrent_init: likewise of the state's weights.
        bias_init: likewise of the biases.

    Parameters: input_weight (D, G*H), recurrent_weight (H, G*H), the biases (G*H,), and a learned
    state (H,): the G gates lie side by side. The reverse direction's begin with "reverse_".
    """

    fixed_axes: ClassVar[slice] = slice(-1, None)

    hidden_size: int
    return_sequences: bool = field(default=True, kw_only=True)
    bidirectional: bool = field(default=False, kw_only=True)
    dropout: float = field(default=0.0, kw_only=True)
    bias: bool = field(default=True, kw_only=True)
    initial_state: str = field(default="zeros", kw_only=True)
    stateful: bool = field(default=False, kw_only=True)
    weight_init: Initializer | type[Initializer] | str = field(default=Glorot, kw_only=True)
    recurrent_init: Initializer | type[Initializer] | str = field(default=Orthogonal, kw_only=True)
    bias_init: Initializer | type[Initializer] | str = field(default=Zeros, kw_only=True)

    def __post_init__(self) -> None:
        self.hidden_size = integer("hidden_size", self.hidden_size)
        for name in ("return_sequences", "bidirectional", "bias", "stateful"):
            boolean(name, getattr(self, name))
        self.dropout = real("dropout", self.dropout, least=0, below=1)
        if self.initial_state not in ("zeros", "learned"):
            raise ValueError(
                f"initial_state is {brief(self.initial_state)}, expected 'zeros' or 'learned'; "
                "set_state begins with numbers of your own"
            )
        if self.stateful and self.bidirectional:
            raise ValueError(
                "a bidirectional layer cannot be stateful: its reverse direction begins at the end "
                "of what has not come yet"
            )
        for name in ("weight_init", "recurrent_init", "bias_init"):
            setattr(self, name, resolve(getattr(self, name), INITIALIZERS, name))

    @abstractmethod
    def _operation(self, weights: Mapping[str, Array]) -> RecurrentOp:
        """Make the operation that computes one direction."""

    @abstractmethod
    def _raised(self) -> tuple[float, ...]:
        """Say by how much each gate's first bias is above the initializer's."""

    _kind: ClassVar[type[RecurrentOp]]

    @final
    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        if len(input_shape) != 2 or 0 in input_shape:
            raise ShapeError(
                f"a sample has shape {input_shape}, expected (T, D): steps, features, both at "
                "least 1"
            )
        steps, features = input_shape
        ahead = self._direction(features, create, "")
        recurrent: ParamOperation = ahead
        if self.bidirectional:
            recurrent = Bidirectional(ahead, self._direction(features, create, REVERSE))
        size = self.hidden_size * (1 + self.bidirectional)
        operations = (
            [recurrent] if self.return_sequences else [recurrent, FinalStep(self.hidden_size)]
        )
        operations += activation_and_dropout(Linear, self.dropout, rng)
        return operations, (steps, size) if self.return_sequences else (size,)

    def _direction(self, features: int, create: Create, prefix: str) -> RecurrentOp:
        kind = self._kind
        initializers = {"input_weight": self.weight_init, "recurrent_weight": self.recurrent_init}
        if self.bias:
            initializers |= dict.fromkeys(kind.biases, self.bias_init)
        if self.initial_state == "learned":
            initializers |= dict.fromkeys(kind.initial, Zeros())
        weights = {}
        for name, shape in kind.shapes(features, kind.gates * self.hidden_size).items():
            if name in initializers:
                one = resolve(initializers[name], INITIALIZERS, name)
                raised = self._raised() if name == "bias" else (0.0,) * kind.gates
                if name not in kind.initial:
                    one = _SideBySide(one, raised)
                weights[name] = create(prefix + name, shape, one)
        operation = self._operation(weights)
        operation.carries = self.stateful
        return operation

    # ---- state -----------------------------------------------------------------------------------

    @property
    def state(self) -> State | None:
        """What the next forward begins with, unchecked and not copied; see `get_state`."""
        operations = self._directions()
        return operations[0].state if operations else None

    @state.setter
    def state(self, state: State | None) -> None:
        for operation in self._directions():
            operation.state = state

    @final
    def reset_state(self) -> None:
        """Begin new sequences with the next forward."""
        self.state = None

    @final
    def get_state(self) -> State | None:
        """Copy what the next forward begins with: (h,), or (h, c) of an LSTM; each (N, H).

        Returns:
            None where it begins a sequence.
        """
        return None if self.state is None else tuple(part.copy() for part in self.state)

    @final
    def set_state(self, state: Sequence[Array] | None) -> None:
        """Let each forward begin with this state, until `reset_state`; a stateful layer goes on.

        NaN and infinity are taken, too: what `get_state` has given can always be put back, also
        from a network that has diverged.

        Args:
            state: (h,), or (h, c) for an LSTM, each (N, H); None is `reset_state`.

        Raises:
            ValueError: the layer is not set up, is bidirectional, or needs another number of
                arrays; a ShapeError if an array is not (N, H).
        """
        if state is None:
            self.reset_state()
            return
        if self.input_shape is None:
            raise ValueError(f"{self!r} is not set up: run forward, or setup, before set_state")
        (operation, *more) = self._directions()
        if more:
            raise ValueError("a bidirectional layer has no state that could be set")
        if not isinstance(state, tuple | list) or len(state) != len(operation.initial):
            names = " and ".join(name.removeprefix("initial_") for name in operation.initial)
            raise ValueError(
                f"state is {brief(state)}, expected a tuple of {len(operation.initial)}: {names}"
            )
        dtype = operation.param.dtype
        parts = tuple(real_array("the state", part).astype(dtype) for part in state)
        for part in parts:
            if part.ndim != 2 or part.shape != (parts[0].shape[0], self.hidden_size):
                raise ShapeError(
                    f"the state has shape {part.shape}, expected (N, {self.hidden_size})"
                )
        self.state = parts

    @final
    def state_shapes(self, rows: int) -> tuple[Shape, ...]:
        """Give the shapes of a state's arrays, for so many rows of a batch."""
        return ((rows, self.hidden_size),) * len(self._kind.initial)

    @final
    def carry(self, carries: bool) -> None:
        """Let forwards leave their last state for the next one, or not; see `stateful`.

        Raises:
            ValueError: the layer is bidirectional, or not set up.
        """
        if carries and self.input_shape is None:
            raise ValueError(f"{self!r} is not set up: run forward, or setup, before carry")
        if carries and self.bidirectional:
            raise ValueError(
                f"{self!r} cannot carry a state: its reverse direction begins at the end"
            )
        for operation in self._directions():
            operation.carries = carries

    @property
    def carries(self) -> bool:
        """Whether a forward leaves its last state for the next one."""
        return any(operation.carries for operation in self._directions()) or self.stateful

    @final
    def take_lengths(self, lengths: Array | None) -> None:
        """Say how many steps of each row count in the forwards that follow, (N,); None for all."""
        if lengths is not None:
            lengths = plain_array("lengths", lengths)
        for operation in self.operations:
            if isinstance(operation, TakesLengths):
                operation.lengths = lengths

    def _directions(self) -> list[RecurrentOp]:
        if not self.operations:
            return []
        first = self.operations[0]
        if isinstance(first, Bidirectional):
            return list(first.directions)
        return [first] if isinstance(first, RecurrentOp) else []


@final
@dataclass(eq=False, repr=False)
class RNN(Recurrent):
    """The plain recurrent layer, also called Elman's.

        h_t = activation(x_t W_x + h_{t-1} W_h + b)

    Args:
        activation: "tanh" or "relu".

    The other arguments are those of every recurrent layer, see `Recurrent`.

    Book: chapter 6. Source: Elman 1990, "Finding structure in time".
    """

    activation: str = field(default="tanh", kw_only=True)

    _kind: ClassVar[type[RecurrentOp]] = RNNOp

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.activation not in ("tanh", "relu"):
            raise ValueError(f"activation is {brief(self.activation)}, expected 'tanh' or 'relu'")

    def _operation(self, weights: Mapping[str, Array]) -> RecurrentOp:
        return RNNOp(weights, self.activation)

    def _raised(self) -> tuple[float, ...]:
        return (0.0,)


@final
@dataclass(eq=False, repr=False)
class GRU(Recurrent):
    """The gated recurrent unit: gates decide what is forgotten and what is taken over.

        h_t = (1 - z) * n + z * h_{t-1},    r, z, n: see `operations.GRUOp`

    Args:
        reset_after: the reset gate acts after the product with the recurrent weight, as in PyTorch,
            or before it, as in the original.

    The other arguments are those of every recurrent layer, see `Recurrent`.

    Book: chapter 6 (errata E6, E7). Source: Cho et al. 2014, arXiv:1406.1078.
    """

    reset_after: bool = field(default=True, kw_only=True)

    _kind: ClassVar[type[RecurrentOp]] = GRUOp

    def __post_init__(self) -> None:
        super().__post_init__()
        boolean("reset_after", self.reset_after)

    def _operation(self, weights: Mapping[str, Array]) -> RecurrentOp:
        return GRUOp(weights, self.reset_after)

    def _raised(self) -> tuple[float, ...]:
        return (0.0, 0.0, 0.0)


@final
@dataclass(eq=False, repr=False)
class LSTM(Recurrent):
    """Long short-term memory: gates, and a second state that only they touch.

        c_t = f * c_{t-1} + i * g,    h_t = o * tanh(c_t),    i, f, g, o: see `operations.LSTMOp`

    Args:
        forget_bias: added to what `bias_init` gives the forget gate: at first the cell remembers.

    The other arguments are those of every recurrent layer, see `Recurrent`.

    Book: chapter 6. Source: Hochreiter & Schmidhuber 1997; Jozefowicz et al. 2015 (forget_bias).
    """

    forget_bias: float = field(default=1.0, kw_only=True)

    _kind: ClassVar[type[RecurrentOp]] = LSTMOp

    def __post_init__(self) -> None:
        super().__post_init__()
        self.forget_bias = real("forget_bias", self.forget_bias)

    def _operation(self, weights: Mapping[str, Array]) -> RecurrentOp:
        return LSTMOp(weights)

    def _raised(self) -> tuple[float, ...]:
        return (0.0, self.forget_bias, 0.0, 0.0)


@final
@dataclass(eq=False, repr=False)
class _SideBySide(Initializer):
    """Draw each gate by itself, as its fans are its own, and put them side by side.

    Args:
        one: draws a gate.
        raised: what is added to each gate.
    """

    one: Initializer
    raised: tuple[float, ...]

    def __call__(self, shape: Shape, rng: np.random.Generator, dtype: DType) -> Array:
        """Draw one parameter."""
        *leading, columns = shape
        gate = (*leading, columns // len(self.raised))
        parts = [self.one(gate, rng, dtype) + dtype.type(extra) for extra in self.raised]
        return np.concatenate(parts, axis=-1)

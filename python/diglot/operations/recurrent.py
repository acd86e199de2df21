"""Recurrent operations: a cell goes along a sequence, all its steps in one kernel call."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from typing import ClassVar, TypeAlias, final

import numpy as np

from diglot import kernels
from diglot._typing import Array, Shape
from diglot.errors import ShapeError
from diglot.operations.base import ParamOperation
from diglot.operations.sequence import TakesLengths, valid_steps

State: TypeAlias = tuple[Array, ...]
"""What a cell remembers of each row: (h,), or (h, c) of an LSTM; each (N, H)."""


@dataclass(eq=False, repr=False)
class RecurrentOp(TakesLengths, ParamOperation, ABC):
    """A cell that goes along a sequence and carries its state from step to step.

        output_t, state_t = cell(input_t, state_{t-1}),    (N, T, D) -> (N, T, H)

    Rows never mix: each has a state of its own. The state that a forward begins with is not
    differentiated, unless it is a learned one, which is a parameter. Where there are lengths, the
    output is zero after a row's end, and what the input holds there has no effect at all.

    Args:
        weights: "input_weight" (D, gates*H) and "recurrent_weight" (H, gates*H); with or without
            "bias" (gates*H,); with or without the learned state before the first step, (H,) each.

    Attributes:
        gates: how many blocks of H columns the weights have.
        gate_names: a letter for each of them; none where nothing is gated.
        state: what the next forward begins with; None for the beginning of a sequence.
        carries: whether a forward leaves its last state there.
        final_state: the state after the last step, each row's own last step where there are
            lengths.

    Book: chapter 6 (erratum E15: it carries the mean over the batch).
    """

    gates: ClassVar[int] = 1
    gate_names: ClassVar[str] = ""
    biases: ClassVar[tuple[str, ...]] = ("bias",)
    initial: ClassVar[tuple[str, ...]] = ("initial_hidden",)

    weights: InitVar[Mapping[str, Array]]

    def __post_init__(self, weights: Mapping[str, Array]) -> None:
        expected = self.shapes(*weights["input_weight"].shape)
        for name, array in weights.items():
            if array.shape != expected[name]:
                raise ShapeError(f"{name} has shape {array.shape}, expected {expected[name]}")
        self.params = dict(weights)
        self.state: State | None = None
        self.carries = False
        self.hidden_size = weights["recurrent_weight"].shape[0]
        features = weights["input_weight"].shape[0]
        self.flops_per_output = 2 * self.gates * (features + self.hidden_size)

    @classmethod
    def shapes(cls, features: int, columns: int) -> dict[str, Shape]:
        """Give the shape of every parameter that the operation may have, by name.

        Args:
            features: D.
            columns: gates * H.
        """
        hidden = columns // cls.gates
        return {
            "input_weight": (features, cls.gates * hidden),
            "recurrent_weight": (hidden, cls.gates * hidden),
            **dict.fromkeys(cls.biases, (cls.gates * hidden,)),
            **dict.fromkeys(cls.initial, (hidden,)),
        }

    @final
    def _output(self) -> Array:
        x, features = self.input_, self.params["input_weight"].shape[0]
        if x.ndim != 3 or x.shape[1] == 0 or x.shape[2] != features:
            raise ShapeError(
                f"input_ has shape {x.shape}, expected (N, T, {features}), T of at least 1"
            )
        self._check_dtype()
        self._valid: Array | None = None
        if self.lengths is not None:
            self._valid = valid_steps(self.lengths, *x.shape[:2])
            x = self._counting(x)
        self._begins = self.state is None
        self._x, self._start = x, self._first_state(len(x))
        output, state, self._saved = self._run(x, self._start)
        if self.lengths is not None:
            rows = np.arange(len(x))
            state = tuple(part[self.lengths, rows] for part in self._saved[: len(self.initial)])
            output = self._whole(output)
        self.final_state = state
        if self.carries:
            self.state = state
        return output

    @final
    def trace(self) -> dict[str, Array]:
        """Give what every unit did at every step of the last forward, for looking at it.

        Returns:
            Copies, (N, T, H) each, by name: the gates, as they were applied ("i", "f", "g", "o" of
            an LSTM, "r", "z", "n" of a GRU), and the states after each step ("h", and "c" of an
            LSTM). They are zero after a row's end.

        Raises:
            ValueError: forward has not been run.
        """
        try:
            saved = self._saved
        except AttributeError:
            raise ValueError(f"{self!r}: run forward before asking for a trace") from None
        states = {
            name.removeprefix("initial_")[0]: part[1:]
            for name, part in zip(self.initial, saved, strict=False)
        }
        gates: dict[str, Array] = {}
        if self.gate_names:
            blocks = np.split(saved[len(self.initial)], self.gates, axis=2)
            gates = dict(zip(self.gate_names, blocks, strict=True))
        return {
            name: self._whole(part.swapaxes(0, 1)).copy() for name, part in (gates | states).items()
        }

    @final
    def _param_grad(self, output_grad: Array) -> tuple[Array, ...]:
        nothing = tuple(np.zeros_like(part) for part in self._start)
        self._x_grad, start_grads, weight_grads = self._run_back(
            self._counting(output_grad), nothing
        )
        self._x_grad = self._whole(self._x_grad)
        grads = dict(
            zip(("input_weight", "recurrent_weight", *self.biases), weight_grads, strict=True)
        )
        for name, grad in zip(self.initial, start_grads, strict=True):
            grads[name] = grad.sum(axis=0) if self._begins else np.zeros_like(grad[0])
        return tuple(grads[name] for name in self.params)

    @final
    def _input_grad(self, output_grad: Array) -> Array:
        return self._x_grad

    @abstractmethod
    def _run(self, x: Array, start: State) -> tuple[Array, State, tuple[Array, ...]]:
        """Call the forward kernel.

        Returns:
            The output; the last state; and what backward needs, beginning with each part of the
            state after 0, 1, ... T steps, (T + 1, N, H).
        """

    @abstractmethod
    def _run_back(
        self, output_grad: Array, state_grad: State
    ) -> tuple[Array, State, tuple[Array, ...]]:
        """Call the backward kernel: gradients of the input, the first state, the weights."""

    @final
    def _counting(self, sequences: Array) -> Array:
        """Put zeros for the steps that do not count, and leave out those that count in no row."""
        if self._valid is None:
            return sequences
        steps = int(self._valid.sum(axis=1).max(initial=1))
        return np.where(self._valid[:, :steps, None], sequences[:, :steps], sequences.dtype.type(0))

    @final
    def _whole(self, sequences: Array) -> Array:
        """Put back the steps that `_counting` has left out: zeros, as where no step counts."""
        if self._valid is None:
            return sequences
        whole = np.zeros((*self._valid.shape, sequences.shape[2]), sequences.dtype)
        whole[:, : sequences.shape[1]] = self._counting(sequences)
        return whole

    @final
    def _weights(self) -> tuple[Array, ...]:
        """Give the weights as the forward kernel takes them."""
        zeros = np.zeros(self.param.shape[1], self.param.dtype)
        biases = (self.params.get(name, zeros) for name in self.biases)
        return self.params["input_weight"], self.params["recurrent_weight"], *biases

    @final
    def _first_state(self, rows: int) -> State:
        shape = (rows, self.hidden_size)
        if self.state is not None:
            _check_state(self.state, shape, self.param)
            return self.state
        if self.initial[0] in self.params:
            return tuple(np.broadcast_to(self.params[name], shape).copy() for name in self.initial)
        return tuple(np.zeros(shape, self.param.dtype) for _ in self.initial)


@final
@dataclass(eq=False, repr=False)
class RNNOp(RecurrentOp):
    """The plain recurrent cell, also called Elman's.

        h_t = activation(x_t W_x + h_{t-1} W_h + b)

    Args:
        weights: see `RecurrentOp`; one gate.
        activation: "tanh" or "relu".

    Book: chapter 6. Source: Elman 1990, "Finding structure in time".
    """

    activation: str = "tanh"

    def _run(self, x: Array, start: State) -> tuple[Array, State, tuple[Array, ...]]:
        (h0,), (w_x, w_h, b) = start, self._weights()
        y, h_n, saved = kernels.rnn_forward(x, h0, w_x, w_h, b, activation=self.activation)
        if self._valid is not None:
            # With relu, a state may grow without bounds behind a row's end, and 0 * inf is NaN.
            saved[1:][~self._valid[:, : x.shape[1]].T] = 0
        return y, (h_n,), (saved,)

    def _run_back(
        self, output_grad: Array, state_grad: State
    ) -> tuple[Array, State, tuple[Array, ...]]:
        (dh_n,), (h0,), (w_x, w_h, _) = state_grad, self._start, self._weights()
        dx, dh0, *grads = kernels.rnn_backward(
            output_grad, dh_n, self._x, h0, w_x, w_h, *self._saved, activation=self.activation
        )
        return dx, (dh0,), tuple(grads)


@final
@dataclass(eq=False, repr=False)
class GRUOp(RecurrentOp):
    """The gated recurrent unit: gates decide what is forgotten and what is taken over.

        r = sigmoid(x W_xr + b_xr + h W_hr + b_hr)
        z = sigmoid(x W_xz + b_xz + h W_hz + b_hz)
        n = tanh(x W_xn + b_xn + r * (h W_hn + b_hn))      the original: (r * h) W_hn + b_hn
        h = (1 - z) * n + z * h

    Args:
        weights: see `RecurrentOp`; three gates, r z n, and two biases: "bias", "recurrent_bias".
        reset_after: the reset gate acts after the product with W_h, as in PyTorch, or before it, as
            in the original.

    Book: chapter 6 (errata E6, E7). Source: Cho et al. 2014, arXiv:1406.1078.
    """

    gates: ClassVar[int] = 3
    gate_names: ClassVar[str] = "rzn"
    biases: ClassVar[tuple[str, ...]] = ("bias", "recurrent_bias")

    reset_after: bool = True

    def _run(self, x: Array, start: State) -> tuple[Array, State, tuple[Array, ...]]:
        (h0,), (w_x, w_h, b_x, b_h) = start, self._weights()
        y, h_n, saved = kernels.gru_forward(x, h0, w_x, w_h, b_x, b_h, reset_after=self.reset_after)
        return y, (h_n,), saved

    def _run_back(
        self, output_grad: Array, state_grad: State
    ) -> tuple[Array, State, tuple[Array, ...]]:
        (dh_n,), (h0,), (w_x, w_h, *_) = state_grad, self._start, self._weights()
        h, gates, m = self._saved
        dx, dh0, *grads = kernels.gru_backward(
            output_grad, dh_n, self._x, h0, w_x, w_h, (h, gates, m), reset_after=self.reset_after
        )
        return dx, (dh0,), tuple(grads)


@final
@dataclass(eq=False, repr=False)
class LSTMOp(RecurrentOp):
    """Long short-term memory: a second state, which only gates touch, and so gradients last.

        i, f, g, o = split(x W_x + h W_h + b)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)

    Args:
        weights: see `RecurrentOp`; four gates, i f g o.

    Book: chapter 6. Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000 (the forget gate).
    """

    gates: ClassVar[int] = 4
    gate_names: ClassVar[str] = "ifgo"
    initial: ClassVar[tuple[str, ...]] = ("initial_hidden", "initial_cell")

    def _run(self, x: Array, start: State) -> tuple[Array, State, tuple[Array, ...]]:
        (h0, c0), (w_x, w_h, b) = start, self._weights()
        y, h_n, c_n, saved = kernels.lstm_forward(x, h0, c0, w_x, w_h, b)
        return y, (h_n, c_n), saved

    def _run_back(
        self, output_grad: Array, state_grad: State
    ) -> tuple[Array, State, tuple[Array, ...]]:
        (dh_n, dc_n), (h0, c0), (w_x, w_h, _) = state_grad, self._start, self._weights()
        h, c, gates = self._saved
        dx, dh0, dc0, *grads = kernels.lstm_backward(
            output_grad, dh_n, dc_n, self._x, h0, c0, w_x, w_h, (h, c, gates)
        )
        return dx, (dh0, dc0), tuple(grads)


def _check_state(state: State, shape: Shape, like: Array) -> None:
    for part in state:
        if part.shape[1:] == shape[1:] and part.shape[0] != shape[0]:
            raise ShapeError(
                f"the state is of {part.shape[0]} rows, but the input has {shape[0]}; "
                "reset_state() begins new sequences"
            )
        if part.shape != shape or part.dtype != like.dtype:
            raise ShapeError(
                f"the state has shape {part.shape} and dtype {part.dtype}, expected {shape} and "
                f"{like.dtype}"
            )

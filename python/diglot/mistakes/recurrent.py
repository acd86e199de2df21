"""Mistakes in the cells of recurrent networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias, final

import numpy as np

from diglot import kernels
from diglot._typing import Array, Shape
from diglot.callbacks import Fit
from diglot.datasets import Dataset
from diglot.gradcheck import gradcheck
from diglot.kernels import reference
from diglot.kernels.reference.recurrent import (
    gru_cell,
    gru_cell_backward,
    lstm_cell,
    lstm_cell_backward,
)
from diglot.layers import GRU, Dense
from diglot.metrics import accuracy
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import Stage, Weights, learn, pixels
from diglot.network import NeuralNetwork
from diglot.nodes import GRUNode
from diglot.nodes.base import ParamGrads
from diglot.operations import FinalStep, GRUOp, LSTMOp, ParamOperation
from diglot.optimizers import Adam
from diglot.trainer import Trainer

MakeCell: TypeAlias = Callable[[Weights], ParamOperation]
"""Takes the weights of a recurrent operation, by the library's names."""


class GRUSteps(ParamOperation):
    """A GRU as a chain of the library's nodes, which a mistake can be put between."""

    def __init__(self, weights: Weights) -> None:
        self.params = dict(weights)

    def _names(self) -> Weights:
        return dict(zip(("w_x", "w_h", "b_x", "b_h"), self.params.values(), strict=True))

    def _output(self) -> Array:
        N, T, _ = self.input_.shape
        self._nodes = [GRUNode() for _ in range(T)]
        h = np.zeros((N, len(self.params["recurrent_weight"])), self.input_.dtype)
        states = []
        for t, node in enumerate(self._nodes):
            h = self._step(node, self.input_[:, t], h)
            states.append(h)
        return np.stack(states, axis=1)

    def _param_grad(self, output_grad: Array) -> tuple[Array, ...]:
        grads: ParamGrads = {name: np.zeros_like(p) for name, p in self._names().items()}
        self._x_grad = np.empty_like(self.input_)
        dh = np.zeros_like(output_grad[:, 0])  # from the step after the last one
        for t in reversed(range(len(self._nodes))):
            self._x_grad[:, t], dh = self._back(self._nodes[t], output_grad[:, t], dh, grads)
        return tuple(grads.values())

    def _input_grad(self, output_grad: Array) -> Array:
        return self._x_grad

    def _step(self, node: GRUNode, x: Array, h: Array) -> Array:
        return node.forward(x, h, self._names())

    def _back(self, node: GRUNode, dy: Array, dh: Array, grads: ParamGrads) -> tuple[Array, Array]:
        return node.backward(dy + dh, self._names(), grads)


@final
class GRUWithOneGate(GRUSteps):
    """The update gate is computed from the reset gate's columns of the weights."""

    def _step(self, node: GRUNode, x: Array, h: Array) -> Array:
        r_r_n = {}
        for name, param in self._names().items():
            r, _z, n = np.split(param, 3, axis=-1)
            r_r_n[name] = np.concatenate([r, r, n], axis=-1)  # should be r, z, n
        return node.forward(x, h, r_r_n)


@final
class GRUThatForgetsWaysBack(GRUSteps):
    """Goes back with the next step's gradient alone, and without the way through z * h."""

    def _back(self, node: GRUNode, dy: Array, dh: Array, grads: ParamGrads) -> tuple[Array, Array]:
        z = node._what_was_kept()[3]
        dx, dh_before = node.backward(dh, self._names(), grads)  # should be dy + dh
        return dx, dh_before - dh * z


def gru_that_resets_before(weights: Weights) -> ParamOperation:
    """Make the paper's GRU, which resets the state before the product with W_hn."""
    return GRUOp(weights, reset_after=False)


def gru_that_resets_after(weights: Weights) -> ParamOperation:
    """Make the GRU that has been trained, which resets after the product."""
    return GRUOp(weights, reset_after=True)


@final
class LSTMWithSwappedGates(ParamOperation):
    """Forward reads the gates as i, f, g, o; backward writes them as f, i, g, o."""

    def __init__(self, weights: Weights) -> None:
        self.params = dict(weights)

    def _output(self) -> Array:
        h0 = np.zeros((len(self.input_), len(self.params["recurrent_weight"])), self.input_.dtype)
        y, _, _, self._saved = kernels.lstm_forward(self.input_, h0, h0, *self.params.values())
        return np.asarray(y)

    def _param_grad(self, output_grad: Array) -> tuple[Array, ...]:
        w_x, w_h, _ = self.params.values()
        h, c, gates = self._saved
        dw_x, dw_h, db = (np.zeros_like(param) for param in self.params.values())
        self._x_grad, (dh, dc) = np.empty_like(self.input_), np.zeros((2, *h[0].shape), h.dtype)
        for t in reversed(range(len(gates))):
            dh = dh + output_grad[:, t]
            i, f, g, o = np.split(gates[t], 4, axis=1)
            tanh_c = np.tanh(c[t + 1])
            dc = dc + dh * o * (1 - tanh_c**2)
            dz_i, dz_f = dc * g * i * (1 - i), dc * c[t] * f * (1 - f)
            dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
            dz = np.concatenate([dz_f, dz_i, dz_g, dz_o], axis=1)  # should be i, f, g, o
            dw_x, dw_h = dw_x + self.input_[:, t].T @ dz, dw_h + h[t].T @ dz
            db = db + dz.sum(axis=0)
            self._x_grad[:, t], dh, dc = dz @ w_x.T, dz @ w_h.T, dc * f
        return dw_x, dw_h, db

    def _input_grad(self, output_grad: Array) -> Array:
        return self._x_grad


def _shapes(shape: Shape, cell: type[GRUOp | LSTMOp], hidden: int = 16) -> dict[str, Shape]:
    every = cell.shapes(shape[-1], cell.gates * hidden)
    return {name: size for name, size in every.items() if name not in cell.initial}


def _gradients_agree(make: MakeCell, cell: type[GRUOp | LSTMOp] = GRUOp) -> str:
    rng = np.random.default_rng(0)
    shapes = _shapes((4, 3), cell, 2)
    operation = make({name: rng.standard_normal(size) for name, size in shapes.items()})
    return str(gradcheck(operation, rng.standard_normal((3, 4, 3))).worst)


def _rows_of_pixels() -> Dataset:
    x, y, x_test, y_test = pixels(480)
    return Dataset(x.reshape(-1, 8, 8), y, x_test.reshape(-1, 8, 8), y_test)


def _read_row_by_row(make: MakeCell, seed: int, cell: type[GRUOp | LSTMOp] = GRUOp) -> list[float]:
    layers = [
        Stage(make_cell(make), partial(_shapes, cell=cell), lambda shape: (shape[0], 16)),
        Stage(lambda weights, rng: FinalStep(16), output=lambda shape: shape[1:]),
        Dense(10),
    ]
    return learn(layers, Adam(0.01), _rows_of_pixels(), seed=seed, epochs=4)


def make_cell(make: MakeCell) -> Callable[[Weights, Any], ParamOperation]:
    """Leave out the generator, which a cell has no use for."""
    return lambda weights, rng: make(weights)


def _same_as_in_training(make: MakeCell) -> str:
    rng = np.random.default_rng(0)
    shapes = _shapes((4, 3), GRUOp, 2)
    weights = {name: rng.standard_normal(size) for name, size in shapes.items()}
    x = rng.standard_normal((3, 4, 3))
    gradcheck(make(weights), x)
    expected = reference.gru_forward(x, np.zeros((3, 2)), *weights.values(), reset_after=True)[0]
    difference = float(np.abs(make(weights).forward(x) - expected).max())
    if difference > 1e-12:
        raise Caught(
            f"outputs differ by {difference:.3g} from those of the GRU that was trained "
            "(gradcheck passes: both are right GRUs)"
        )
    return "the outputs are those of the GRU that was trained"


def _trained_weights_elsewhere(make: MakeCell, seed: int) -> list[float]:
    """Train a GRU that resets after the product, and let another one predict with its weights."""
    x, y, x_test, y_test = _rows_of_pixels()
    layers = [GRU(16, return_sequences=False), Dense(10)]
    network = NeuralNetwork(layers, "softmax_cross_entropy", seed=seed)
    judge = _OtherCell(make, x_test, y_test)
    Trainer(network, Adam(0.01)).fit(x, y, epochs=10, seed=seed, progress=False, callbacks=judge)
    return judge.found


@final
class _OtherCell:
    """After each epoch, let a cell of another make predict with the network's weights."""

    def __init__(self, make: MakeCell, x: Array, y: Array) -> None:
        self._make, self._x, self._y = make, x, y
        self.found: list[float] = []

    def on_epoch_end(self, fit: Fit) -> None:
        first, last = fit.trainer.network.layers
        states = self._make(dict(first.parameters())).forward(self._x)
        self.found.append(accuracy(last.forward(states[:, -1], inference=True), self._y))


MISTAKES = (
    Mistake[MakeCell](
        id="gru-one-gate",
        title="The GRU's update gate is built of the reset gate's weights",
        seen="E6",
        text="A line was copied and one index not changed: the two gates are one, and the update "
        "gate's own weights are never used. The GRU still learns, since it still has a gate. "
        "Finite differences find that the unused weights have a slope of exactly zero.",
        wrong=GRUWithOneGate,
        wrong_code=(GRUWithOneGate, GRUSteps),
        right=GRUOp,
        right_code=(GRUOp, gru_cell),
        caught_by="gradcheck",
        check=_gradients_agree,
        curve=_read_row_by_row,
        effect="ends worse",
    ),
    Mistake[MakeCell](
        id="gru-ways-back",
        title="The GRU's backward pass forgets ways, and its recurrent gradients are zero",
        seen="E7",
        text="Where the gradient of the new state is meant, the one that came from the next step "
        "alone is used, and the way through z * h is left out. At the last step nothing comes "
        "from the next one, so nothing goes back at all: the weights of the GRU get gradients of "
        "exactly zero and stay as they were drawn. The layers above learn to read a random GRU.",
        wrong=GRUThatForgetsWaysBack,
        wrong_code=(GRUThatForgetsWaysBack, GRUSteps),
        right=GRUOp,
        right_code=(GRUOp, gru_cell_backward),
        caught_by="gradcheck",
        check=_gradients_agree,
        curve=_read_row_by_row,
        effect="ends worse",
    ),
    Mistake[MakeCell](
        id="gru-reset-place",
        title="The GRU resets before the product, with weights that were trained to reset after",
        seen=BEYOND,
        text="There are two GRUs: the paper's resets the state and multiplies, cuDNN's and "
        "PyTorch's multiplies and resets. Their weights have the same names and shapes. Each is "
        "right, each passes gradcheck and learns; but weights of one are wrong in the other.",
        wrong=gru_that_resets_before,
        right=gru_that_resets_after,
        right_code=(gru_that_resets_after, gru_cell),
        caught_by="comparison with the reference kernel",
        check=_same_as_in_training,
        curve=_trained_weights_elsewhere,
        effect="ends worse",
    ),
    Mistake[MakeCell](
        id="lstm-gates-swapped",
        title="The LSTM's gates are in two orders",
        seen=BEYOND,
        text="The four gates lie side by side in one matrix, as i, f, g, o here, and elsewhere in "
        "other orders. All blocks have one shape, so a swap goes unnoticed. If both passes swap "
        "alike, only loaded weights are wrong; here backward alone swaps the input gate "
        "with the forget gate.",
        wrong=LSTMWithSwappedGates,
        right=LSTMOp,
        right_code=(LSTMOp, lstm_cell, lstm_cell_backward),
        caught_by="gradcheck",
        check=partial(_gradients_agree, cell=LSTMOp),
        curve=partial(_read_row_by_row, cell=LSTMOp),
        effect="ends worse",
    ),
)
"""The entries of this family."""

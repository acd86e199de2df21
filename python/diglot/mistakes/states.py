"""Mistakes with the state that a recurrent network carries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeAlias, final

import numpy as np

from diglot._typing import Array, Shape
from diglot.datasets.sequences import streams
from diglot.layers import Dense
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import Stage, Weights
from diglot.network import NeuralNetwork
from diglot.operations import ParamOperation, RecurrentOp, RNNOp
from diglot.optimizers import Adam

MakeRNN: TypeAlias = Callable[[Weights], ParamOperation]
"""Takes the weights of a plain recurrent network."""
Cut: TypeAlias = Callable[[Array, int, int], Iterator[Array]]
"""Cuts tokens (N,) into batches of so many rows and steps; each goes on with the last's state."""

_HIDDEN = 16


@final
class RNNThatCarriesTheMean(ParamOperation):
    """Begins each piece with the mean, over the rows, of the states that the last piece left."""

    def __init__(self, weights: Weights) -> None:
        self.cell = RNNOp(weights)
        self.params = self.cell.params

    def _output(self) -> Array:
        output = self.cell.forward(self.input_, self.inference)
        (h,) = self.cell.final_state
        self.cell.state = (np.repeat(h.mean(axis=0, keepdims=True), len(h), axis=0),)
        return output

    def _param_grad(self, output_grad: Array) -> tuple[Array, ...]:
        self._x_grad = self.cell.backward(output_grad)
        return tuple(self.cell.param_grads.values())

    def _input_grad(self, output_grad: Array) -> Array:
        return self._x_grad


def rnn_that_carries(weights: Weights) -> RNNOp:
    """Make an RNN that goes on, row by row, where the last piece has ended."""
    operation = RNNOp(weights)
    operation.carries = True
    return operation


def rnn_that_begins_anew(weights: Weights) -> RNNOp:
    """Make an RNN whose sequences all begin with a fresh state."""
    return RNNOp(weights)


def windows_one_step_apart(tokens: Array, rows: int, steps: int) -> Iterator[Array]:
    """Cut batches of windows that begin one token after each other."""
    for start in range(0, len(tokens) - steps - rows + 1, rows):
        yield np.stack([tokens[s : s + steps] for s in range(start, start + rows)])


def pieces_of_streams(tokens: Array, rows: int, steps: int) -> Iterator[Array]:
    """Cut the tokens into one stream for each row, and the streams into pieces."""
    x, _ = streams(tokens, rows)
    for start in range(0, x.shape[1] - steps + 1, steps):
        yield x[:, start : start + steps]


def _weights(seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    shapes = {"input_weight": (2, 3), "recurrent_weight": (3, 3), "bias": (3,)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _two_pieces_are_the_whole(make: MakeRNN) -> str:
    x = np.random.default_rng(0).standard_normal((4, 6, 2))
    whole, pieces = make(_weights(0)).forward(x), make(_weights(0))
    pieces.forward(x[:, :3])
    difference = float(np.abs(pieces.forward(x[:, 3:]) - whole[:, 3:]).max())
    if difference > 1e-12:
        raise Caught(f"a sequence in two pieces differs by {difference:.3g} from one in one piece")
    return "a sequence in two pieces gives what it gives in one"


def _a_second_time_is_the_first(make: MakeRNN) -> str:
    x = np.random.default_rng(0).standard_normal((4, 6, 2))
    operation = make(_weights(0))
    first, second = operation.forward(x), operation.forward(x)
    difference = float(np.abs(second - first).max())
    if difference > 1e-12:
        raise Caught(f"the same sequences, a second time, differ by {difference:.3g}")
    return "the same sequences give the same, a second time"


def _rows_go_on(cut: Cut) -> str:
    first, second, *_ = cut(np.arange(100), 3, 5)
    for row in range(3):
        if second[row, 0] != first[row, -1] + 1:
            raise Caught(
                f"row {row} of a batch ends with token {first[row, -1]}, and begins in the next "
                f"with {second[row, 0]}: the state that is carried is of another place"
            )
    return "each row of a batch goes on where the same row of the last one has ended"


def _rnn(make: MakeRNN, seed: int) -> NeuralNetwork:
    def shapes(shape: Shape) -> dict[str, Shape]:
        every = RNNOp.shapes(shape[-1], _HIDDEN)
        return {name: size for name, size in every.items() if name not in RNNOp.initial}

    rnn = Stage(lambda weights, rng: make(weights), shapes, lambda shape: (shape[0], _HIDDEN))
    return NeuralNetwork([rnn, Dense(1)], "mean_squared_error", seed=seed)


def _remember(make: MakeRNN, seed: int, steps: int, pieces: int) -> list[float]:
    """Learn to say, at each step, the number that was shown in a row's first step.

    Returns:
        The mean squared error of the last piece after every 20 batches; to know nothing gives 1/3.
    """
    network, rng = _rnn(make, seed), np.random.default_rng(seed)
    optimizer, errors, found = Adam(0.01), [], []
    for batch in range(1, 201):
        shown = rng.uniform(-1, 1, (32, 1, 1)).astype(np.float32)
        y = shown.repeat(steps * pieces, axis=1)
        x = np.zeros((32, steps * pieces, 2), np.float32)
        x[:, :1] = np.concatenate([shown, np.ones_like(shown)], axis=2)  # a number, and "begin"
        for start in range(0, steps * pieces, steps):
            piece = slice(start, start + steps)
            loss = network.train_batch(x[:, piece], y[:, piece])
            optimizer.step(network.parameters(), network.gradients())
        errors.append(loss)
        if batch % 20 == 0:
            found.append(float(np.mean(errors[-20:])))
    return found


def _in_pieces(make: MakeRNN, seed: int) -> list[float]:
    return _remember(make, seed, steps=4, pieces=2)


def _along_streams(cut: Cut, seed: int) -> list[float]:
    """Learn the same from one long sequence, in which a new number is shown every 8 steps.

    Returns:
        The mean squared error after every 20 batches of pieces of 4 steps.
    """
    rng, length = np.random.default_rng(seed), 32 * 4 * 200
    shown = rng.uniform(-1, 1, length // 8).astype(np.float32)
    x = np.zeros((length, 2), np.float32)
    x[::8] = np.stack([shown, np.ones_like(shown)], axis=1)
    y = shown.repeat(8)[:, None]
    network = _rnn(rnn_that_carries, seed)
    optimizer, errors = Adam(0.01), []
    for at in islice(cut(np.arange(length), 32, 4), 200):
        errors.append(network.train_batch(x[at], y[at]))
        optimizer.step(network.parameters(), network.gradients())
    return [float(error) for error in np.reshape(errors[:180], (9, 20)).mean(axis=1)]


def _rows_of_their_own(make: MakeRNN, seed: int) -> list[float]:
    """Learn the sum of a row so far, of rows that have nothing to do with each other."""
    network, rng = _rnn(make, seed), np.random.default_rng(seed)
    optimizer, errors = Adam(0.01), []
    for _ in range(200):
        x = rng.uniform(-1, 1, (32, 4, 1)).astype(np.float32)
        errors.append(network.train_batch(x, np.cumsum(x, axis=1)))
        optimizer.step(network.parameters(), network.gradients())
    return [float(error) for error in np.reshape(errors, (10, 20)).mean(axis=1)]


MISTAKES = (
    Mistake[MakeRNN](
        id="state-mean",
        title="The mean over the batch is carried on as everybody's state",
        seen="E15",
        text="After each batch the mean of the state over the rows is kept, and all rows of the "
        "next batch begin with it, though they are other pieces of text. Easy to make, because "
        "the shapes agree whatever the next batch's size is. What a row has read is lost at the "
        "end of each piece. In this training a row has to remember a number that it was shown in "
        "the piece before.",
        wrong=RNNThatCarriesTheMean,
        right=rnn_that_carries,
        right_code=(rnn_that_carries, RecurrentOp._output),
        caught_by="invariance: a sequence in two pieces",
        check=_two_pieces_are_the_whole,
        curve=_in_pieces,
        figure="squared error in the second piece",
        higher_is_better=False,
        effect="ends worse",
    ),
    Mistake[Cut](
        id="overlapping-windows",
        title="A state is carried, but the next batch's rows begin elsewhere",
        seen="E15",
        text="The rows of a batch are windows that begin one token after each other, so that "
        "neighbours share all tokens but one, and row i of the next batch begins where no row of "
        "this one has ended. There is no row to carry a state to. Right are streams: the text "
        "in as many parts as there are rows, each read from piece to piece.",
        wrong=windows_one_step_apart,
        right=pieces_of_streams,
        right_code=(pieces_of_streams, streams),
        caught_by="invariance: where rows end and begin",
        check=_rows_go_on,
        curve=_along_streams,
        figure="squared error",
        higher_is_better=False,
        effect="ends worse",
    ),
    Mistake[MakeRNN](
        id="state-not-reset",
        title="The state of the last batch is where unrelated sequences begin",
        seen=BEYOND,
        text="A state that is carried, as text in pieces needs it, spoils rows that have nothing "
        "to do with those before: each begins with what another one has left. The library's "
        "layers begin anew at every forward unless they are told otherwise.",
        wrong=rnn_that_carries,
        right=rnn_that_begins_anew,
        right_code=(rnn_that_begins_anew, RecurrentOp._output),
        caught_by="invariance: the same sequences twice",
        check=_a_second_time_is_the_first,
        curve=_rows_of_their_own,
        figure="squared error",
        higher_is_better=False,
        effect="ends worse",
    ),
)
"""The entries of this family."""

"""A neural network: layers in a row, and a loss."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt

from diglot import serialization
from diglot._arrays import plain_array
from diglot._typing import Array, Shape
from diglot.architecture import Architecture, checked_shape, describe, parse
from diglot.config import checked_seed, floating, integer, resolve
from diglot.display import Displayed
from diglot.errors import ShapeError
from diglot.flat import FlatArrays
from diglot.layers import Create, Layer, Recurrent
from diglot.layers.stack import check_layers, checked_input, located, measure, set_up
from diglot.losses import LOSSES, Loss
from diglot.parameters import HasParameters
from diglot.sequences import (
    all_or_nothing,
    checked_lengths,
    counted,
    in_pieces,
    spread,
    without_padding,
)
from diglot.state import HasState
from diglot.summary import Summary, summarize
from diglot.turns import Turns, in_turn


@final
class NeuralNetwork(HasParameters, HasState, Displayed):
    """Layers in a row, and a loss.

    The layers get their parameters, in order and from one Generator, when the first batch (or
    `setup`) tells the shape of a sample. A layer that has been set up before, in another network,
    keeps its parameters and shares them: so an encoder can be cut out of an autoencoder.

    Threads that share a network take turns: `predict` and `train_batch` give each of them its own
    result. Its layers, and an optimizer's step, know no turns.

    Args:
        layers: at least one, each an object of its own.
        loss: an instance, a class or a name.
        seed: fixes the parameters and the dropout; an integer, a Generator, or None for chance.
        dtype: np.float32 or np.float64, of all that is computed.

    Attributes:
        layers: the layers.
        loss: the loss.
        dtype: as given.
        input_shape: of one sample, without the batch axis; None until it is known.
        notes: what else belongs to the model, such as a vocabulary: a dict of JSON's types, which
            `save` keeps in the file.

    Book: chapter 3.
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        loss: Loss | type[Loss] | str,
        *,
        seed: int | np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.layers = check_layers(layers)
        self.loss = resolve(loss, LOSSES, "loss")
        self.dtype = floating("dtype", dtype)
        self.seed = checked_seed(seed)
        self.input_shape: Shape | None = None
        self.notes: dict[str, Any] = {}
        self._rng = np.random.default_rng(self.seed)
        self._first_to_learn = len(self.layers)  # the first layer with parameters
        self._ready: int | None = None  # for backward: the thread that has run forward
        self._turns = Turns()
        self._flat: FlatArrays | None = None  # where the parameters lie
        self._recurrent = tuple(layer for layer in self.layers if isinstance(layer, Recurrent))

    # ---- computing -------------------------------------------------------------------------------

    @in_turn
    def forward(
        self, input_: Array, inference: bool = False, *, lengths: Array | None = None
    ) -> Array:
        """Send a batch through all layers; the first one sets the network up.

        Args:
            input_: (N, *input_shape), real numbers, which are brought to the network's dtype, or
                the integers that a first layer Embedding takes.
            inference: predict (no dropout) rather than train.
            lengths: for recurrent layers, how many steps of each row count, (N,) integers; what
                the others hold, be it NaN, changes no output and no gradient. None for all.

        Returns:
            prediction: (N, ...), the last layer's output.

        Raises:
            ValueError: the input does not fit, a ShapeError if it is its shape; the message names
                the layer.
        """
        self._ready = None
        input_ = checked_input(self.layers[0], input_, self.dtype)
        if lengths is not None:
            self._check_is_recurrent("lengths")
            lengths = checked_lengths(lengths, input_)
            input_ = without_padding(input_, lengths)
        if self.input_shape is None:
            self.setup(input_.shape[1:])
        with all_or_nothing(self._recurrent, lengths):
            for position, layer in enumerate(self.layers):
                try:
                    input_ = layer.forward(input_, inference)
                except ShapeError as error:
                    raise located(error, position, layer) from error
        self._ready = threading.get_ident()
        return input_

    @in_turn
    def backward(self, loss_grad: Array, needs_input_grad: bool = False) -> Array | None:
        """Send the gradient of the loss back, as far as there are parameters.

        Args:
            loss_grad: gradient of the loss with respect to the prediction, the prediction's shape.
            needs_input_grad: go on to the network's input, which training has no use for.

        Returns:
            input_grad, the input's shape, if it is needed.

        Raises:
            ValueError: forward has not been run, or has failed; a ShapeError if the shape of
                loss_grad does not fit.
        """
        if self._ready != threading.get_ident():
            raise ValueError(
                "run forward before backward; predict does not count, nor does another thread"
            )
        grad = plain_array("loss_grad", loss_grad).astype(self.dtype, copy=False)
        last = 0 if needs_input_grad else self._first_to_learn + 1
        for layer in reversed(self.layers[last:]):
            grad = layer.backward(grad)
        if needs_input_grad:
            return grad
        if self._first_to_learn < len(self.layers):
            self.layers[self._first_to_learn].backward_params(grad)
        return None

    @in_turn
    def train_batch(self, x: Array, y: Array, *, lengths: Array | None = None) -> float:
        """Compute the loss of a batch and the gradients of all parameters; update nothing.

        Args:
            x: inputs, (N, *input_shape).
            y: targets, as the loss takes them.
            lengths: see `forward`; steps that do not count are no part of the loss.

        Returns:
            The loss.
        """
        with all_or_nothing(self._recurrent):
            prediction = self.forward(x, lengths=lengths)
            if lengths is not None:
                lengths = np.asarray(lengths)
            loss = self.loss.forward(*counted(prediction, y, lengths))
            self.backward(spread(self.loss.backward(), prediction.shape, lengths))
        return loss

    @in_turn
    def predict(
        self,
        x: Array,
        batch_size: int = 256,
        *,
        lengths: Array | None = None,
        piece: int | None = None,
    ) -> Array:
        """Compute predictions, in inference mode and batch by batch.

        They begin with the state that the network has; a stateful one goes on from row to row of
        the next call, as with `forward`.

        Args:
            x: inputs, (N, *input_shape).
            batch_size: rows that are in memory at a time.
            lengths: see `forward`.
            piece: steps that are in memory at a time; the state is carried from one piece of a row
                to the next, so the result is the same.

        Returns:
            prediction: (N, ...).

        Raises:
            ValueError: also where the network has a state of its rows, or carries one, and gets
                more than one batch: other rows would wrongly begin with it.
        """
        batch_size = integer("batch_size", batch_size)
        x = checked_input(self.layers[0], x, self.dtype)
        if lengths is not None:
            lengths = checked_lengths(lengths, x)
        if len(x) > batch_size and any(one.carries or one.state for one in self._recurrent):
            raise ValueError(
                f"{len(x)} rows are more than batch_size, {batch_size}, but the network has a "
                "state for each row of one batch: raise batch_size, or reset_state() before each "
                "batch of rows"
            )
        if piece is not None:
            self._check_is_recurrent("piece")
            if lengths is not None:
                raise ValueError("give lengths or piece: a piece knows nothing of a row's end")
            self.setup(x.shape[1:])
            piece = integer("piece", piece)
        parts = []
        for start in range(0, max(len(x), 1), batch_size):
            rows = slice(start, start + batch_size)
            if piece is None:
                own = None if lengths is None else lengths[rows]
                parts.append(self.forward(x[rows], inference=True, lengths=own))
            else:
                forward = partial(self.forward, inference=True)
                parts.append(in_pieces(forward, self._recurrent, x[rows], piece))
        self._ready = None  # for what forward was run before is lost
        return np.concatenate(parts)

    # ---- parameters ------------------------------------------------------------------------------

    @in_turn
    def setup(self, input_shape: Shape) -> None:
        """Give every layer its operations and parameters; does nothing the second time.

        Args:
            input_shape: of one sample, without the batch axis.

        Raises:
            ShapeError: a layer cannot take what comes; then nothing has been set up.
        """
        shape = checked_shape(input_shape)
        if self.input_shape is not None:
            if not self.layers[0].fits(shape):
                raise ShapeError(
                    f"a sample has shape {shape}, but the network was set up for {self.input_shape}"
                )
            if shape != self.input_shape:
                measure(self.layers, shape, self.dtype)
            return
        # First, so that an error leaves everything as it was.
        shapes = measure(self.layers, shape, self.dtype)
        self._setup(
            shape, shapes, lambda name, size, initializer: initializer(size, self._rng, self.dtype)
        )

    # ---- describing and saving -------------------------------------------------------------------

    def summary(self, input_shape: Shape | None = None) -> Summary:
        """Make a table: each layer's output shape, parameters, and operations per sample.

        Args:
            input_shape: of one sample, without the batch axis; by default the one that the network
                was set up for. The network itself stays as it is.

        Raises:
            ShapeError: a layer cannot take what comes.
        """
        if input_shape is None:
            self._check_is_set_up()
            input_shape = self.input_shape
        return summarize(self.layers, checked_shape(input_shape or ()))

    def describe(self) -> dict[str, Any]:
        """Describe everything but the numbers, in JSON's types.

        Raises:
            ValueError: the network is not set up, or holds a class that no file may name.
        """
        self._check_is_set_up()
        seed, shape = (self.seed if isinstance(self.seed, int) else None), self.input_shape or ()
        return describe(Architecture(self.layers, self.loss, seed, self.dtype, shape))

    def save(
        self,
        path: str | os.PathLike[str],
        training: serialization.Training | None = None,
    ) -> None:
        """Write architecture and parameters to a safetensors file, whole or not at all.

        Args:
            path: of the file; what was there before is replaced at the very end.
            training: where a training stands, for a checkpoint.

        Raises:
            ValueError: the network is not set up, or holds a class that no file may name.
            OSError: the file cannot be written; one that was there before is still there.
        """
        serialization.write_model(path, self.parameters(), self.describe(), self.notes, training)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a network that `save` has written.

        Nothing in the file is executed, and no number is read before every name, shape and type has
        been compared with what the architecture implies. Dropout starts again from the seed.

        Args:
            path: of the file.

        Raises:
            ModelFileError: the file cannot be read, is damaged, hostile, or no model of diglot.
        """
        with serialization.open_model(path) as file:
            layers, loss, seed, dtype, input_shape = parse(file.architecture)
            network = cls(layers, loss, seed=seed, dtype=dtype)
            expected = measure(network.layers, input_shape, network.dtype)
            network.notes = file.notes
            file.require(expected, network.dtype)
            network._setup(input_shape, expected, lambda name, size, initializer: file.read(name))
        return network

    def __repr__(self) -> str:
        lines = ["NeuralNetwork(", "    ["]
        lines += [f"        {layer!r}," for layer in self.layers]
        lines += ["    ],", f"    loss={self.loss!r},"]
        if self.seed is not None:
            lines.append(f"    seed={self.seed!r},")
        if self.dtype != np.float32:
            lines.append(f"    dtype=np.{self.dtype},")
        return "\n".join([*lines, ")"])

    # ---- details ---------------------------------------------------------------------------------

    def _setup(self, input_shape: Shape, shapes: Mapping[str, Shape], create: Create) -> None:
        """Set up the layers that are not; `create` is asked for "0.weight" and the others.

        If all parameters are new, they get their places in one buffer.
        """
        if all(layer.output_shape is None for layer in self.layers):
            self._flat = FlatArrays(shapes, self.dtype)
        set_up(self.layers, input_shape, create, self._rng, self._flat)
        learning = [bool(layer.parameters()) for layer in self.layers]
        self._first_to_learn = [*learning, True].index(True)
        self.input_shape = input_shape

    def _check_is_recurrent(self, argument: str) -> None:
        if not self.recurrent:
            raise ValueError(f"{argument} is for recurrent layers, and this network has none")

    def _check_is_set_up(self) -> None:
        if self.input_shape is None:
            raise ValueError(
                "the network has no parameters yet: run forward, or setup(input_shape)"
            )

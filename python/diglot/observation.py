"""What goes on inside a network: what each operation gives, and the gradient that comes back."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from diglot._typing import Array
from diglot.layers import Layer
from diglot.operations import Operation
from diglot.sequences import counted, spread


@final
@dataclass(frozen=True, repr=False)
class Step:
    """One operation of one layer.

    Attributes:
        position: the layer's place in the network, from 0.
        layer: the network's own layer.
        operation: a copy of the layer's operation, which has seen this batch.
        output: what it gave, (N, ...).
        gradient: of the loss with respect to `output`; None without targets.
    """

    position: int
    layer: Layer
    operation: Operation
    output: Array
    gradient: Array | None

    def __repr__(self) -> str:
        operation = type(self.operation).__name__
        return f"<Step {operation} of layer {self.position}, {self.layer!r}: {self.output.shape}>"


@final
@dataclass(frozen=True, repr=False)
class Observation:
    """One batch on its way through a network.

    Attributes:
        input: the batch, as the first operation got it.
        steps: every operation, in the order in which the batch met them.
        loss: None without targets.
    """

    input: Array
    steps: tuple[Step, ...]
    loss: float | None

    def of_layer(self, position: int) -> tuple[Step, ...]:
        """List the steps of one layer; there may be none, as for Dropout(0)."""
        return tuple(step for step in self.steps if step.position == position)

    def __repr__(self) -> str:
        loss = "" if self.loss is None else f", loss {self.loss:.4g}"
        return f"<Observation: {len(self.input)} rows, {len(self.steps)} steps{loss}>"


def twin(network: Any) -> Any:
    """Copy a network, to do with it what the network itself should not remember.

    Its parameters are arrays of their own, its generator goes its own way, and its recurrent
    layers begin with a fresh state.
    """
    other = copy.deepcopy(network)
    other.reset_state()
    return other


def observe(network: Any, x: Array, y: Array | None, lengths: Array | None) -> Observation:
    """Do what `NeuralNetwork.observe` says; the arguments are the same."""
    other = twin(network)
    prediction = other.forward(x, True, lengths=lengths)
    loss: float | None = None
    gradients: list[Array] = []
    walk = [(i, op) for i, layer in enumerate(other.layers) for op in layer.operations]
    outputs = [operation.output for _, operation in walk]
    if y is not None:
        if lengths is not None:
            lengths = np.asarray(lengths)
        loss = other.loss.forward(*counted(prediction, y, lengths))
        gradient = spread(other.loss.backward(), prediction.shape, lengths)
        for _, operation in reversed(walk):
            gradients.append(gradient)
            if operation.takes_integers:  # they have no gradient
                operation.backward_params(gradient)
                break
            gradient = operation.backward(gradient)
    returned: list[Array | None] = [*gradients[::-1]] or [None] * len(walk)
    steps = tuple(
        Step(i, network.layers[i], operation, output, gradient)
        for (i, operation), output, gradient in zip(walk, outputs, returned, strict=True)
    )
    return Observation(walk[0][1].input_ if walk else np.asarray(x), steps, loss)

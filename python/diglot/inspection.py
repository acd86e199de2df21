"""What is inside a network for one batch: each layer's output, and its gradient."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import final

from diglot._typing import Array
from diglot.errors import ShapeError
from diglot.layers.stack import checked_input
from diglot.network import NeuralNetwork


@final
@dataclass(frozen=True)
class LayerView:
    """One layer at work.

    Attributes:
        position: in the network, from 0.
        name: its repr.
        output: (N, ...).
        output_grad: gradient of the loss with respect to the output; None without targets.
        param_grads: gradient of each parameter, by name; empty without targets.
    """

    position: int
    name: str
    output: Array
    output_grad: Array | None
    param_grads: dict[str, Array]


def look_inside(
    network: NeuralNetwork, x: Array, y: Array | None = None, *, inference: bool | None = None
) -> list[LayerView]:
    """Run a copy of a network, and keep what passes between its layers.

    The network itself stays as it is: parameters, generators, and the state that it carries.

    Args:
        network: set up.
        x: a batch, (N, ...).
        y: targets; with them the gradients are computed, too.
        inference: predict (no dropout) rather than train; by default where there are no targets.

    Returns:
        A view of each layer, in order.

    Raises:
        ValueError: the network is not set up; ShapeError if x or y do not fit.
    """
    if network.input_shape is None:
        raise ValueError("the network has no parameters yet: train it, or call setup(input_shape)")
    running = copy.deepcopy(network)
    current = checked_input(running.layers[0], x, running.dtype)
    if not running.layers[0].fits(current.shape[1:]):
        raise ShapeError(
            f"a sample has shape {current.shape[1:]}, but the network was set up for "
            f"{network.input_shape}"
        )
    outputs = []
    for layer in running.layers:
        current = layer.forward(current, y is None if inference is None else inference)
        outputs.append(current)
    grads: list[Array | None] = [None] * len(outputs)
    if y is not None:
        running.loss.forward(current, y)
        grad = running.loss.backward()
        for position in range(len(outputs) - 1, 0, -1):
            grads[position] = grad
            grad = running.layers[position].backward(grad)
        grads[0] = grad
        running.layers[0].backward_params(grad)
    return [
        LayerView(
            position,
            repr(layer),
            outputs[position],
            grads[position],
            {} if y is None else dict(layer.gradients()),
        )
        for position, layer in enumerate(running.layers)
    ]

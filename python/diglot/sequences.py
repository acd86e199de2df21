"""What a network does with sequences: lengths of rows, states that are carried, rows in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from diglot._arrays import plain_array
from diglot._typing import Array, Shape
from diglot.errors import ShapeError
from diglot.layers import Embedding, Layer, Recurrent
from diglot.operations import require_tokens, valid_steps


def checked_lengths(lengths: Any, input_: Array) -> Array:
    """Take the lengths of a batch's rows.

    Args:
        lengths: how many steps of each row count, (N,) integers from 1 to T.
        input_: (N, T, ...).

    Raises:
        ShapeError: there is not one length for each row, or the rows have no steps.
        ValueError: one is no integer, or lies outside 1..T.
    """
    if input_.ndim < 2:
        raise ShapeError(f"x has shape {input_.shape}, expected (N, T, ...) with lengths")
    counts = plain_array("lengths", lengths)
    valid_steps(counts, *input_.shape[:2])
    return counts.astype(np.int64)


def without_padding(x: Array, lengths: Array | None) -> Array:
    """Put zeros after the end of each row, whatever was there.

    Args:
        x: (N, T, ...).
        lengths: (N,), or None if all steps count.
    """
    if lengths is None:
        return x
    valid = valid_steps(lengths, *x.shape[:2])
    return np.where(valid.reshape(*valid.shape, *[1] * (x.ndim - 2)), x, x.dtype.type(0))


def check_fits(layers: Sequence[Layer], x: Array, lengths: Array | None) -> None:
    """Refuse data that a network would stumble over in the middle of a training.

    Args:
        layers: of the network.
        x: all the inputs, (N, ...).
        lengths: (N,) or None.

    Raises:
        ValueError: there are lengths and no recurrent layer, or tokens outside the vocabulary.
    """
    if lengths is not None and not any(isinstance(layer, Recurrent) for layer in layers):
        raise ValueError("lengths is for recurrent layers, and this network has none")
    first = layers[0]
    if isinstance(first, Embedding) and x.dtype.kind in "iu":
        require_tokens(without_padding(x, lengths), first.vocabulary_size)


def counted(prediction: Array, target: Array, lengths: Array | None) -> tuple[Array, Array]:
    """Keep the steps that count, all in one row; without steps or lengths, keep all.

    Args:
        prediction: (N, T, K), or (N, K) of a network that gives one for each row.
        target: (N, T, ...) or (N, ...).
        lengths: (N,) or None.

    Returns:
        (M, K) and (M, ...), where M is the sum of the lengths.

    Raises:
        ShapeError: the target has not the steps of the prediction.
    """
    if lengths is None or prediction.ndim < 3:
        return prediction, target
    target = plain_array("the target", target)
    if target.shape[:2] != prediction.shape[:2]:
        raise ShapeError(
            f"target has shape {target.shape}, expected {prediction.shape[:2]} to begin with: rows "
            "and steps"
        )
    valid = valid_steps(lengths, *prediction.shape[:2])
    return prediction[valid], target[valid]


def spread(grad: Array, shape: Shape, lengths: Array | None) -> Array:
    """Put the gradient of what `counted` has kept into its places, among zeros.

    Args:
        grad: (M, K).
        shape: of the prediction.
        lengths: as `counted` had them.
    """
    if lengths is None or len(shape) < 3:
        return grad
    whole = np.zeros(shape, grad.dtype)
    whole[valid_steps(lengths, *shape[:2])] = grad
    return whole


@contextmanager
def carrying(layers: Sequence[Recurrent]) -> Iterator[None]:
    """Let these layers carry their state from forward to forward within the block."""
    before = [layer.carries for layer in layers]
    try:
        for layer in layers:
            layer.carry(True)
        yield
    finally:
        for layer, carries in zip(layers, before, strict=True):
            layer.carry(carries)


@contextmanager
def fresh_state(layers: Sequence[Recurrent]) -> Iterator[None]:
    """Begin new sequences in the block, and go on after it where the old ones were."""
    states = [layer.state for layer in layers]
    for layer in layers:
        layer.reset_state()
    try:
        yield
    finally:
        for layer, state in zip(layers, states, strict=True):
            layer.state = state


@contextmanager
def all_or_nothing(layers: Sequence[Recurrent], lengths: Array | None = None) -> Iterator[None]:
    """Let all layers go on to their next state in the block, or, if it fails, none.

    Args:
        layers: the recurrent ones.
        lengths: what they go by within the block.
    """
    states = [layer.state for layer in layers]
    try:
        for layer in layers:
            layer.take_lengths(lengths)
        yield
    except BaseException:
        for layer, state in zip(layers, states, strict=True):
            layer.state = state
        raise
    finally:
        for layer in layers:
            layer.take_lengths(None)


def pieces(steps: int, length: int) -> Iterator[slice]:
    """Cut steps into pieces of some length; the last may be shorter."""
    for start in range(0, steps, length):
        yield slice(start, min(start + length, steps))


def in_pieces(
    forward: Callable[[Array], Array], layers: Sequence[Recurrent], x: Array, length: int
) -> Array:
    """Send long rows through a network piece by piece: the same result in less memory.

    They begin with the state that the layers have; only those that carry it leave another one.

    Args:
        forward: computes the output of a piece.
        layers: those whose state goes from piece to piece.
        x: (N, T, ...).
        length: steps in a piece.

    Returns:
        (N, T, K), or the last piece's (N, K) where the network gives one output for each row.
    """
    before = [(layer, layer.state) for layer in layers if not layer.carries]
    with all_or_nothing(layers), carrying(layers):
        outputs = [forward(x[:, steps]) for steps in pieces(x.shape[1], length)]
    for layer, state in before:
        layer.state = state
    return np.concatenate(outputs, axis=1) if outputs[-1].ndim > 2 else outputs[-1]

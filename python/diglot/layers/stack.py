"""Layers in a row: is this list one, and do its layers fit together?"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from diglot._arrays import plain_array, real_array
from diglot._typing import Array, DType, Shape
from diglot.errors import DataError, ShapeError
from diglot.initializers import Initializer
from diglot.layers.base import Create, Layer
from diglot.operations import Activation, Operation


def check_layers(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Refuse what is not a list of layers, each an object of its own.

    Raises:
        ValueError: the message says what to write instead.
    """
    if isinstance(layers, Layer) or not isinstance(layers, Iterable):
        raise ValueError(f"layers is {layers!r}, expected a list of layers")
    layers = tuple(layers)
    if not layers:
        raise ValueError("layers is empty, expected at least one")
    positions: dict[int, int] = {}
    for position, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise ValueError(f"layers[{position}] is {_what_instead(layer)}")
        first = positions.setdefault(id(layer), position)
        if first != position:
            raise ValueError(
                f"layers[{first}] and layers[{position}] are one object; make two, or they would "
                "share their parameters and mix up their values"
            )
        if position and layer.takes_integers:
            raise ValueError(
                f"layers[{position}] is {layer!r}, which takes integers: it must be the first layer"
            )
    return layers


def measure(layers: Sequence[Layer], input_shape: Shape, dtype: DType) -> dict[str, Shape]:
    """Check that the layers fit together, without setting them up or allocating anything.

    Args:
        layers: those that are set up must have been for what they will get here.
        input_shape: of one sample, without the batch axis.
        dtype: of the network.

    Returns:
        The shape of every parameter, by its name in the network: "0.weight".

    Raises:
        ShapeError: a layer cannot take what comes; the message names the layer.
        ValueError: a layer was set up in another dtype.
    """
    shape, shapes = input_shape, {}
    for position, layer in enumerate(layers):
        if layer.input_shape is not None and not layer.fits(shape):
            error = f"a sample has shape {shape}, but the layer was set up for {layer.input_shape}"
            raise located(error, position, layer)
        for array in layer.parameters().values():
            if array.dtype != dtype:
                raise ValueError(
                    f"layer {position}, {layer!r}, was set up in {array.dtype}, but the network "
                    f"computes in {dtype}"
                )
        try:
            shape, parameters = layer.measure(shape)
        except ShapeError as error:
            raise located(error, position, layer) from error
        shapes.update({f"{position}.{name}": size for name, size in parameters.items()})
    return shapes


def set_up(
    layers: Sequence[Layer],
    input_shape: Shape,
    create: Create,
    rng: np.random.Generator,
    places: Mapping[str, Array] | None = None,
) -> None:
    """Give the layers that have none, in order, their operations and parameters.

    Args:
        layers: those that `measure` has found to fit.
        input_shape: of one sample, without the batch axis.
        create: gives each parameter's values; it is asked for "0.weight".
        rng: for dropout.
        places: arrays to keep the values in, by the same names; None keeps what `create` gives.
    """

    def keep(name: str, shape: Shape, initializer: Initializer) -> Array:
        values = create(name, shape, initializer)
        if places is None:
            return values
        place = places[name]
        if (values.shape, values.dtype) != (place.shape, place.dtype):
            return values  # of an initializer that errs: the operation will say so
        place[...] = values
        return place

    shape = input_shape
    for position, layer in enumerate(layers):
        if layer.output_shape is None:
            prefix = f"{position}."
            layer.setup(shape, lambda name, *how, at=prefix: keep(at + name, *how), rng)
        shape = layer.output_shape or ()


def checked_input(first: Layer, input_: Array, dtype: DType) -> Array:
    """Take a batch as the first layer of a row needs it.

    Args:
        first: the layer.
        input_: (N, ...): real numbers, or the integers that the layer takes.
        dtype: what real numbers are brought to.

    Raises:
        DataError: there is something else in it.
        ShapeError: it is no batch.
    """
    if first.takes_integers:
        input_ = plain_array("the input", input_)
        if input_.dtype.kind not in "iu":
            raise DataError(
                f"the input has dtype {input_.dtype}, expected integers: the tokens that "
                f"{first!r} looks up"
            )
    else:
        input_ = real_array("the input", input_).astype(dtype, copy=False)
    if input_.ndim < 2:
        raise ShapeError(
            f"the input has shape {input_.shape}, expected a batch of samples (N, ...)"
        )
    return input_


def located(error: ShapeError | str, position: int, layer: Layer) -> ShapeError:
    """Say in which layer of the row an error was found."""
    return ShapeError(f"layer {position}, {layer!r}: {error}")


def _what_instead(value: object) -> str:
    if inspect.isclass(value) and issubclass(value, Layer):
        return f"the class {value.__name__}; write {value.__name__}(…)"
    kind = value if inspect.isclass(value) else type(value)
    if issubclass(kind, Activation):
        name = kind.__name__
        return (
            f"the operation {name}; make it part of a layer, Dense(…, activation={name}), or a "
            f"layer of its own, diglot.Activation({name})"
        )
    if issubclass(kind, Operation):
        return f"the operation {kind.__name__}; a layer is made of operations, see diglot.Layer"
    return f"{value!r}, expected a layer such as Dense(10)"

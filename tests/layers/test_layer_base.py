import copy
from dataclasses import dataclass

import numpy as np
import pytest

from diglot import gradcheck
from diglot.errors import ShapeError
from diglot.initializers import Standard
from diglot.layers import (
    Activation,
    AvgPool2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    Layer,
    MaxPool2D,
)
from diglot.operations import BiasAdd, WeightMultiply

IMAGES = (2, 5, 6)
LAYERS = [
    (Dense(4), (5,)),
    (Dense(4, "tanh", dropout=0.3), (5,)),
    (Dense(4, bias=False), (3, 5)),
    (Conv2D(4, 3, "gelu"), IMAGES),
    (Conv2D(4, (2, 3), padding="same", stride=2, groups=2, dropout=0.2, flatten=True), IMAGES),
    (Conv2D(3, 2, bias=False, dilation=2, padding=(1, 2)), IMAGES),
    (MaxPool2D(2), IMAGES),
    (AvgPool2D((2, 3), 1, 1), IMAGES),
    (GlobalAvgPool2D(), IMAGES),
    (Flatten(), IMAGES),
    (Dropout(0.5), IMAGES),
    (Activation("sigmoid"), IMAGES),
    (Activation("linear"), IMAGES),
]
EVERY = pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda v: repr(v))


@EVERY
def test_gradients(rng, layer, shape):
    gradcheck(layer, rng.normal(size=(3, *shape)))
    assert not layer.operations  # it was checked on a copy


@EVERY
def test_shapes_are_known_beforehand(rng, layer, shape):
    layer = copy.deepcopy(layer)
    output_shape, parameter_shapes = layer.measure(shape)
    assert not layer.operations
    assert layer.setup(shape, rng=rng) == output_shape == layer.output_shape
    assert {name: p.shape for name, p in layer.parameters().items()} == parameter_shapes
    for rows in (4, 1, 0):
        output = layer.forward(np.ones((rows, *shape), np.float32))
        assert output.shape == (rows, *output_shape)
        assert output.dtype == np.float32
        assert layer.backward(np.ones_like(output)).shape == (rows, *shape)
    assert layer.gradients().keys() == layer.parameters().keys()


@EVERY
def test_the_parameters_gradients_alone_are_the_same(rng, layer, shape):
    layer = copy.deepcopy(layer)
    output = layer.forward(rng.normal(size=(3, *shape)))
    grad = rng.normal(size=output.shape)
    layer.backward(grad)
    expected = {name: g.copy() for name, g in layer.gradients().items()}
    for operation in layer.operations:
        operation.__dict__.pop("param_grads", None)
    if layer.parameters():
        layer.operations[0]._input_grad = None  # nobody asks for it
    layer.backward_params(grad)
    assert layer.gradients().keys() == expected.keys()
    for name, value in layer.gradients().items():
        np.testing.assert_array_equal(value, expected[name])


@EVERY
def test_a_layer_takes_only_the_shape_it_was_set_up_for(layer, shape):
    layer = copy.deepcopy(layer)
    layer.setup(shape)
    expected = ", ".join(["N", *map(str, shape)])
    all_wrong = [(*shape[:-1], shape[-1] + 1), (*shape, 1), shape[:-1]]
    if layer.fixed_axes == slice(0):  # it takes samples of any size
        assert layer.forward(np.ones((3, *shape[:-1], 9), np.float32)).shape[-1] == 9
        del all_wrong[0]
    for wrong in all_wrong:
        with pytest.raises(ShapeError) as caught:
            layer.forward(np.ones((3, *wrong), np.float32))
        assert f"input_ has shape {(3, *wrong)}, expected ({expected})" in str(caught.value)


def test_the_first_forward_sets_a_layer_up():
    layer = Dense(3)
    assert layer.operations == ()
    assert layer.parameters() == {}
    output = layer.forward(np.ones((2, 4)))
    assert output.dtype == layer.parameters()["weight"].dtype == np.float64
    assert layer.input_shape == (4,)


@EVERY
def test_backward_needs_a_forward(layer, shape):
    layer, grad = copy.deepcopy(layer), np.ones((2, 3), np.float32)
    for backward in (layer.backward, layer.backward_params):
        with pytest.raises(ValueError, match="run forward before backward"):
            backward(grad)
    layer.setup(shape)
    if layer.operations:
        with pytest.raises(ValueError, match="run forward before backward"):
            layer.backward(grad)
    if layer.parameters():
        with pytest.raises(ValueError, match="run backward before asking for gradients"):
            layer.gradients()


@pytest.mark.parametrize("x", [[[1.0, 2.0]], np.ones((2, 2), int), np.ones((2, 2), np.float16)])
def test_parameters_are_floating(x):  # or integers would make integer weights, all 0
    layer = Dense(3)
    with pytest.raises(ValueError, match=r"expected (a NumPy array|np\.float32 or np\.float64)"):
        layer.forward(x)
    assert not layer.operations


def test_a_second_setup_starts_anew(rng):
    layer = Dense(3)
    layer.setup((4,), rng=rng)
    before = layer.parameters()["weight"]
    layer.setup((5,), rng=rng)
    assert layer.parameters()["weight"].shape == (5, 3)
    assert before.shape == (4, 3)


def test_create_is_asked_for_every_parameter():
    asked = []

    def create(name, shape, initializer):
        asked.append((name, shape, repr(initializer)))
        return np.zeros(shape)

    layer = Conv2D(4, 3, groups=2, weight_init="he", bias_init=Standard(0.1))
    layer.setup(IMAGES, create)
    assert asked == [("weight", (4, 1, 3, 3), "He()"), ("bias", (4,), "Standard(0.1)")]
    assert not layer.parameters()["weight"].any()


def test_layers_can_be_copied(rng):
    layer = Dense(3, "tanh", dropout=0.5)
    layer.setup((4,), rng=rng)
    x = rng.normal(size=(5, 4)).astype(np.float32)
    twin = copy.deepcopy(layer)
    np.testing.assert_array_equal(layer.forward(x), twin.forward(x))  # the same dropout, too
    twin.parameters()["weight"][...] = 0
    assert layer.parameters()["weight"].any()


@dataclass(eq=False, repr=False)
class Residual(Layer):
    """A layer of one's own, with two parameters of one name if asked for."""

    twice: bool = False

    def _setup(self, input_shape, create, rng):
        weight = create("weight", (input_shape[-1], 2), Standard())
        bias = create("weight" if self.twice else "bias", (2,), Standard())
        return [WeightMultiply(weight), BiasAdd(bias)], (*input_shape[:-1], 2)


def test_a_layer_of_ones_own(rng):
    gradcheck(Residual(), rng.normal(size=(3, 4)))
    with pytest.raises(ValueError, match=r"Residual\(True\) has two parameters named 'weight'"):
        Residual(True).measure((4,))

import json
from dataclasses import dataclass

import numpy as np
import pytest

from diglot import config
from diglot.initializers import He
from diglot.layers import LAYERS, Conv2D, Dense, Flatten, MaxPool2D
from diglot.losses import LOSSES, Huber
from diglot.operations import ACTIVATIONS, Activation, LeakyReLU, Linear, ReLU, Tanh


@pytest.mark.parametrize(
    ("configured", "text"),
    [
        (Dense(10), "Dense(10)"),
        (Dense(neurons=10, activation="linear"), "Dense(10)"),
        (Dense(3, "tanh", weight_init=He), "Dense(3, activation=Tanh, weight_init=He)"),
        (Dense(3, LeakyReLU(0.2), bias=False), "Dense(3, activation=LeakyReLU(0.2), bias=False)"),
        (Dense(3, weight_init=He(uniform=True)), "Dense(3, weight_init=He(True))"),
        (
            Conv2D(32, 5, padding="same", activation=Tanh),
            "Conv2D(32, kernel_size=5, activation=Tanh, padding='same')",
        ),
        (MaxPool2D((2, 3), padding=1), "MaxPool2D((2, 3), padding=1)"),
        (Flatten(), "Flatten()"),
        (LeakyReLU(), "LeakyReLU()"),
        (Huber(2), "Huber(2.0)"),
    ],
)
def test_repr_shows_what_is_not_the_default(configured, text):
    assert repr(configured) == text


@pytest.mark.parametrize(
    "layer",
    [
        Dense(np.int64(3), LeakyReLU(0.3), dropout=np.float32(0.5), weight_init="orthogonal"),
        Conv2D(4, (3, 5), stride=(1, 2), padding="same", groups=2, flatten=True),
        Conv2D(4, 3, padding=np.int32(1), dilation=2),
        MaxPool2D(3, 2, (1, 0)),
        Flatten(),
    ],
    ids=repr,
)
def test_config_survives_json(layer):
    described = json.loads(json.dumps(layer.config()))
    again = config.build(described, LAYERS, "layer")
    assert type(again) is type(layer)
    assert again.config() == layer.config()
    assert repr(again) == repr(layer)


def test_config_names_every_argument():
    assert MaxPool2D(2).config() == {
        "type": "MaxPool2D",
        "kernel_size": 2,
        "stride": None,
        "padding": 0,
    }
    assert Dense(3, LeakyReLU(0.5)).config()["activation"] == {
        "type": "LeakyReLU",
        "negative_slope": 0.5,
    }


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"type": "Sausage"}, "layer 'Sausage' is unknown; expected one of Dense, Conv2D"),
        ({"type": "Huber"}, "is unknown"),
        ({"type": "__class__"}, "is unknown"),
        ({"type": ["Dense"]}, "expected a description with a 'type'"),
        ({"neurons": 3}, "expected a description with a 'type'"),
        ("Dense", "expected a description with a 'type'"),
        (None, "expected a description with a 'type'"),
        ({"type": "Dense"}, "Dense lacks its argument 'neurons'"),
        ({"type": "Dense", "neurons": 3, "neuron": 4}, "no argument 'neuron'; it takes neurons"),
        ({"type": "Dense", "neurons": 3, "operations": []}, "no argument 'operations'"),
        ({"type": "Dense", "neurons": 3, "self": 1}, "no argument 'self'"),
        ({"type": "Dense", "neurons": 3, 7: 1}, "no argument '7'"),
        ({"type": "Dense", "neurons": "3"}, "neurons is '3', expected an integer"),
        ({"type": "Dense", "neurons": {"type": "Dense", "neurons": 3}}, "expected an integer"),
        ({"type": "Dense", "neurons": True}, "expected an integer"),
        ({"type": "Dense", "neurons": 2.0}, "expected an integer"),
        ({"type": "Dense", "neurons": 0}, "neurons is 0, expected at least 1"),
        ({"type": "Dense", "neurons": 3, "bias": 1}, "bias is 1, expected True or False"),
        ({"type": "Dense", "neurons": 3, "activation": {"type": "Dense"}}, "is unknown"),
        ({"type": "Dense", "neurons": 3, "activation": None}, "activation is None"),
        ({"type": "Dense", "neurons": 3, "dropout": "much"}, "dropout is 'much'"),
        ({"type": "Conv2D", "channels": 3, "kernel_size": [3]}, "expected one number or"),
        ({"type": "Conv2D", "channels": 3, "kernel_size": [3, "3"]}, "expected an integer"),
    ],
)
def test_build_makes_only_what_is_allowed(described, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        config.build(described, LAYERS, "layer")


@pytest.mark.parametrize(
    "value",
    ["leaky_relu", "LeakyReLU", "LEAKYRELU", LeakyReLU, LeakyReLU(), {"type": "LeakyReLU"}],
    ids=repr,
)
def test_resolve_takes_names_classes_instances_and_descriptions(value):
    first = config.resolve(value, ACTIVATIONS, "activation")
    second = config.resolve(value, ACTIVATIONS, "activation")
    assert type(first) is type(second) is LeakyReLU
    assert first is not second
    assert first is not value


def test_resolve_keeps_the_settings_of_an_instance_and_not_its_state():
    given = LeakyReLU(0.3)
    given.forward(np.ones((2, 2)))
    made = config.resolve(given, ACTIVATIONS, "activation")
    assert made.negative_slope == 0.3
    assert not hasattr(made, "output")


class Square(Activation):
    def _output(self):
        return self.input_**2

    def _input_grad(self, output_grad):
        return 2 * self.input_ * output_grad


@dataclass(eq=False, repr=False)
class Power(Activation):
    exponent: int

    def _output(self):
        return self.input_**self.exponent

    def _input_grad(self, output_grad):
        return self.exponent * self.input_ ** (self.exponent - 1) * output_grad


def test_resolve_takes_a_class_of_ones_own():
    assert isinstance(config.resolve(Square, ACTIVATIONS, "activation"), Square)
    square, power = Square(), Power(3)
    assert config.resolve(square, ACTIVATIONS, "activation") is not square
    assert config.resolve(power, ACTIVATIONS, "activation").exponent == 3
    assert repr(Dense(2, Power(3))) == "Dense(2, activation=Power(3))"
    assert repr(Dense(2, Square)) == "Dense(2, activation=Square)"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("relo", "activation 'relo' is unknown; did you mean 'ReLU'? expected one of Linear, Sig"),
        ("", "activation '' is unknown; expected one of"),
        (Dense, "activation is the class Dense; expected one of"),
        (Dense(3), "activation is Dense(3)"),
        (Activation, "activation is the class Activation; expected"),
        (np.tanh, "activation is <ufunc 'tanh'>; expected one of"),
        (3, "activation is 3; expected one of"),
        (Power, "activation Power needs an argument: Power(exponent=…)"),
        ("x" * 10_000, "…"),
    ],
)
def test_resolve_says_what_there_is(value, message):
    with pytest.raises(ValueError, match="activation") as caught:
        config.resolve(value, ACTIVATIONS, "activation")
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300


def test_names_are_unique_without_case_and_underscores():
    for allowed in (ACTIVATIONS, LAYERS, LOSSES):
        assert len({name.lower().replace("_", "") for name in allowed}) == len(allowed)
        assert all(cls.__name__ == name for name, cls in allowed.items())


def test_layers_never_share_an_activation():  # book, erratum E12
    tanh = Tanh()
    first, second = Dense(3, activation=tanh), Dense(3, activation=tanh)
    for layer in (first, second):
        layer.setup((4,))
    operations = [first.activation, second.activation, first.operations[-1], second.operations[-1]]
    assert all(isinstance(operation, Tanh) for operation in operations)
    assert len({id(operation) for operation in [tanh, *operations]}) == 5
    assert Dense(3).activation is not Dense(3).activation
    assert Dense(3).weight_init is not Dense(3).weight_init


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1, "x", None, True, 10**400])
def test_a_share_is_at_least_0_and_below_1(value):
    with pytest.raises(ValueError, match="rate is"):
        config.real("rate", value, least=0, below=1)


def test_numbers_come_back_as_pythons_own():
    assert type(config.integer("n", np.int16(3))) is int
    assert type(config.real("x", np.float32(0.5))) is float
    assert config.int_or_pair("k", [np.int8(1), 2]) == (1, 2)
    with pytest.raises(ValueError, match=r"x is 0\.0, expected a number above 0"):
        config.positive("x", 0)


def test_linear_is_the_default_activation():
    assert isinstance(Dense(3).activation, Linear)
    assert isinstance(Dense(3, ReLU).activation, ReLU)

import numpy as np
import pytest

from diglot.errors import ShapeError
from diglot.layers import Dense
from diglot.operations import DenseOp, DropoutOp, Tanh


def test_what_it_does(rng):
    layer = Dense(3, activation=Tanh)
    x = rng.normal(size=(5, 4))
    output = layer.forward(x)
    weight, bias = layer.parameters().values()
    np.testing.assert_allclose(output, np.tanh(x @ weight + bias), rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "operations"),
    [
        (Dense(3), [DenseOp]),
        (Dense(3, "tanh"), [DenseOp, Tanh]),
        (Dense(3, "tanh", bias=False), [DenseOp, Tanh]),
        (Dense(3, "tanh", dropout=0.1), [DenseOp, Tanh, DropoutOp]),
        (Dense(3, dropout=0.1), [DenseOp, DropoutOp]),
    ],
    ids=repr,
)
def test_no_operation_is_run_in_vain(layer, operations):
    layer.setup((4,))
    assert [type(operation) for operation in layer.operations] == operations


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"neurons": 0}, "neurons is 0, expected at least 1"),
        ({"neurons": "10"}, "neurons is '10', expected an integer"),
        ({"neurons": 2.5}, "expected an integer"),
        ({"neurons": 3, "activation": "tan"}, "did you mean 'Tanh'"),
        ({"neurons": 3, "activation": 3}, "activation is 3"),
        ({"neurons": 3, "dropout": 1.0}, "dropout is 1.0, expected a finite number >= 0 and < 1"),
        ({"neurons": 3, "bias": "no"}, "bias is 'no', expected True or False"),
        ({"neurons": 3, "weight_init": "xavier"}, "weight_init 'xavier' is unknown"),
        ({"neurons": 3, "weight_init": np.zeros}, "weight_init is"),
        ({"neurons": 3, "bias_init": None}, "bias_init is None"),
    ],
)
def test_settings_must_make_sense(settings, message):
    with pytest.raises(ValueError, match=message):
        Dense(**settings)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_there_must_be_features(shape):
    with pytest.raises(ShapeError, match=r"a sample has shape .*, expected \(features,\)"):
        Dense(3).setup(shape)


def test_a_glorot_bias_makes_no_sense():
    with pytest.raises(ShapeError, match="for biases take Zeros or Standard"):
        Dense(3, bias_init="glorot").setup((4,))

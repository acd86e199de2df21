"""Whatever a layer is given: both backends take it, with the same result, or both refuse it."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diglot
from diglot.kernels import available_builds
from diglot.layers import LAYERS

sys.path.insert(0, str(Path(__file__).parents[1] / "kernels"))
from odd_arrays import laid_out, some
from test_bad_arrays import INTEGERS, NO_ARRAYS, OTHERS, as_dtype
from test_bad_shapes import shape_near, with_shape

BACKENDS = ["reference", *available_builds()[:1]]

SAMPLES = {  # a layer, and the shape of a batch for it
    "Dense": (lambda: diglot.Dense(3, activation=diglot.Sigmoid), (4, 5)),
    "Conv2D": (lambda: diglot.Conv2D(3, kernel_size=2, activation=diglot.Tanh), (2, 2, 4, 5)),
    "MaxPool2D": (lambda: diglot.MaxPool2D(2), (2, 3, 4, 5)),
    "AvgPool2D": (lambda: diglot.AvgPool2D(2), (2, 3, 4, 5)),
    "GlobalAvgPool2D": (lambda: diglot.GlobalAvgPool2D(), (2, 3, 4, 5)),
    "Flatten": (lambda: diglot.Flatten(), (2, 3, 4)),
    "Dropout": (lambda: diglot.Dropout(0.4), (4, 5)),
    "Activation": (lambda: diglot.Activation(diglot.GELU), (4, 5)),
    "Embedding": (lambda: diglot.Embedding(7, 3), (2, 4)),
    "RNN": (lambda: diglot.RNN(3), (2, 4, 5)),
    "GRU": (lambda: diglot.GRU(3), (2, 4, 5)),
    "LSTM": (lambda: diglot.LSTM(3), (2, 4, 5)),
}


def test_every_layer_is_tested():
    assert set(SAMPLES) == set(LAYERS)


@st.composite
def odd(draw, x):
    """Draw an array, or no array, that is not quite this one."""
    way = draw(st.sampled_from(["place", "place", "dtype", "shape", "none", "mask"]))
    if way == "place":
        return draw(laid_out(x))
    if way == "dtype":
        return as_dtype(x, np.dtype(draw(st.sampled_from(INTEGERS + OTHERS))))
    if way == "shape":
        return with_shape(x, draw(shape_near(x.shape)))
    if way == "mask":
        return np.ma.masked_array(x)
    return NO_ARRAYS[draw(st.sampled_from(sorted(set(NO_ARRAYS) - {"rude", "iterator"})))](x)


def outcome(act):
    """What comes out: an array, or the error's class and words."""
    try:
        return np.array(act())
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def agree(first, second):
    if isinstance(first, str) or isinstance(second, str):
        assert str(first) == str(second)
        return
    assert first.dtype == second.dtype
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(len(BACKENDS) < 2, reason="nothing is compiled")
@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("name", LAYERS)
@some
@given(data=st.data())
def test_both_backends_agree_on_odd_inputs(name, data):
    make, shape = SAMPLES[name]
    rng = np.random.default_rng(1)
    if name == "Embedding":
        x = rng.integers(0, 7, shape)
    else:
        x = rng.standard_normal(shape).astype("float32")
    changed = data.draw(odd(x), label="input")
    outputs, grads = [], []
    for backend in BACKENDS:
        net = diglot.NeuralNetwork([make()], diglot.MeanSquaredError(), seed=1)
        net.setup(shape[1:])
        (layer,) = net.layers
        with diglot.use_backend(backend):
            outputs.append(outcome(lambda layer=layer: layer.forward(changed)))
            output = layer.forward(x)
            grads.append((layer, output))
    agree(*outputs)
    if not isinstance(outputs[0], str) and isinstance(changed, np.ndarray):
        agree(outputs[0], as_plain(make, shape, changed))
    grad = data.draw(odd(np.array(grads[0][1])), label="output_grad")
    results = []
    for backend, (layer, _) in zip(BACKENDS, grads, strict=True):
        with diglot.use_backend(backend):
            results.append(outcome(lambda layer=layer: layer.backward(grad)))
    agree(*results)


def as_plain(make, shape, changed):
    """What the definitions make of the same numbers in a plain array."""
    net = diglot.NeuralNetwork([make()], diglot.MeanSquaredError(), seed=1)
    net.setup(shape[1:])
    plain = np.array(changed, changed.dtype.newbyteorder("="), order="C", subok=False)
    with diglot.use_backend("reference"):
        return np.array(net.layers[0].forward(plain))

"""The embedding layer, alone and at the beginning of a network."""

import numpy as np
import pytest

import diglot
from diglot import gradcheck
from diglot.config import build
from diglot.errors import DataError
from diglot.layers import LAYERS, Dense, Embedding


def network(**settings):
    layers = [Embedding(6, 3), diglot.GRU(4), Dense(6)]
    return diglot.NeuralNetwork(layers, "softmax_cross_entropy", **{"seed": 1, **settings})


@pytest.fixture
def tokens(rng):
    return rng.integers(6, size=(4, 5))


def test_it_looks_up_rows(tokens):
    layer = Embedding(6, 3)
    output = layer.forward(tokens)
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, layer.parameters()["weight"][tokens])
    assert layer.forward(tokens[:, :2]).shape == (4, 2, 3)  # any number of steps
    assert layer.measure((7,)) == ((7, 3), {"weight": (6, 3)})


def test_gradients(tokens):
    assert [check.name for check in gradcheck(Embedding(6, 3), tokens).arrays] == ["weight"]
    names = [check.name for check in gradcheck(network(), tokens, tokens).arrays]
    assert names[:2] == ["0.weight", "1.input_weight"]
    assert gradcheck(network(), tokens, tokens, lengths=[1, 5, 2, 3]).passed


def test_a_network_has_no_gradient_for_tokens(tokens):
    net = network()
    output = net.forward(tokens)
    assert net.backward(np.ones_like(output)) is None
    with pytest.raises(ValueError, match="tokens are integers and have no gradient"):
        net.backward(np.ones_like(output), needs_input_grad=True)


def test_the_settings_survive_the_way_to_json_and_back():
    layer = Embedding(6, 3, weight_init="glorot")
    assert repr(build(layer.config(), LAYERS, "layer")) == repr(layer)
    assert repr(Embedding(6, 3)) == "Embedding(6, dimensions=3)"


def test_it_can_only_be_the_first():
    with pytest.raises(ValueError, match=r"layers\[1\] is Embedding\(6, .*must be the first layer"):
        diglot.NeuralNetwork([Dense(3), Embedding(6, 3)], "mean_squared_error")


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64, ">i8"])
def test_integers_of_all_kinds(tokens, dtype):
    net = network()
    expected = net.predict(tokens)
    np.testing.assert_array_equal(net.predict(tokens.astype(dtype)), expected)
    np.testing.assert_array_equal(net.predict(tokens.tolist()), expected)


@pytest.mark.parametrize("dtype", [np.float32, bool, complex, object])
def test_what_is_no_integer_is_refused(tokens, dtype):
    for use in (network().forward, network().predict):
        with pytest.raises(DataError, match=r"expected integers: the tokens that Embedding"):
            use(tokens.astype(dtype))


def test_unknown_tokens_are_found_before_anything_is_trained(tokens):
    tokens = np.concatenate([tokens] * 5)
    tokens[-1, -1] = 6
    net = network()
    trainer = diglot.Trainer(net, diglot.SGD(0.1))
    good = tokens[:-1]
    for x, settings in [(tokens, {}), (good, {"validation": (tokens, tokens)})]:
        with pytest.raises(DataError, match=r"tokens lie in 0\.\.6, expected 0\.\.5"):
            trainer.fit(x, x % 6, epochs=1, batch_size=4, shuffle=False, progress=False, **settings)
    assert net.input_shape is None
    assert trainer.steps == 0


def test_padding_may_hold_any_token(tokens):
    lengths = np.array([2, 5, 1, 3])
    padded = np.where(np.arange(5) < lengths[:, None], tokens, -1)
    net, twin = network(), network()
    targets = np.where(padded < 0, -100, tokens)
    assert net.train_batch(padded, targets, lengths=lengths) == twin.train_batch(
        tokens, tokens, lengths=lengths
    )
    for name, grad in net.gradients().items():
        np.testing.assert_array_equal(grad, twin.gradients()[name])
    for each in (net, twin):
        trainer = diglot.Trainer(each, diglot.SGD(0.1))
        trainer.fit(
            padded, targets, lengths=lengths, epochs=1, batch_size=2, seed=0, progress=False
        )


def test_tokens_and_one_hot_rows_are_trained_alike(tokens):
    table = network(dtype=np.float64)
    table.setup((5,))
    plain = diglot.NeuralNetwork(
        [diglot.Dense(3, bias=False), *table.layers[1:]], "softmax_cross_entropy", dtype=np.float64
    )
    plain.layers[0].setup((5, 6), dtype=np.float64)
    plain.layers[0].parameters()["weight"][...] = table.parameters()["0.weight"]
    loss = table.train_batch(tokens, tokens)
    expected = table.gradients()["0.weight"]
    assert plain.train_batch(np.eye(6)[tokens], tokens) == pytest.approx(loss)
    np.testing.assert_allclose(plain.gradients()["0.weight"], expected, atol=1e-12)


def test_of_one_vocabulary_and_no_rows():
    assert network().predict(np.zeros((0, 5), int)).shape == (0, 5, 6)
    assert Embedding(1, 2).forward(np.zeros((2, 3), int)).shape == (2, 3, 2)
    with pytest.raises(ValueError, match="vocabulary_size is 0"):
        Embedding(0, 3)

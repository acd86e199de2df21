"""What `network.observe` and an operation's `trace` tell is what really went on."""

import numpy as np
import pytest

import diglot
from diglot.errors import ShapeError

RNG = np.random.default_rng(7)
X = RNG.normal(size=(12, 9)).astype(np.float32)
LABELS = np.arange(12) % 4


def network() -> diglot.NeuralNetwork:
    layers = [diglot.Dense(6, "tanh", dropout=0.5), diglot.Dense(4)]
    return diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1)


class TestObserve:
    def test_outputs_and_gradients_are_those_of_training(self) -> None:
        net = diglot.NeuralNetwork(
            [diglot.Dense(6, "tanh"), diglot.Dense(4)], "softmax_cross_entropy", seed=1
        )
        seen = net.observe(X, LABELS)
        assert net.input_shape is None  # a copy was set up
        assert seen.loss == net.train_batch(X, LABELS)
        dense, tanh, last = seen.steps
        np.testing.assert_array_equal(last.output, net.forward(X, True))
        np.testing.assert_allclose(tanh.output, np.tanh(dense.output), rtol=1e-5)
        np.testing.assert_allclose(
            X.T @ dense.gradient, net.gradients()["0.weight"], rtol=1e-4, atol=1e-6
        )
        assert last.layer is net.layers[1]
        assert [step.position for step in seen.steps] == [0, 0, 1]
        assert "loss" in repr(seen)
        assert "Tanh of layer 0" in repr(tanh)

    def test_dropout_is_off(self) -> None:
        *_, dropout, _ = network().observe(X).steps
        np.testing.assert_array_equal(dropout.output, dropout.operation.input_)

    def test_without_targets_there_is_no_gradient(self) -> None:
        seen = network().observe(X)
        assert seen.loss is None
        assert all(step.gradient is None for step in seen.steps)

    def test_tokens_and_lengths(self) -> None:
        layers = [diglot.Embedding(11, 5), diglot.LSTM(7), diglot.Dense(11)]
        net = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=3)
        x = RNG.integers(11, size=(2, 16))
        seen = net.observe(x, x, lengths=[4, 16])
        (embedding,) = seen.of_layer(0)
        assert not embedding.gradient[0, 4:].any()
        assert embedding.gradient[0, :4].any()
        assert seen.loss == net.train_batch(x, x, lengths=[4, 16])
        trace = seen.of_layer(1)[0].operation.trace()
        assert all(part.shape == (2, 16, 7) for part in trace.values())
        assert not trace["f"][0, 4:].any()

    def test_a_batch_that_does_not_fit(self) -> None:
        net = network()
        net.setup((9,))
        with pytest.raises(ShapeError, match="set up for"):
            net.observe(X[:, :5])


class TestTrace:
    def test_it_has_the_states(self) -> None:
        layer = diglot.LSTM(4)
        x = RNG.normal(size=(3, 6, 2)).astype(np.float32)
        output = layer.forward(x)
        trace = layer.operations[0].trace()
        assert list(trace) == ["i", "f", "g", "o", "h", "c"]
        np.testing.assert_array_equal(trace["h"], output)
        trace["h"][:] = 0  # a copy
        np.testing.assert_array_equal(layer.operations[0].trace()["h"], output)

    def test_forward_comes_first(self) -> None:
        layer = diglot.RNN(4)
        layer.setup((5, 2))
        with pytest.raises(ValueError, match="run forward"):
            layer.operations[0].trace()
        layer.forward(np.ones((1, 5, 2), np.float32))
        assert list(layer.operations[0].trace()) == ["h"]

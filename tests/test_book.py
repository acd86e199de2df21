"""The book's checks of chapter 1, and its errata: with each mistake, a test would fail here."""

import numpy as np
import pytest

import diglot
from diglot import gradcheck
from diglot.errors import GradientError
from diglot.initializers import Glorot
from diglot.operations import Conv2DOp, Operation, ReLU, Sigmoid, WeightMultiply


def legacy(seed, *shapes):
    """Draw as the book does, from NumPy's old generator, but not from the global one."""
    generator = np.random.RandomState(seed)
    return [generator.randn(*shape) for shape in shapes]


class TestChapter1:
    def test_one_row(self):
        x, w = legacy(190203, (1, 3), (3, 1))
        np.testing.assert_allclose(x, [[0.4723, 0.6151, -1.7262]], atol=5e-5)
        np.testing.assert_allclose(w.T, [[0.9282, -0.6075, -1.2214]], atol=5e-5)
        product, sigmoid = WeightMultiply(w), Sigmoid()
        sigmoid.forward(product.forward(x))
        grad = product.backward(sigmoid.backward(np.ones((1, 1))))
        np.testing.assert_allclose(grad, [[0.0852, -0.0557, -0.1121]], atol=5e-5)

    def test_three_rows(self):
        x, w = legacy(190204, (3, 3), (3, 2))
        product, sigmoid = WeightMultiply(w), Sigmoid()
        output = sigmoid.forward(product.forward(x))
        assert output.sum() == pytest.approx(2.3755, abs=5e-5)
        grad = product.backward(sigmoid.backward(np.ones((3, 2))))
        expected = [
            [0.2489, -0.3748, 0.0112],
            [0.126, -0.2781, -0.1395],
            [0.2299, -0.3662, -0.0225],
        ]
        np.testing.assert_allclose(grad, expected, atol=5e-5)

    def test_convolution_in_one_dimension(self):
        x = np.arange(1.0, 6).reshape(1, 1, 1, 5)
        conv = Conv2DOp(np.ones((1, 1, 1, 3)), padding=(0, 1))
        assert conv.forward(x).sum() == 39
        input_grad = conv.backward(np.ones((1, 1, 1, 5)))
        np.testing.assert_allclose(input_grad.ravel(), [2, 3, 3, 3, 2], rtol=1e-12)
        np.testing.assert_allclose(conv.param_grad.ravel(), [10, 15, 14], rtol=1e-12)


class TestErratum4:
    """The mask of ReLU's backward pass was `output >= 0`, which is always true."""

    def test_ours_stops_the_gradient(self):
        relu = ReLU()
        relu.forward(np.array([[-1.0, 2.0, 0.0, -3.0]]))
        np.testing.assert_array_equal(relu.backward(np.full((1, 4), 5.0)), [[0, 5, 0, 0]])

    def test_the_books_does_not(self, rng):
        class BooksReLU(Operation):
            def _output(self):
                return np.clip(self.input_, 0, None)

            def _input_grad(self, output_grad):
                return output_grad * (self.output >= 0)

        x = rng.normal(size=(4, 3))
        gradcheck(ReLU(), x)
        with pytest.raises(GradientError):
            gradcheck(BooksReLU(), x)


class TestErratum5:
    """Glorot's variance was taken for the standard deviation, and the filters' size forgotten."""

    def test_dense(self, rng):
        w = Glorot()((784, 89), rng, np.dtype(np.float64))
        assert w.std() == pytest.approx((2 / (784 + 89)) ** 0.5, rel=0.02)
        assert w.std() > 10 * 2 / (784 + 89)

    def test_filters(self, rng):
        w = Glorot()((32, 16, 5, 5), rng, np.dtype(np.float64))
        assert w.std() == pytest.approx((2 / (25 * (16 + 32))) ** 0.5, rel=0.03)

    def test_signals_keep_their_size_through_many_layers(self, rng):
        layers = [diglot.Dense(200) for _ in range(20)]
        network = diglot.NeuralNetwork(layers, "mean_squared_error", seed=0)
        x = rng.normal(size=(50, 200))
        assert 0.3 < network.predict(x).std() < 3


class TestErratum11:
    """Every layer reseeded the global generator: layers of one shape were identical."""

    def test_layers_of_one_shape_differ(self):
        for shape, make in [
            ((4,), lambda: diglot.Dense(4)),
            ((2, 5, 5), lambda: diglot.Conv2D(2, 1)),
        ]:
            network = diglot.NeuralNetwork([make(), make(), make()], "huber", seed=80718)
            network.setup(shape)
            weights = [layer.parameters()["weight"] for layer in network.layers]
            for i, j in [(0, 1), (0, 2), (1, 2)]:
                assert abs(np.corrcoef(weights[i].ravel(), weights[j].ravel())[0, 1]) < 0.95

    def test_dropout_masks_of_two_layers_differ(self):
        layers = [diglot.Dropout(0.5), diglot.Activation("tanh"), diglot.Dropout(0.5)]
        network = diglot.NeuralNetwork(layers, "huber", seed=1)
        kept = network.forward(np.ones((100, 100))) != 0
        assert np.mean(kept) == pytest.approx(0.25, abs=0.02)


class TestErratum12:
    """One activation object was the default of all layers."""

    def test_two_layers_do_not_share_an_activation(self, rng):
        layers = [diglot.Dense(5, activation=diglot.Sigmoid) for _ in range(2)]
        network = diglot.NeuralNetwork(layers, "mean_squared_error")
        gradcheck(network, rng.normal(size=(4, 5)), rng.normal(size=(4, 5)))

    def test_nor_if_they_are_given_one_object(self, rng):
        shared = Sigmoid()
        layers = [diglot.Dense(5, activation=shared) for _ in range(3)]
        network = diglot.NeuralNetwork(layers, "mean_squared_error")
        gradcheck(network, rng.normal(size=(4, 5)), rng.normal(size=(4, 5)))
        assert not hasattr(shared, "output")

import numpy as np
import pytest

import diglot
from diglot.errors import ShapeError


def test_the_books_networks():
    layers = [diglot.Dense(89, "tanh"), diglot.Dense(10)]
    summary = diglot.NeuralNetwork(layers, "softmax_cross_entropy").summary((784,))
    assert summary.parameters == 70_765
    assert summary.flops == 2 * 784 * 89 + 89 + 89 + 2 * 89 * 10 + 10
    layers = [diglot.Dense(178, "tanh", dropout=0.2), diglot.Dense(46, "tanh"), diglot.Dense(10)]
    assert diglot.NeuralNetwork(layers, "huber").summary((784,)).parameters == 148_434


TABLE = """
layer                                             output shape  parameters  FLOPs/sample
----------------------------------------------------------------------------------------
(input)                                           (1, 28, 28)
Conv2D(8, kernel_size=5, padding='same')          (8, 28, 28)          208       319,872
MaxPool2D(2)                                      (8, 14, 14)            0         6,272
Flatten()                                         (1568,)                0             0
Dense(10, activation=LeakyReLU(0.2), bias=False)  (10,)             15,680        31,370
----------------------------------------------------------------------------------------
total                                                               15,888       357,514
"""


def test_the_table():
    network = diglot.NeuralNetwork(
        [
            diglot.Conv2D(8, kernel_size=5, padding="same"),
            diglot.MaxPool2D(2),
            diglot.Flatten(),
            diglot.Dense(10, diglot.LeakyReLU(0.2), bias=False),
        ],
        diglot.SoftmaxCrossEntropy(),
    )
    summary = network.summary((1, 28, 28))
    assert str(summary) == repr(summary) == TABLE.strip()


def test_nothing_is_disturbed(rng):
    def make():
        layers = [diglot.Dense(4, "tanh", dropout=0.5), diglot.Dense(2)]
        return diglot.NeuralNetwork(layers, "mean_squared_error", seed=3)

    network, other = make(), make()
    network.summary((6,))
    assert network.input_shape is None
    assert not network.layers[0].operations
    x = rng.normal(size=(5, 6))
    np.testing.assert_array_equal(network.forward(x), other.forward(x))
    summary = network.summary()
    assert summary.input_shape == (6,)
    assert network.summary((9,)).rows[0].parameters == 9 * 4 + 4
    np.testing.assert_array_equal(network.forward(x), other.forward(x))
    output_grad = np.ones((5, 2))
    network.forward(x)
    network.summary()
    network.backward(output_grad)  # of its own forward, still


def test_what_does_not_fit():
    network = diglot.NeuralNetwork([diglot.Flatten(), diglot.Conv2D(3, 3)], "huber")
    with pytest.raises(ShapeError, match=r"layer 1, Conv2D\(3, .*expected \(channels, H, W\)"):
        network.summary((1, 8, 8))
    with pytest.raises(ValueError, match="input_shape is 'a'"):
        network.summary(("a",))

"""What is seen inside a network is what passes through it, and looking changes nothing."""

import numpy as np
import pytest

import diglot
from diglot.errors import ShapeError
from diglot.inspection import look_inside


def network(layers, **settings):
    return diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, **settings)


@pytest.fixture
def images(rng):
    return rng.normal(size=(5, 2, 6, 6)).astype(np.float32), rng.integers(3, size=5)


def convolutional():
    return network(
        [
            diglot.Conv2D(4, kernel_size=3, activation="relu"),
            diglot.Flatten(),
            diglot.Dense(6, dropout=0.5),
            diglot.Dense(3),
        ]
    )


def test_the_last_output_is_the_prediction(images):
    net = convolutional()
    net.setup((2, 6, 6))
    views = look_inside(net, images[0])
    assert [view.output.shape for view in views] == [(5, 4, 4, 4), (5, 64), (5, 6), (5, 3)]
    np.testing.assert_array_equal(views[-1].output, net.predict(images[0]))
    assert all(view.output_grad is None for view in views)
    assert views[0].param_grads == {}


def test_the_gradients_are_those_of_a_training_step(images):
    net = convolutional()
    net.setup((2, 6, 6))
    views = look_inside(net, *images)
    net.train_batch(*images)  # draws the same dropout, as looking has not drawn any
    for name, grad in net.gradients().items():
        position, _, parameter = name.partition(".")
        np.testing.assert_array_equal(grad, views[int(position)].param_grads[parameter])
    for view in views:
        assert view.output_grad.shape == view.output.shape
    np.testing.assert_allclose(  # of logits: p - y sums to nothing
        views[-1].output_grad.sum(axis=1), 0, atol=1e-6
    )


def test_looking_changes_nothing(rng):
    net = network(
        [diglot.Embedding(9, 4), diglot.LSTM(5, stateful=True, dropout=0.3), diglot.Dense(9)]
    )
    tokens = rng.integers(9, size=(3, 7))
    net.forward(tokens)
    parameters, state = net.copy_parameters(), net.get_state()
    drawn = repr(net.generators()[0].bit_generator.state)
    look_inside(net, tokens, tokens)
    assert drawn == repr(net.generators()[0].bit_generator.state)
    for part, before in zip(net.get_state()[0], state[0], strict=True):
        np.testing.assert_array_equal(part, before)
    for name, array in net.parameters().items():
        np.testing.assert_array_equal(array, parameters[name])


def test_what_does_not_fit(images):
    net = convolutional()
    with pytest.raises(ValueError, match=r"no parameters yet: train it, or call setup"):
        look_inside(net, images[0])
    net.setup((2, 6, 6))
    with pytest.raises(ShapeError, match=r"\(2, 5, 6\), but the network was set up for"):
        look_inside(net, images[0][:, :, 1:])
    with pytest.raises(ValueError, match="target"):
        look_inside(net, images[0], images[1][:3])

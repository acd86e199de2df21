"""Copies of networks, optimizers and trainers: by copy.deepcopy, by pickle, through a fork."""

import copy
import pickle

import numpy as np
import pytest

import diglot

COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda one: pickle.loads(pickle.dumps(one)),
}


@pytest.fixture
def data(rng):
    return rng.standard_normal((64, 1, 8, 8)).astype(np.float32), rng.integers(0, 10, 64)


def make():
    layers = [
        diglot.Conv2D(4, kernel_size=3, activation=diglot.Tanh),
        diglot.MaxPool2D(2),
        diglot.Flatten(),
        diglot.Dropout(0.2),
        diglot.Dense(10),
    ]
    return diglot.NeuralNetwork(layers, loss=diglot.SoftmaxCrossEntropy(), seed=1)


def fit(trainer, data, epochs):
    trainer.fit(*data, epochs=epochs, batch_size=16, seed=3, progress=False)


@pytest.mark.parametrize("how", COPIES)
def test_a_trainers_copy_goes_on_bit_for_bit(how, data):
    trainer = diglot.Trainer(make(), diglot.Adam(lr=0.01))
    fit(trainer, data, 1)
    other = COPIES[how](trainer)
    fit(trainer, data, 2)
    fit(other, data, 2)
    mine, its = trainer.network.parameters(), other.network.parameters()
    assert all(np.array_equal(mine[name], its[name]) for name in mine)


@pytest.mark.parametrize("how", COPIES)
def test_a_networks_copy_shares_nothing_with_it(how, data):
    network = make()
    network.setup((1, 8, 8))
    other = COPIES[how](network)
    before = network.predict(data[0])
    fit(diglot.Trainer(other, diglot.SGD(lr=0.1)), data, 1)
    assert np.array_equal(network.predict(data[0]), before)
    assert not np.array_equal(other.predict(data[0]), before)


@pytest.mark.parametrize("how", COPIES)
def test_a_network_that_is_not_set_up_is_copied_with_its_chances(how, data):
    network = make()
    other = COPIES[how](network)
    assert np.array_equal(network.predict(data[0]), other.predict(data[0]))


@pytest.mark.parametrize("how", COPIES)
def test_recurrent_networks_too(how, rng):
    x = rng.standard_normal((4, 6, 3)).astype(np.float32)
    network = diglot.NeuralNetwork([diglot.LSTM(5), diglot.Dense(2)], "MeanSquaredError", seed=1)
    network.setup((6, 3))
    assert np.array_equal(COPIES[how](network).predict(x), network.predict(x))

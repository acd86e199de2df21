"""What the tests of checkpoints train, and how they compare."""

import numpy as np

import diglot
from diglot.optimizers import Adam, SGDMomentum
from diglot.schedules import Cosine
from diglot.trainer import Trainer

N, T, D, K = 10, 7, 3, 4
RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(N, D)).astype(np.float32), RNG.integers(K, size=N)
ROWS, TARGETS = RNG.normal(size=(N, T, D)), RNG.integers(K, size=(N, T))


def classifier(optimizer=None, **settings):
    layers = [diglot.Dense(6, dropout=0.3), diglot.Dense(K)]
    network = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, **settings)
    return Trainer(network, optimizer or Adam(Cosine(0.1, per="batch")))


def recurrent(dtype=np.float64, **settings):
    layers = [diglot.LSTM(4, dropout=0.2, **settings), diglot.GRU(3, **settings), diglot.Dense(K)]
    network = diglot.NeuralNetwork(layers, "softmax_cross_entropy", seed=1, dtype=dtype)
    return Trainer(network, SGDMomentum(0.1))


PLAIN = {"x": X, "y": LABELS, "epochs": 4, "batch_size": 4, "seed": 5, "progress": False}
LONG = {**PLAIN, "x": ROWS, "y": TARGETS}


def assert_same(one, other):
    for name, param in one.network.parameters().items():
        np.testing.assert_array_equal(param, other.network.parameters()[name], err_msg=name)
    mine, theirs = one.optimizer.state(), other.optimizer.state()
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    history, expected = one.history.to_dict(), other.history.to_dict()
    for seconds in (history.pop("seconds"), expected.pop("seconds")):
        assert all(second > 0 for second in seconds)
    assert history == expected
    assert one.steps == other.steps
    for generator, twin in zip(one.network.generators(), other.network.generators(), strict=True):
        assert repr(generator.bit_generator.state) == repr(twin.bit_generator.state)


def names(folder):
    return sorted(path.name for path in folder.iterdir())

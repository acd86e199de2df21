"""Whole trainings, small ones: do networks learn what they should?"""

import numpy as np
import pytest

import diglot
from diglot import datasets, metrics
from diglot.optimizers import SGD, Adam, Optimizer, SGDMomentum
from diglot.schedules import Cosine, Exponential
from diglot.trainer import Trainer


@pytest.fixture(scope="module")
def digits() -> datasets.Dataset:
    x_train, y_train, x_test, y_test = datasets.digits()
    x_train, x_test = datasets.standardize(x_train, x_test)
    return datasets.Dataset(x_train, y_train, x_test, y_test)


def test_cnn_reads_digits(digits: datasets.Dataset) -> None:
    network = diglot.NeuralNetwork(
        [
            diglot.Conv2D(16, kernel_size=3, padding="same", activation=diglot.ReLU),
            diglot.MaxPool2D(2),
            diglot.Flatten(),
            diglot.Dense(10),
        ],
        loss=diglot.SoftmaxCrossEntropy(),
        seed=1,
    )
    trainer = Trainer(network, Adam(Cosine(0.01, per="batch")))
    history = trainer.fit(*digits[:2], epochs=12, batch_size=32, seed=1, progress=False)
    assert trainer.evaluate(*digits[2:])["accuracy"] > 0.97
    assert history.loss[-1] < 0.05


def test_mlp_reads_digits(digits: datasets.Dataset) -> None:
    network = diglot.NeuralNetwork(
        [
            diglot.Flatten(),
            diglot.Dense(128, activation=diglot.ReLU, dropout=0.4),
            diglot.Dense(10),
        ],
        loss=diglot.SoftmaxCrossEntropy(),
        seed=1,
    )
    trainer = Trainer(network, SGDMomentum(Exponential(0.1, 0.01)))
    trainer.fit(*digits[:2], epochs=40, batch_size=32, seed=1, progress=False)
    assert trainer.evaluate(*digits[2:])["accuracy"] > 0.97


def test_linear_regression_finds_the_closed_form() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 5))
    y = x @ rng.normal(size=(5, 2)) + 1.5 + 0.3 * rng.normal(size=(200, 2))
    network = diglot.NeuralNetwork(
        [diglot.Dense(2)], diglot.MeanSquaredError(), seed=0, dtype=np.float64
    )
    trainer = Trainer(network, SGD(Exponential(0.05, 1e-4)))
    trainer.fit(x, y, epochs=120, batch_size=20, seed=0, progress=False)
    design = np.column_stack([x, np.ones(200)])
    solution, *_ = np.linalg.lstsq(design, y, rcond=None)
    np.testing.assert_allclose(network.predict(x), design @ solution, atol=0.01)
    np.testing.assert_allclose(network.parameters()["0.weight"], solution[:5], atol=0.01)


def test_binary_classes() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, (400, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.float32)  # not linearly separable
    network = diglot.NeuralNetwork(
        [diglot.Dense(16, activation="tanh"), diglot.Dense(1)],
        diglot.BinaryCrossEntropy(),
        seed=0,
    )
    trainer = Trainer(network, Adam(0.02))
    trainer.fit(x, y, epochs=60, batch_size=40, seed=0, progress=False)
    assert trainer.evaluate(x, y)["accuracy"] > 0.95


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(0.1),
        SGDMomentum(0.02),
        SGDMomentum(0.02, nesterov=True),
        diglot.AdaGrad(0.1),
        diglot.RMSProp(0.01),
        Adam(0.01),
        diglot.AdamW(0.01, clip_norm=1.0),
    ],
    ids=repr,
)
def test_every_optimizer_learns(optimizer: Optimizer, digits: datasets.Dataset) -> None:
    network = diglot.NeuralNetwork(
        [diglot.Flatten(), diglot.Dense(10)], diglot.SoftmaxCrossEntropy(), seed=0
    )
    Trainer(network, optimizer).fit(*digits[:2], epochs=3, batch_size=32, seed=0, progress=False)
    assert metrics.accuracy(network.predict(digits.x_test), digits.y_test) > 0.9

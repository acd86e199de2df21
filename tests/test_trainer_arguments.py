"""What the trainer refuses, and how it says so."""

from functools import partial

import numpy as np
import pytest

import diglot
from diglot.metrics import accuracy, top_k_accuracy
from diglot.optimizers import SGD
from diglot.trainer import Trainer

X = np.arange(24, dtype=np.float32).reshape(8, 3) / 24
LABELS = np.arange(8) % 3
MASKED_X = np.ma.masked_array(X, X > 0.5)
MASKED_LABELS = np.ma.masked_array(LABELS, LABELS == 1)


def classifier() -> diglot.NeuralNetwork:
    return diglot.NeuralNetwork([diglot.Dense(3)], diglot.SoftmaxCrossEntropy(), seed=0)


@pytest.mark.parametrize(
    ("network", "optimizer", "message"),
    [
        (classifier(), SGD, r"optimizer is the class SGD, expected an optimizer, such as SGD\("),
        (classifier(), "sgd", "optimizer is 'sgd', expected an optimizer"),
        (classifier(), None, "optimizer is None"),
        ([diglot.Dense(3)], SGD(), r"network is \[Dense\(3\)\], expected a NeuralNetwork"),
        (diglot.NeuralNetwork, SGD(), "network is the class NeuralNetwork"),
    ],
)
def test_a_network_and_an_optimizer(network, optimizer, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trainer(network, optimizer)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ("accuracy", "metrics is 'accuracy', expected functions"),
        (5, "metrics is 5, expected functions"),
        (["accuracy"], "the metric 'accuracy' is no function"),
        ({"top": 2}, "the metric 2 is no function"),
        ({1: accuracy}, "a metric is named 1, expected a text"),
        ({"loss": accuracy}, "'loss' is the loss itself: give the metric another name"),
        ([lambda p, t: 0.0, lambda p, t: 1.0], "two metrics are named '<lambda>': give a dict"),
        ([partial(top_k_accuracy, k=2)], "has no name: give a dict"),
    ],
)
def test_metrics(metrics, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Trainer(classifier(), SGD(), metrics=metrics)


def test_one_metric_needs_no_list() -> None:
    assert Trainer(classifier(), SGD(), metrics=accuracy).metrics == {"accuracy": accuracy}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": "x"}, "seed is 'x', expected an integer"),
        ({"seed": 1.5}, "seed is 1.5, expected an integer"),
        ({"seed": -1, "shuffle": False}, "seed is -1, expected at least 0"),
        ({"shuffle": 1}, "shuffle is 1, expected True or False"),
        ({"shuffle": "no"}, "shuffle is 'no', expected True or False"),
        ({"progress": None}, "progress is None, expected True or False"),
        ({"x": MASKED_X}, "x is a masked array"),
        ({"y": MASKED_LABELS}, "y is a masked array"),
        ({"validation": (MASKED_X, LABELS)}, "the validation x is a masked array"),
        ({"validation": (X, MASKED_LABELS)}, "the validation y is a masked array"),
    ],
)
def test_fit(settings, message: str) -> None:
    trainer = Trainer(classifier(), SGD())
    given = {"x": X, "y": LABELS, "epochs": 1, "batch_size": 4, "progress": False, **settings}
    with pytest.raises(ValueError, match=message):
        trainer.fit(**given)
    assert trainer.network.input_shape is None


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.zeros((8, 2)), r"first row of the validation data: .*\(1, 2\)"),
        (np.zeros((8, 3, 1)), r"first row of the validation data: .*\(1, 3, 1\)"),
        (LABELS + 3, "first row of the validation data: .*3"),
    ],
)
def test_validation_targets_before_an_epoch_is_spent(targets, message: str) -> None:
    trainer = Trainer(classifier(), SGD())
    with pytest.raises(ValueError, match=message):
        trainer.fit(X, LABELS, validation=(X, targets), epochs=1, batch_size=4, progress=False)
    assert trainer.steps == 0
    assert not len(trainer.history)


def test_evaluate_keeps_no_mask() -> None:
    trainer = Trainer(classifier(), SGD())
    for x, y in ((MASKED_X, LABELS), (X, MASKED_LABELS)):
        with pytest.raises(ValueError, match="is a masked array"):
            trainer.evaluate(x, y)

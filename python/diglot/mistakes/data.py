"""Mistakes with the data, before a network has seen any of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from diglot._typing import Array
from diglot.datasets import Dataset, batches, digits, standardize
from diglot.layers import Dense
from diglot.metrics import accuracy
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import learn, pixels
from diglot.network import NeuralNetwork
from diglot.optimizers import SGD

Shuffle: TypeAlias = Callable[[Array, Array, np.random.Generator], Iterator[tuple[Array, Array]]]
"""Cuts x and y into batches of 32 rows, in a new order."""
Scale: TypeAlias = Callable[[Array, Array], tuple[Array, ...]]
"""Scales a training part and a test part."""


def shuffled_without_labels(
    x: Array, y: Array, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Shuffle the rows of x, and forget those of y."""
    x = rng.permutation(x)
    for start in range(0, len(x), 32):
        yield x[start : start + 32], y[start : start + 32]


def shuffled_together(
    x: Array, y: Array, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Let the library cut batches: one order for both."""
    return batches(x, y, 32, rng=rng)


def standardize_everything(train: Array, test: Array) -> tuple[Array, ...]:
    """Compute mean and deviation of both parts together."""
    both = np.concatenate([train, test])
    mean, std = both.mean(), both.std()
    return tuple(((part - mean) / std).astype(np.float32) for part in (train, test))


def _rows_keep_their_labels(shuffle: Shuffle) -> str:
    numbers = np.arange(100)
    pairs = shuffle(numbers[:, None], numbers, np.random.default_rng(0))
    apart = sum(int((x[:, 0] != y).sum()) for x, y in pairs)
    if apart:
        raise Caught(f"{apart} of 100 rows have the label of another row")
    return "all of 100 rows have their own label"


def _the_test_part_changes_nothing(scale: Scale) -> str:
    train, test = np.arange(20.0).reshape(5, 4), np.arange(8.0).reshape(2, 4)
    before, after = scale(train, test)[0], scale(train, test + 100)[0]
    difference = float(np.abs(before - after).max())
    if difference > 0:
        raise Caught(f"another test part changes the training part by {difference:.3g}")
    return "another test part leaves the training part as it is"


def _train_on_batches(shuffle: Shuffle, seed: int) -> list[float]:
    x, y, x_test, y_test = pixels(960)
    network = NeuralNetwork([Dense(32, "tanh"), Dense(10)], "softmax_cross_entropy", seed=seed)
    optimizer, rng, found = SGD(0.1), np.random.default_rng(seed), []
    for _ in range(5):
        for x_batch, y_batch in shuffle(x, y, rng):
            network.train_batch(x_batch, y_batch)
            optimizer.step(network.parameters(), network.gradients())
        found.append(accuracy(network.predict(x_test), y_test))
    return found


def _train_on_scaled(scale: Scale, seed: int) -> list[float]:
    x, y, x_test, y_test = digits()
    x, x_test = scale(x[:960].reshape(-1, 64), x_test.reshape(-1, 64))
    data = Dataset(x, y[:960], x_test, y_test)
    return learn([Dense(32, "tanh"), Dense(10)], SGD(0.1), data, seed=seed, epochs=5)


MISTAKES = (
    Mistake[Shuffle](
        id="shuffled-apart",
        title="The inputs are shuffled, their labels are not",
        seen=BEYOND,
        text="Every row gets the label of another one, so there is nothing to learn but how "
        "frequent the labels are. The loss falls to just that, log 10 for ten digits, and stays. "
        "Easy to make wherever two arrays have to be kept in one order by hand.",
        wrong=shuffled_without_labels,
        right=shuffled_together,
        right_code=(shuffled_together, batches),
        caught_by="numbered rows",
        check=_rows_keep_their_labels,
        curve=_train_on_batches,
        effect="ends worse",
    ),
    Mistake[Scale](
        id="scaled-with-test-part",
        title="Mean and deviation are computed with the test part",
        seen=BEYOND,
        text="What is tested with has had a say in how the training data looks: the score is that "
        "of a network that knew something of the test. With two numbers from many images it "
        "makes no difference that could be measured, which is why the habit stays; with few rows, "
        "or with features that are chosen by looking at everything, it does.",
        wrong=standardize_everything,
        right=standardize,
        caught_by="invariance: another test part",
        check=_the_test_part_changes_nothing,
        curve=_train_on_scaled,
        effect="no difference",
    ),
)
"""The entries of this family."""

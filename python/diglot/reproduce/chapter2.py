"""Chapter 2: linear regression and a two-layer network, written out by hand on the kernels.

The book's two gradients leave out factors. Each is the exact gradient of a loss, though: that of
the linear regression of the sum of squared errors over a batch, that of the two-layer network of
half this sum. These are the losses here, so that the book's learning rates keep their meaning.
Targets have the training mean subtracted: learning it step by step saturates the hidden layer.
"""

from collections.abc import Callable, Iterator
from itertools import chain, islice, repeat

import numpy as np

from diglot import kernels
from diglot._typing import Array
from diglot.datasets import batches
from diglot.reproduce.regression import Table, judge, least_squares, load_table
from diglot.reproduce.rows import Outcome, Row, Settings

_LR, _BATCH_SIZE, _HIDDEN = 0.001, 23, 13
_SEEDS = range(1, 6)

Model = Callable[[Array], Array]
"""A trained model: it maps features (N, D) to predictions (N, 1)."""


def normal_equations(x: Array, y: Array) -> Model:
    """Fit a line in closed form.

        xᵀx w = xᵀy        with a column of ones in x for the bias

    Args:
        x: (N, D).
        y: (N, 1).
    """
    ones = np.ones((len(x), 1))
    x = np.hstack([x, ones])
    squares = kernels.matmul(x, x, transpose_a=True)
    products = kernels.matmul(x, y, transpose_a=True)
    weights = np.linalg.lstsq(squares, products, rcond=None)[0]  # features may depend on each other
    return lambda new: kernels.matmul(np.hstack([new, np.ones((len(new), 1))]), weights)


def linear_regression(x: Array, y: Array, rng: np.random.Generator, iterations: int) -> Model:
    """Fit a line by gradient descent on L = sum (p - y)².

        p = x w + b        dL/dp = 2 (p - y)        dL/dw = xᵀ dL/dp        dL/db = sum dL/dp

    Args:
        x: (N, D).
        y: (N, 1).
        rng: draws the first weights and the batches.
        iterations: number of steps.
    """
    w, b = rng.standard_normal((x.shape[1], 1)), rng.standard_normal(1)

    def predict(x: Array) -> Array:
        prediction: Array = kernels.matmul(x, w) + b
        return prediction

    for x_batch, y_batch in _endless_batches(x, y, rng, iterations):
        dp = 2 * (predict(x_batch) - y_batch)
        kernels.sgd_inplace(w, kernels.matmul(x_batch, dp, transpose_a=True), lr=_LR)
        kernels.sgd_inplace(b, dp.sum(axis=0), lr=_LR)
    return predict


def two_layers(
    x: Array,
    y: Array,
    rng: np.random.Generator,
    iterations: int,
    *,
    std: tuple[float, float] = (1.0, 1.0),
    weight_decay: float = 0.0,
) -> Model:
    """Fit a network with one hidden layer by gradient descent on L = sum (p - y)² / 2.

        h = sigmoid(x w1 + b1)        p = h w2 + b2        dL/dp = p - y
        dL/dw2 = hᵀ dL/dp             dL/db2 = sum dL/dp
        dL/dz = sigmoid'(z) dL/dp w2ᵀ, z = x w1 + b1
        dL/dw1 = xᵀ dL/dz             dL/db1 = sum dL/dz

    Args:
        x: (N, D).
        y: (N, 1).
        rng: draws the first weights and the batches.
        iterations: number of steps.
        std: the standard deviations of the first w1 and w2; those of the biases are the same.
        weight_decay: adds weight_decay/2 times the sum of squared weights to L.
    """
    w1, b1 = (std[0] * rng.standard_normal(shape) for shape in ((x.shape[1], _HIDDEN), (_HIDDEN,)))
    w2, b2 = (std[1] * rng.standard_normal(shape) for shape in ((_HIDDEN, 1), (1,)))

    def hidden(x: Array) -> Array:
        h: Array = kernels.sigmoid_forward(kernels.matmul(x, w1) + b1)
        return h

    def output(h: Array) -> Array:
        p: Array = kernels.matmul(h, w2) + b2
        return p

    for x_batch, y_batch in _endless_batches(x, y, rng, iterations):
        h = hidden(x_batch)
        dp = output(h) - y_batch
        dz = kernels.sigmoid_backward(kernels.matmul(dp, w2, transpose_b=True), h)
        dw2 = kernels.matmul(h, dp, transpose_a=True)
        dw1 = kernels.matmul(x_batch, dz, transpose_a=True)
        kernels.sgd_inplace(w2, dw2, lr=_LR, weight_decay=weight_decay)
        kernels.sgd_inplace(b2, dp.sum(axis=0), lr=_LR)
        kernels.sgd_inplace(w1, dw1, lr=_LR, weight_decay=weight_decay)
        kernels.sgd_inplace(b1, dz.sum(axis=0), lr=_LR)
    return lambda new: output(hidden(new))


def _endless_batches(
    x: Array, y: Array, rng: np.random.Generator, count: int
) -> Iterator[tuple[Array, Array]]:
    """Cut batches until there are `count`; every row is used once before all are shuffled again."""
    epochs = (batches(x, y, _BATCH_SIZE, rng=rng) for _ in repeat(None))
    return islice(chain.from_iterable(epochs), count)


def _closed_form(settings: Settings, published_rmse: float) -> Outcome:
    """Run row 2.1; on a table of one's own NumPy's least squares is what it has to give."""
    table = load_table(settings)
    prediction = normal_equations(table.x_train, table.y_train)(table.x_test)
    errors = table.errors(prediction)
    if table.is_boston:
        return judge(table, [errors], published_rmse, judged=True)
    truth = least_squares(table.x_train, table.y_train, table.x_test)
    difference = float(np.abs(prediction - truth).max()) / table.scale
    figures = {"mae": errors[0], "rmse": errors[1], "largest difference": difference}
    return Outcome(
        f"{errors[0]:.4f} / {errors[1]:.4f}",
        "as numpy's lstsq",
        difference <= 1e-6,
        figures | {"table": table.name},
        note=table.note,
    )


def _trained(
    train: Callable[[Table, Array, np.random.Generator], Model],
    settings: Settings,
    published_rmse: float,
) -> Outcome:
    table = load_table(settings)
    y = (table.y_train - table.centre) / table.scale
    errors = []
    for seed in _SEEDS[: 1 if settings.quick else None]:
        model = train(table, y, np.random.default_rng(seed))
        errors.append(table.errors(model(table.x_test) * table.scale + table.centre))
    return judge(table, errors, published_rmse, judged=not settings.quick)


def _linear(settings: Settings, published_rmse: float) -> Outcome:
    iterations = 100 if settings.quick else 1000
    return _trained(
        lambda table, y, rng: linear_regression(table.x_train, y, rng, iterations),
        settings,
        published_rmse,
    )


def _network(settings: Settings, published_rmse: float) -> Outcome:
    """Run row 2.3; on a table of one's own from smaller weights, which it keeps small."""
    iterations = 500 if settings.quick else 10_000

    def train(table: Table, y: Array, rng: np.random.Generator) -> Model:
        x = table.x_train
        if table.is_boston:
            return two_layers(x, y, rng, iterations)
        glorot = ((2 / (x.shape[1] + _HIDDEN)) ** 0.5, (2 / (_HIDDEN + 1)) ** 0.5)
        return two_layers(x, y, rng, iterations, std=glorot, weight_decay=0.1)

    return _trained(train, settings, published_rmse)


def _row(
    id: str, what: str, mae: float, rmse: float, experiment: Callable[[Settings, float], Outcome]
) -> Row:
    return Row(id, what, f"{mae:.4f} / {rmse:.4f}", lambda settings: experiment(settings, rmse))


ROWS = (
    _row("2.1", "least squares in closed form", 3.5666, 5.0482, _closed_form),
    _row("2.2", "by hand: a line, SGD .001, 1000 batches of 23", 3.5643, 5.0508, _linear),
    _row("2.3", "by hand: 13 sigmoids, SGD .001, 10 000 batches of 23", 2.5289, 3.6775, _network),
)
"""The experiments of chapter 2; the figures are MAE / RMSE on the test part."""

"""Chapter 3: the same regressions with the framework's layers."""

import numpy as np

from diglot.layers import Dense, Layer
from diglot.losses import MeanSquaredError
from diglot.network import NeuralNetwork
from diglot.operations import Sigmoid
from diglot.optimizers import SGD
from diglot.reproduce.regression import Table, judge, load_table
from diglot.reproduce.rows import Outcome, Row, Settings
from diglot.reproduce.training import fit
from diglot.schedules import Cosine
from diglot.trainer import Trainer

_NEURONS, _BATCH_SIZE = 13, 32
_SEEDS = range(1, 6)


def regression_network(hidden_layers: int, seed: int, *, weight_init: str) -> NeuralNetwork:
    """Build layers of 13 sigmoids, and one linear neuron at the end.

    Args:
        hidden_layers: 0 is linear regression.
        seed: draws the first weights; biases begin at 0.
        weight_init: the name of their distribution.
    """
    layers: list[Layer] = [
        Dense(_NEURONS, Sigmoid, weight_init=weight_init) for _ in range(hidden_layers)
    ]
    output = Dense(1, weight_init=weight_init)
    return NeuralNetwork([*layers, output], MeanSquaredError(), seed=seed)


def train(table: Table, hidden_layers: int, seed: int, settings: Settings) -> tuple[float, float]:
    """Train one network and return its MAE and RMSE on the test part.

    Boston's prices are learned as they are, with the book's settings. What suits their size and
    noise suits no other table: there, a network with hidden layers learns longer, from smaller
    weights that are kept small, at a rate that falls to zero.

    Args:
        table: the data.
        hidden_layers: how many.
        seed: draws weights and batches.
        settings: quick or not, with a progress bar or not.
    """
    book = table.is_boston or hidden_layers == 0
    centre = 0.0 if table.is_boston else table.centre
    y = ((table.y_train - centre) / table.scale).astype(np.float32)
    network = regression_network(hidden_layers, seed, weight_init="standard" if book else "glorot")
    optimizer = SGD(lr=0.01) if book else SGD(lr=Cosine(0.2), weight_decay=0.005)
    epochs = 5 if settings.quick else 50 if book else 300
    fit(
        Trainer(network, optimizer),
        table.x_train.astype(np.float32),
        y,
        epochs=epochs,
        batch_size=_BATCH_SIZE,
        seed=seed,
        progress=settings.progress,
    )
    prediction = network.predict(table.x_test.astype(np.float32)).astype(np.float64)
    return table.errors(prediction * table.scale + centre)


def _row(id: str, what: str, hidden_layers: int, mae: float, rmse: float) -> Row:
    def experiment(settings: Settings) -> Outcome:
        table = load_table(settings)
        seeds = _SEEDS[: 1 if settings.quick else None]
        errors = [train(table, hidden_layers, seed, settings) for seed in seeds]
        return judge(table, errors, rmse, judged=not settings.quick)

    return Row(id, what, f"{mae:.2f} / {rmse:.2f}", experiment)


ROWS = (
    _row("3.1", "13-1 linear, SGD .01, 50 epochs", 0, 3.52, 5.01),
    _row("3.2", "13-13-1 sigmoid, the same", 1, 2.60, 4.03),
    _row("3.3", "13-13-13-1 sigmoid, the same", 2, 2.45, 3.82),
)
"""The experiments of chapter 3; the figures are MAE / RMSE on the test part."""

"""Mistakes in batch normalisation, with a right one beside them: the library has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, final

import numpy as np

from diglot._typing import Array
from diglot.gradcheck import gradcheck
from diglot.layers import Activation, Dense, Layer
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import Stage, learn, pixels
from diglot.operations import ParamOperation
from diglot.optimizers import SGD

MakeNorm: TypeAlias = Callable[[Array, Array], ParamOperation]
"""Takes a factor and a shift for each feature."""


class BatchNorm(ParamOperation):
    """Give each feature mean 0 and variance 1 over the batch, then a learned scale and shift.

        z = (x - mean) / std,    output = gamma * z + beta
        dz = dy * gamma,    dx = (dz - mean(dz) - z * mean(dz * z)) / std

    At inference, the mean and variance are running averages of those seen in training.

    Args:
        gamma: the scale, (D,).
        beta: the shift, (D,).

    Source: Ioffe & Szegedy 2015, arXiv:1502.03167.
    """

    def __init__(self, gamma: Array, beta: Array) -> None:
        self.params = {"gamma": gamma, "beta": beta}
        self.mean, self.var = np.zeros_like(gamma), np.ones_like(gamma)  # running

    def _output(self) -> Array:
        mean, var = self._statistics()
        self._std = np.sqrt(var + 1e-5)
        self._z = (self.input_ - mean) / self._std
        return np.asarray(self.params["gamma"] * self._z + self.params["beta"])

    def _statistics(self) -> tuple[Array, Array]:
        if self.inference:
            return self.mean, self.var
        mean, var = self.input_.mean(axis=0), self.input_.var(axis=0)
        self.mean, self.var = 0.9 * self.mean + 0.1 * mean, 0.9 * self.var + 0.1 * var
        return mean, var

    def _input_grad(self, output_grad: Array) -> Array:
        dz, z = output_grad * self.params["gamma"], self._z
        return np.asarray((dz - dz.mean(axis=0) - z * (dz * z).mean(axis=0)) / self._std)

    def _param_grad(self, output_grad: Array) -> tuple[Array, Array]:
        return (output_grad * self._z).sum(axis=0), output_grad.sum(axis=0)


@final
class BatchNormWithConstantStatistics(BatchNorm):
    """Goes back as if mean and variance did not depend on the input."""

    def _input_grad(self, output_grad: Array) -> Array:
        return np.asarray(output_grad * self.params["gamma"] / self._std)


@final
class BatchNormOfTheTestBatch(BatchNorm):
    """Takes mean and variance of the batch at inference, too."""

    def _statistics(self) -> tuple[Array, Array]:
        return self.input_.mean(axis=0), self.input_.var(axis=0)


def _gradients_agree(make: MakeNorm) -> str:
    rng = np.random.default_rng(0)
    operation = make(rng.standard_normal(3), rng.standard_normal(3))
    return str(gradcheck(operation, rng.standard_normal((5, 3))).worst)


def _a_row_knows_nothing_of_the_others(make: MakeNorm) -> str:
    rng = np.random.default_rng(0)
    operation, rows = make(np.ones(3), np.zeros(3)), rng.standard_normal((5, 3))
    operation.forward(rows)
    together = operation.forward(rows, inference=True)[:2]
    alone = operation.forward(rows[:2], inference=True)
    difference = float(np.abs(together - alone).max())
    if difference > 1e-12:
        raise Caught(f"the prediction of a row changes by {difference:.3g} with the rows beside it")
    return "two rows get the same prediction, alone and among others"


def _deep_network(make: MakeNorm, seed: int) -> list[float]:
    return learn(_layers(make, 6), SGD(0.1), pixels(960), seed=seed, epochs=5)


def _layers(make: MakeNorm, depth: int) -> list[Layer]:
    def norm() -> Stage:
        return Stage(
            lambda weights, rng: make(1 + weights["gamma"], weights["beta"]),
            lambda shape: {"gamma": shape, "beta": shape},
        )

    layers: list[Layer] = []
    for _ in range(depth):
        layers += [Dense(32, bias=False), norm(), Activation("relu")]
    return [*layers, Dense(10)]


def _sorted_test_part(make: MakeNorm, seed: int) -> list[float]:
    """Test with rows in the order of their labels, as a file may have them."""
    data = pixels(960)
    order = np.argsort(data.y_test, kind="stable")
    data = data._replace(x_test=data.x_test[order], y_test=data.y_test[order])
    return learn(_layers(make, 2), SGD(0.1), data, seed=seed, epochs=5)


MISTAKES = (
    Mistake[MakeNorm](
        id="batchnorm-statistics",
        title="Batch normalisation's backward pass takes mean and variance for constants",
        seen=BEYOND,
        text="Each output depends on all rows, through the mean and the variance, and two terms of "
        "the gradient come from there. Without them it is gamma/std, which looks complete. Easy "
        "to make, because the statistics *are* constants at inference. The library has no batch "
        "normalisation: the right version is the gallery's own.",
        wrong=BatchNormWithConstantStatistics,
        right=BatchNorm,
        caught_by="gradcheck",
        check=_gradients_agree,
        curve=_deep_network,
        effect="ends worse",
    ),
    Mistake[MakeNorm](
        id="batchnorm-at-inference",
        title="Batch normalisation uses the batch's statistics at inference",
        seen=BEYOND,
        text="The prediction of a row then depends on which rows are beside it: a test part in the "
        "order of its labels, or a single row, is predicted badly, and a shuffled one well. Easy "
        "to make, because one forgets to switch, and the tests are shuffled. (Right version: the "
        "gallery's own.)",
        wrong=BatchNormOfTheTestBatch,
        right=BatchNorm,
        caught_by="invariance: a row alone, and among others",
        check=_a_row_knows_nothing_of_the_others,
        curve=_sorted_test_part,
        effect="ends worse",
    ),
)
"""The entries of this family."""

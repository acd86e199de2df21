"""Mistakes with weights, biases and the mean over a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, final

import numpy as np

from diglot._typing import Array
from diglot.gradcheck import ArrayCheck, gradcheck, numerical_gradient
from diglot.kernels import reference
from diglot.layers import Dense
from diglot.losses import MeanSquaredError
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import Stage, learn, pixels
from diglot.operations import BiasAdd, DenseOp, Operation, ParamOperation, Sigmoid, WeightMultiply
from diglot.optimizers import SGD

Weights: TypeAlias = Mapping[str, Array]
TwoLayers: TypeAlias = Callable[[Array, Array, Weights], dict[str, Array]]
"""Takes x (N, D), y (N, 1) and W1, B1, W2, B2; gives the gradients of the loss."""


def gradients_by_hand(x: Array, y: Array, weights: Weights) -> dict[str, Array]:
    """Go back through sigmoid(x W1 + B1) W2 + B2, with the loss mean((y - P)²)."""
    n1 = reference.sigmoid_forward(x @ weights["W1"] + weights["B1"])
    p = n1 @ weights["W2"] + weights["B2"]
    dp = -(y - p)  # 2/N is missing
    dn1 = dp @ weights["W2"].T * n1 * (1 - n1)
    db1 = dn1.sum(axis=0)  # (H,): one number for each neuron
    return {
        "W1": x.T @ dn1,
        "B1": np.full_like(weights["B1"], db1.sum(axis=0)),  # once more
        "W2": n1.T @ dp,
        "B2": dp.sum(axis=0),
    }


def gradients_by_operations(x: Array, y: Array, weights: Weights) -> dict[str, Array]:
    """Go back through the library's operations, one after the other."""
    first = DenseOp(weights["W1"], weights["B1"])
    second = DenseOp(weights["W2"], weights["B2"])
    sigmoid, loss = Sigmoid(), MeanSquaredError()
    loss.forward(second.forward(sigmoid.forward(first.forward(x))), y)
    first.backward_params(sigmoid.backward(second.backward(loss.backward())))
    grads = (*first.param_grads.values(), *second.param_grads.values())
    return dict(zip(("W1", "B1", "W2", "B2"), grads, strict=True))


@final
class BiasWithMeanGradient(ParamOperation):
    """Adds a bias, and averages its gradient over the rows."""

    def __init__(self, bias: Array) -> None:
        self.params = {"bias": bias}

    def _output(self) -> Array:
        return self.input_ + self.param

    def _input_grad(self, output_grad: Array) -> Array:
        return output_grad

    def _param_grad(self, output_grad: Array) -> Array:
        return np.asarray(output_grad.mean(axis=0))


@final
class DenseWithAnotherMean(ParamOperation):
    """A dense operation that divides by the batch what the loss has divided already."""

    def __init__(self, weight: Array, bias: Array) -> None:
        self.params = {"weight": weight, "bias": bias}

    def _output(self) -> Array:
        return np.asarray(self.input_ @ self.params["weight"] + self.params["bias"])

    def _input_grad(self, output_grad: Array) -> Array:
        return np.asarray(output_grad @ self.params["weight"].T)

    def _param_grad(self, output_grad: Array) -> tuple[Array, Array]:
        N = len(output_grad)
        return self.input_.T @ output_grad / N, output_grad.sum(axis=0) / N


def _numbers(rows: int, seed: int) -> tuple[Array, Array, dict[str, Array]]:
    """Make a regression problem of 4 features, and weights for 6 neurons."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 4))
    y = np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]
    shapes = {"W1": (4, 6), "B1": (1, 6), "W2": (6, 1), "B2": (1, 1)}
    weights = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return x, y, {name: w[0] if name[0] == "B" else w for name, w in weights.items()}


def _loss(x: Array, y: Array, weights: Weights) -> float:
    p = reference.sigmoid_forward(x @ weights["W1"] + weights["B1"]) @ weights["W2"] + weights["B2"]
    return float(np.mean((y - p) ** 2))


def _slopes_agree(gradients: TwoLayers) -> str:
    x, y, weights = _numbers(5, seed=0)
    checks = []
    for name, grad in gradients(x, y, weights).items():

        def loss(value: Array, name: str = name) -> float:
            return _loss(x, y, weights | {name: value})

        slopes = numerical_gradient(loss, weights[name])
        checks.append(ArrayCheck.compare(name, grad, slopes, magnitude=_loss(x, y, weights)))
    failed = [check for check in checks if not check.passed]
    if failed:
        raise Caught("; ".join(map(str, failed)))
    return str(max(checks, key=lambda check: check.units))


def _descend(gradients: TwoLayers, seed: int) -> list[float]:
    x, y, weights = _numbers(120, seed)
    losses = []
    for _ in range(20):
        for start in range(0, 100, 20):
            batch = slice(start, start + 20)
            for name, grad in gradients(x[batch], y[batch], weights).items():
                weights[name] = weights[name] - 0.1 * grad
        losses.append(_loss(x[100:], y[100:], weights))
    return losses


def _bias_gradient_agrees(make: Callable[[Array], ParamOperation]) -> str:
    rng = np.random.default_rng(0)
    return str(gradcheck(make(rng.standard_normal(4)), rng.standard_normal((3, 4))).worst)


def _dense_gradients_agree(make: Callable[[Array, Array], ParamOperation]) -> str:
    rng = np.random.default_rng(0)
    operation = make(rng.standard_normal((5, 4)), rng.standard_normal(4))
    return str(gradcheck(operation, rng.standard_normal((3, 5))).worst)


def _two_steps(make: Callable[[Array], ParamOperation], seed: int) -> list[float]:
    def bias(weights: dict[str, Array], rng: np.random.Generator) -> Operation:
        return make(weights["bias"])

    multiply = Stage(
        lambda weights, rng: WeightMultiply(weights["weight"]),
        lambda shape: {"weight": (*shape, 32)},
        lambda shape: (32,),
    )
    layers = [multiply, Stage(bias, lambda shape: {"bias": shape}), Dense(10, "relu"), Dense(10)]
    return learn(layers, SGD(0.1), pixels(960), seed=seed, epochs=5)


def _one_layer(make: Callable[[Array, Array], ParamOperation], seed: int) -> list[float]:
    layer = Stage(
        lambda weights, rng: make(weights["weight"], weights["bias"]),
        lambda shape: {"weight": (*shape, 10), "bias": (10,)},
        lambda shape: (10,),
    )
    return learn([layer], SGD(0.1), pixels(480), seed=seed, epochs=5)


MISTAKES = (
    Mistake[TwoLayers](
        id="two-layers-by-hand",
        title="A hidden bias gradient is summed twice, and factors are missing",
        seen="E9",
        text="The gradient of the hidden biases is summed over the batch and then once more over "
        "the neurons, so that all of them get the same number; broadcast to their shape, it looks "
        "as it should. The factor 2/N of the mean squared error is missing as well, which makes "
        "all steps N/2 times too long.",
        wrong=gradients_by_hand,
        right=gradients_by_operations,
        right_code=(gradients_by_operations, reference.dense_backward_weight),
        caught_by="finite differences",
        check=_slopes_agree,
        curve=_descend,
        figure="test loss (mean squared error)",
        higher_is_better=False,
        effect="ends worse",
    ),
    Mistake[Callable[[Array], ParamOperation]](
        id="bias-mean",
        title="The bias gradient is averaged over the batch instead of summed",
        seen=BEYOND,
        text="The loss is a mean, so a mean feels right here, too. But the loss has divided by "
        "the rows already, and what each row adds to the bias's gradient is to be summed. The "
        "biases then learn as many times more slowly as there are rows, and the weights make "
        "up for it: nothing looks wrong.",
        wrong=BiasWithMeanGradient,
        right=BiasAdd,
        right_code=(BiasAdd,),
        caught_by="gradcheck, with 3 rows",
        check=_bias_gradient_agrees,
        curve=_two_steps,
        effect="no difference",
    ),
    Mistake[Callable[[Array, Array], ParamOperation]](
        id="mean-taken-twice",
        title="The gradient is divided by the batch size twice",
        seen=BEYOND,
        text="Once in the loss, and once more in the layer (or in the optimizer). The direction "
        "is right, and the learning rate smaller by the batch size: whoever tunes the learning "
        "rate never notices, until the batch size changes.",
        wrong=DenseWithAnotherMean,
        right=DenseOp,
        right_code=(DenseOp, reference.dense_backward_weight),
        caught_by="gradcheck, with 3 rows",
        check=_dense_gradients_agree,
        curve=_one_layer,
        effect="ends worse",
    ),
)
"""The entries of this family."""

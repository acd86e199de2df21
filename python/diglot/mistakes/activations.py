"""Mistakes in the backward pass of activations."""

from functools import partial
from typing import final

import numpy as np

from diglot._typing import Array
from diglot.datasets import Dataset, one_hot
from diglot.gradcheck import gradcheck
from diglot.kernels import reference
from diglot.layers import Dense
from diglot.losses import MeanSquaredError
from diglot.mistakes.mistake import BEYOND, Mistake
from diglot.mistakes.stage import learn, pixels
from diglot.operations import Activation, ReLU, Softmax
from diglot.optimizers import SGD


@final
class ReLUWithGreaterOrEqual(Activation):
    """A ReLU that takes its mask from the output, with >=."""

    def _output(self) -> Array:
        return np.maximum(self.input_, 0)

    def _input_grad(self, output_grad: Array) -> Array:
        return output_grad * (self.output >= 0)


@final
class SoftmaxElementByElement(Activation):
    """A softmax that is differentiated as if it were a sigmoid."""

    def _output(self) -> Array:
        scores = np.exp(self.input_ - self.input_.max(axis=-1, keepdims=True))
        return np.asarray(scores / scores.sum(axis=-1, keepdims=True))

    def _input_grad(self, output_grad: Array) -> Array:
        return np.asarray(output_grad * self.output * (1 - self.output))


def _gradients_agree(activation: type[Activation]) -> str:
    x = np.random.default_rng(0).standard_normal((4, 5))
    return str(gradcheck(activation(), x).worst)


def _hidden_layers(activation: type[Activation], seed: int) -> list[float]:
    hidden = [Dense(64, activation, weight_init="he") for _ in range(5)]
    return learn([*hidden, Dense(10)], SGD(0.05), pixels(), seed=seed, epochs=4)


def _probabilities_as_output(activation: type[Activation], seed: int) -> list[float]:
    x, y, x_test, y_test = pixels(480)
    data = Dataset(x, one_hot(y, 10), x_test, one_hot(y_test, 10))
    train = partial(learn, loss=MeanSquaredError(), figure="loss", seed=seed, epochs=8)
    return train([Dense(10, activation)], SGD(0.3), data)


MISTAKES = (
    Mistake(
        id="relu-mask",
        title="ReLU's mask is made of the output, with >=",
        seen="E4",
        text="The output of a ReLU is never negative, so `output >= 0` is true everywhere, and the "
        "backward pass hands on every gradient: it is the identity. Easy to make, because the "
        "mask of the *input* may be written with > or >= and nobody sees a difference. One "
        "hidden layer learns in spite of it; in the five of this training, gradients that nothing "
        "stops grow from layer to layer.",
        wrong=ReLUWithGreaterOrEqual,
        right=ReLU,
        right_code=(ReLU, reference.relu_backward),
        caught_by="gradcheck",
        check=_gradients_agree,
        curve=_hidden_layers,
        effect="breaks",
    ),
    Mistake(
        id="softmax-elementwise",
        title="Softmax is differentiated element by element",
        seen=BEYOND,
        text="p(1 - p) is the slope of a sigmoid, and the diagonal of softmax's Jacobian. The "
        "other elements, -p_i p_j, are missing: raising one logit lowers all other "
        "probabilities. Easy to make, because every other activation has one slope for each "
        "number. Right is p * (g - sum(g * p)).",
        wrong=SoftmaxElementByElement,
        right=Softmax,
        right_code=(Softmax, reference.softmax_backward),
        caught_by="gradcheck",
        check=_gradients_agree,
        curve=_probabilities_as_output,
        figure="test loss (squared error of the probabilities)",
        higher_is_better=False,
        effect="ends worse",
    ),
)
"""The entries of this family."""

"""Mistakes in softmax cross-entropy, and in what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from diglot._typing import Array
from diglot.datasets import Dataset, digits
from diglot.gradcheck import gradcheck
from diglot.kernels import reference
from diglot.layers import Dense
from diglot.losses import Loss, SoftmaxCrossEntropy
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import learn, pixels
from diglot.optimizers import SGD


@final
@dataclass(eq=False, repr=False)
class BinaryFormWithPlainGradient(Loss):
    """The loss has the terms of the wrong classes, its gradient has not."""

    def _target(self, target: Array) -> Array:
        return np.eye(self.prediction.shape[-1])[target]

    def _output(self) -> float:
        p = np.clip(reference.softmax_forward(self.prediction), 1e-9, 1 - 1e-9)
        terms = -self.target * np.log(p) - (1 - self.target) * np.log(1 - p)
        return float(terms.sum()) / self.rows

    def _input_grad(self) -> Array:
        p = reference.softmax_forward(self.prediction)
        return ((p - self.target) / self.rows).astype(p.dtype)


@final
@dataclass(eq=False, repr=False)
class CrossEntropyWithoutShift(Loss):
    """Takes exp of the logits as they are."""

    def _target(self, target: Array) -> Array:
        return target

    def _output(self) -> float:
        with np.errstate(all="ignore"):
            scores = np.exp(self.prediction)
            self._p = scores / scores.sum(axis=-1, keepdims=True)
            return -float(np.log(self._p[np.arange(self.rows), self.target]).mean())

    def _input_grad(self) -> Array:
        grad = self._p.copy()
        grad[np.arange(self.rows), self.target] -= 1
        return np.asarray(grad / self.rows, self._p.dtype)


@final
@dataclass(eq=False, repr=False)
class CrossEntropyWithLabelsFromOne(Loss):
    """Subtracts 1 from labels that begin at 0: label 0 becomes -1, which is the last class."""

    def _target(self, target: Array) -> Array:
        return target - 1

    def _output(self) -> float:
        self._p = reference.softmax_forward(self.prediction)
        return -float(np.log(self._p[np.arange(self.rows), self.target]).mean())

    def _input_grad(self) -> Array:
        grad = self._p.copy()
        grad[np.arange(self.rows), self.target] -= 1
        return np.asarray(grad / self.rows, self._p.dtype)


def _gradient_agrees(loss: type[Loss]) -> str:
    logits = np.random.default_rng(0).standard_normal((4, 3))
    return str(gradcheck(loss(), logits, np.array([0, 2, 1, 1])).worst)


def _adding_to_all_logits_changes_nothing(loss: type[Loss]) -> str:
    logits = np.random.default_rng(0).standard_normal((4, 3))
    labels = np.array([0, 2, 1, 1])
    before, after = (loss().forward(z, labels) for z in (logits, logits + 1000))
    if not abs(before - after) < 1e-9:
        raise Caught(f"the loss is {before:.6f}, and with 1000 added to all logits {after:.6f}")
    return f"the loss is {before:.6f}, with 1000 added to all logits as well"


def _who_is_right_pays_nothing(loss: type[Loss]) -> str:
    _gradient_agrees(loss)
    for label in range(3):
        value = loss().forward(50 * np.eye(3)[[label]], np.array([label]))
        if not value < 1e-6:
            raise Caught(
                f"class {label} is predicted with certainty and right, and costs {value:.3g} "
                "(gradcheck passes: the gradient is the one of this loss)"
            )
    return "a prediction that is certain and right costs nothing, for each class"


def _two_layers(loss: type[Loss], seed: int) -> list[float]:
    layers = [Dense(32, "tanh"), Dense(10)]
    return learn(layers, SGD(0.1), pixels(960), seed=seed, epochs=6, loss=loss())


def _bytes_as_they_are(loss: type[Loss], seed: int) -> list[float]:
    x_train, y_train, x_test, y_test = digits()
    x, x_test = (part.reshape(-1, 64).astype(np.float32) * 16 for part in (x_train, x_test))
    data = Dataset(x[:960], y_train[:960], x_test, y_test)
    layer = Dense(10, weight_init="standard")
    return learn([layer], SGD(0.001), data, seed=seed, epochs=6, loss=loss())


MISTAKES = (
    Mistake[type[Loss]](
        id="binary-form-loss",
        title="The printed loss and the gradient belong to different losses",
        seen="E8",
        text="The loss has the terms of the wrong classes, -(1 - y) log(1 - p), and the gradient "
        "(p - y)/N is that of the plain cross-entropy. Both are sensible, but not together. "
        "Easy to make, because for two classes with one output the two agree. Training follows "
        "the gradient alone, so it ends where the right one ends, to the bit or nearly so: only "
        "the printed loss cannot be compared with anyone else's.",
        wrong=BinaryFormWithPlainGradient,
        right=SoftmaxCrossEntropy,
        right_code=(
            reference.softmax_cross_entropy_forward,
            reference.softmax_cross_entropy_backward,
        ),
        caught_by="gradcheck",
        check=_gradient_agrees,
        curve=_two_layers,
        effect="no difference",
    ),
    Mistake[type[Loss]](
        id="softmax-shift",
        title="Softmax without subtracting the largest logit",
        seen=BEYOND,
        text="exp(89) is infinite in float32, and infinity over infinity is NaN. Softmax does not "
        "change if a number is subtracted from all logits, so one takes the largest away, and "
        "every exponent is at most 0. Easy to make, because the formula in the book has no "
        "shift, and logits are small until the first bad batch. Gradcheck on small numbers "
        "passes.",
        wrong=CrossEntropyWithoutShift,
        right=SoftmaxCrossEntropy,
        right_code=(
            reference.softmax_cross_entropy_forward,
            reference.softmax_cross_entropy_backward,
        ),
        caught_by="invariance: 1000 added to all logits",
        check=_adding_to_all_logits_changes_nothing,
        curve=_bytes_as_they_are,
        effect="breaks",
    ),
    Mistake[type[Loss]](
        id="labels-off-by-one",
        title="Labels are shifted by one, and index -1 is the last class",
        seen=BEYOND,
        text="A file numbers its classes from 1, another from 0, and 1 is subtracted from both. "
        "Label 0 becomes -1, which NumPy takes for the last class, without a word. The loss "
        "falls as it should, the gradient is right for it: the network learns to be wrong by "
        "one. The library's loss refuses labels outside 0..K-1.",
        wrong=CrossEntropyWithLabelsFromOne,
        right=SoftmaxCrossEntropy,
        right_code=(SoftmaxCrossEntropy,),
        caught_by="a known value",
        check=_who_is_right_pays_nothing,
        curve=_two_layers,
        effect="ends worse",
    ),
)
"""The entries of this family."""

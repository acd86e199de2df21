"""Mistakes in the optimizers' formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias, final

import numpy as np

from diglot._typing import Array
from diglot.kernels import reference
from diglot.layers import Dense
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import learn, pixels
from diglot.optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, SGDMomentum
from diglot.schedules import Schedule

MakeOptimizer: TypeAlias = Callable[..., Optimizer]
"""Takes the learning rate."""


@final
@dataclass(eq=False, repr=False)
class AdaGradThatAddsEpsEachStep(Optimizer):
    """Adds eps to the running sum at every step."""

    lr: float | Schedule = 0.01
    eps: float = 1e-7

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        s = self._remembered("sum_squares", name, param)
        s += grad**2 + self.eps
        param -= lr * grad / np.sqrt(s)


@final
@dataclass(eq=False, repr=False)
class AdamWithoutCorrection(Optimizer):
    """Uses both means as they are, though they began at zero."""

    lr: float | Schedule = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        m, s = (self._remembered(memory, name, param) for memory in ("mean", "mean_squares"))
        m += (1 - self.beta1) * (grad - m)
        s += (1 - self.beta2) * (grad**2 - s)
        param -= lr * m / (np.sqrt(s) + self.eps)


@final
@dataclass(eq=False, repr=False)
class MomentumWithTwoSigns(Optimizer):
    """Puts the minus into the velocity, and subtracts that."""

    lr: float | Schedule = 0.01
    momentum: float = 0.9

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        v = self._remembered("velocity", name, param)
        v *= self.momentum
        v -= lr * grad
        param -= v


@final
@dataclass(eq=False, repr=False)
class GradientsAreNotReset(Optimizer):
    """Adds each gradient to those of all steps before."""

    lr: float | Schedule = 0.01

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        total = self._remembered("total", name, param)
        total += grad
        param -= lr * total


@final
@dataclass(eq=False, repr=False)
class AdamWThroughTheGradient(Optimizer):
    """Adds the weight decay to the gradient, where Adam scales it away."""

    lr: float | Schedule = 0.001
    eps: float = 1e-8
    weight_decay: float = field(default=0.01, kw_only=True)

    def _update(self, name: str, param: Array, grad: Array, lr: float) -> None:
        m, s = (self._remembered(memory, name, param) for memory in ("mean", "mean_squares"))
        g = grad + self.weight_decay * param
        m += 0.1 * (g - m)
        s += 0.001 * (g**2 - s)
        t = self._steps
        param -= lr * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + self.eps)


def _steps(optimizer: Optimizer, grads: list[float]) -> float:
    """Make steps from 1.0 with given gradients; tell where they end."""
    w = {"w": np.array([1.0])}
    for grad in grads:
        optimizer.step(w, {"w": np.array([grad])})
    return float(w["w"][0])


def _must_be(found: float, expected: float, what: str) -> str:
    message = f"{what}: the parameter is {found:.6g}, expected {expected:.6g}"
    if not abs(found - expected) <= 1e-6 * abs(expected):
        raise Caught(message)
    return message


def _adagrad_is_its_formula(make: MakeOptimizer) -> str:
    grads = [1e-3] * 50
    w, s = np.array([1.0]), np.array([0.0])
    for grad in grads:
        reference.adagrad_inplace(w, np.array([grad]), s, lr=0.1, eps=1e-7)
    found = _steps(make(0.1, eps=1e-7), grads)
    return _must_be(found, float(w[0]), "after 50 steps with gradients of 0.001")


def _first_step_has_the_length_of_the_rate(make: MakeOptimizer) -> str:
    return _must_be(_steps(make(0.1), [5.0]), 0.9, "after the first step, from 1 with rate 0.1")


def _goes_downhill(make: MakeOptimizer) -> str:
    return _must_be(_steps(make(0.1), [2.0]), 0.8, "one step from 1, with slope 2 and rate 0.1")


def _equal_gradients_equal_steps(make: MakeOptimizer) -> str:
    return _must_be(_steps(make(0.1), [1.0] * 3), 0.7, "three steps from 1, with slope 1, rate 0.1")


def _decay_does_not_depend_on_gradients(make: MakeOptimizer) -> str:
    found = _steps(make(0.1, weight_decay=0.5), [0.0])
    return _must_be(found, 0.95, "a step without gradient, rate 0.1 and decay 0.5")


def _train(make: MakeOptimizer, seed: int, *, lr: float, epochs: int = 5) -> list[float]:
    return learn([Dense(32, "tanh"), Dense(10)], make(lr), pixels(960), seed=seed, epochs=epochs)


def _train_deep(make: MakeOptimizer, seed: int, *, lr: float) -> list[float]:
    layers = [*(Dense(32, "tanh", weight_init="he") for _ in range(3)), Dense(10)]
    return learn(layers, make(lr), pixels(480), seed=seed, epochs=5)


def _train_with_decay(make: MakeOptimizer, seed: int) -> list[float]:
    optimizer = make(0.003, weight_decay=0.3)
    return learn([Dense(64, "tanh"), Dense(10)], optimizer, pixels(480), seed=seed, epochs=10)


MISTAKES = (
    Mistake[MakeOptimizer](
        id="adagrad-eps",
        title="AdaGrad adds eps to its sum at every step",
        seen="E14",
        text="eps is there to keep the root from being zero, once. Inside the sum it grows with "
        "the training, and parameters with small gradients learn ever more slowly. As long as "
        "gradients are larger than sqrt(eps), nobody sees a difference. (The erratum has a "
        "second half, arguments of a falling learning rate that are handed on to the wrong "
        "parameters: lr-decays-to-itself shows what comes of such an argument.)",
        wrong=AdaGradThatAddsEpsEachStep,
        right=AdaGrad,
        right_code=(AdaGrad, reference.adagrad_inplace),
        caught_by="comparison with the reference kernel, with small gradients",
        check=_adagrad_is_its_formula,
        curve=partial(_train, lr=0.05),
        effect="no difference",
    ),
    Mistake[MakeOptimizer](
        id="adam-correction",
        title="Adam without the correction for its start at zero",
        seen=BEYOND,
        text="Both means begin at zero and are too small at first, but not equally: the first "
        "step is 0.1/sqrt(0.001) = 3.2 times as long as it should be, the tenth 6.5 times. It "
        "passes with small learning rates; with a large one and several layers the first steps "
        "throw the network far off.",
        wrong=AdamWithoutCorrection,
        right=Adam,
        right_code=(Adam, reference.adam_inplace),
        caught_by="a known value: the first step's length",
        check=_first_step_has_the_length_of_the_rate,
        curve=partial(_train_deep, lr=0.03),
        effect="ends worse",
    ),
    Mistake[MakeOptimizer](
        id="momentum-sign",
        title="The velocity has a minus sign, and is subtracted",
        seen=BEYOND,
        text="There are two ways to write momentum: v = m v + lr g, w -= v; and v = m v - lr g, "
        "w += v. Half of each climbs up the hill. Found by a single step.",
        wrong=MomentumWithTwoSigns,
        right=SGDMomentum,
        right_code=(SGDMomentum, reference.sgd_momentum_inplace),
        caught_by="a known value: one step",
        check=_goes_downhill,
        curve=partial(_train, lr=0.05),
        effect="ends worse",
    ),
    Mistake[MakeOptimizer](
        id="gradients-not-reset",
        title="Gradients are added to those of the steps before",
        seen=BEYOND,
        text="Where backward adds to what is there, as in PyTorch, somebody has to set gradients "
        "to zero before each step. If nobody does, every gradient that ever was acts in all "
        "later steps: momentum that never fades. In diglot backward replaces the gradients of "
        "parameters.",
        wrong=GradientsAreNotReset,
        right=SGD,
        right_code=(SGD, reference.sgd_inplace),
        caught_by="a known value: three equal steps",
        check=_equal_gradients_equal_steps,
        curve=partial(_train_deep, lr=0.1),
        effect="ends worse",
    ),
    Mistake[MakeOptimizer](
        id="decay-through-adam",
        title="Weight decay goes through Adam's means",
        seen=BEYOND,
        text="With plain descent, adding decay * w to the gradient and shrinking w are the same. "
        "Adam divides by the size of the gradient, so that a decay that is added there is "
        "divided, too: parameters with large gradients hardly decay, those without any shrink "
        "by the full rate. AdamW shrinks the parameters themselves. (Adam with weight_decay does "
        "the former on purpose, as the paper of 2015; the mistake is to call that AdamW, or to "
        "take over its decay.)",
        wrong=AdamWThroughTheGradient,
        right=AdamW,
        right_code=(AdamW, reference.adam_inplace),
        caught_by="a known value: a step without gradient",
        check=_decay_does_not_depend_on_gradients,
        curve=_train_with_decay,
        effect="ends worse",
    ),
)
"""The entries of this family."""

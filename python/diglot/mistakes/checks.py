"""A mistake in a check: it passes what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from diglot.gradcheck import gradcheck
from diglot.mistakes.convolutions import (
    ConvWithoutTurningTheFilter,
    ConvWithRowsInOtherOrder,
    MakeConv,
    conv_network,
    conv_of_the_library,
)
from diglot.mistakes.mistake import Caught, Mistake
from diglot.operations import Conv2DOp, ParamOperation

Judge: TypeAlias = Callable[[ParamOperation], bool]
"""Tells whether the gradients of a convolution of (N, 2, H, W) look right."""

_CONVOLUTIONS: tuple[MakeConv, ...] = (
    ConvWithRowsInOtherOrder,
    ConvWithoutTurningTheFilter,
    conv_of_the_library,
)


def a_check_with_ones(conv: ParamOperation) -> bool:
    """Compare gradients of the output's sum, of the weights and of a pixel in the middle."""
    x = np.random.default_rng(0).standard_normal((2, 2, 7, 7))
    ones = np.ones_like(conv.forward(x))
    input_grad = conv.backward(ones)[0, 0, 3, 3]
    weight_grad = conv.param_grad[0, 0, 1, 1]

    def total(pixel: float, number: float) -> float:
        image, weight = x.copy(), conv.param.copy()
        image[0, 0, 3, 3], weight[0, 0, 1, 1] = pixel, number
        return float(Conv2DOp(weight).forward(image).sum())

    pixel, number, eps = x[0, 0, 3, 3], conv.param[0, 0, 1, 1], 1e-6
    slopes = [
        (total(pixel + eps, number) - total(pixel - eps, number)) / (2 * eps),
        (total(pixel, number + eps) - total(pixel, number - eps)) / (2 * eps),
    ]
    return bool(np.allclose([input_grad, weight_grad], slopes, rtol=1e-6))


def a_check_with_random_numbers(conv: ParamOperation) -> bool:
    """Let gradcheck draw the output's gradient, for two images that are not square."""
    x = np.random.default_rng(0).standard_normal((2, 2, 7, 6))
    return gradcheck(conv, x, raise_on_failure=False).passed


def _finds_what_is_wrong(judge: Judge) -> str:
    for conv in _CONVOLUTIONS:
        weight = np.random.default_rng(1).standard_normal((4, 2, 3, 3))
        operation = conv(weight, 1)
        passed, name = judge(operation), type(operation).__name__
        if passed != isinstance(operation, Conv2DOp):
            raise Caught(f"{name} {'passes' if passed else 'is refused, though it is right'}")
    return "refuses both wrong convolutions, and passes Conv2DOp"


def _train_what_passes(judge: Judge, seed: int) -> list[float]:
    """Train the first convolution that the check lets through."""
    weight = np.random.default_rng(1).standard_normal((4, 2, 3, 3))
    passing = next(conv for conv in _CONVOLUTIONS if judge(conv(weight, 1)))
    return conv_network(passing, passing, seed)


MISTAKES = (
    Mistake[Judge](
        id="check-with-ones",
        title="A gradient check with an output gradient of ones passes wrong convolutions",
        seen="E3",
        text="With ones, the order of the rows (conv-row-order) does not matter, and inside the "
        "image the sum over a filter is the same whichever way it is turned (conv-not-flipped). "
        "A check needs a random output gradient, several images, the pixels at the border, and "
        "images that are not square. The check of this check is to give it wrong operations. The "
        "training is that of the first convolution that it lets through.",
        wrong=a_check_with_ones,
        right=a_check_with_random_numbers,
        caught_by="wrong operations, which a check must refuse",
        check=_finds_what_is_wrong,
        curve=_train_what_passes,
        effect="ends worse",
    ),
)
"""The entries of this family."""

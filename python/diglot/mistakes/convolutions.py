"""Mistakes in convolution and pooling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias, final

import numpy as np

from diglot import kernels
from diglot._typing import Array
from diglot.gradcheck import gradcheck
from diglot.kernels import reference
from diglot.layers import Activation, Dense, Flatten
from diglot.mistakes.mistake import BEYOND, Caught, Mistake
from diglot.mistakes.stage import Stage, Weights, images, learn, pixels
from diglot.operations import Conv2DOp, MaxPool2DOp, Operation, ParamOperation
from diglot.optimizers import SGD

MakeConv: TypeAlias = Callable[[Array, int], ParamOperation]
"""Takes filters and a stride."""


class Conv(ParamOperation):
    """A convolution without padding, in which one gradient may be replaced by a wrong one."""

    def __init__(self, weight: Array, stride: int = 1) -> None:
        self.params = {"weight": weight}
        self.stride = stride

    def _output(self) -> Array:
        return kernels.conv2d_forward(self.input_, self.param, None, stride=self.stride)

    def _input_grad(self, output_grad: Array) -> Array:
        size, stride = self.input_.shape[2:], self.stride
        return kernels.conv2d_backward_input(
            output_grad, self.param, input_size=size, stride=stride
        )

    def _param_grad(self, output_grad: Array) -> Array:
        size, stride = self.param.shape[2:], self.stride
        weight_grad: Array = kernels.conv2d_backward_weight(
            output_grad, self.input_, kernel_size=size, stride=stride
        )[0]
        return weight_grad


@final
class ConvWithRowsInOtherOrder(Conv):
    """Patches run over positions first, output gradients over images first."""

    def _param_grad(self, output_grad: Array) -> Array:
        step = self.stride
        windows = np.lib.stride_tricks.sliding_window_view(
            self.input_, self.param.shape[2:], axis=(2, 3)
        )[:, :, ::step, ::step]  # (N, C, OH, OW, KH, KW)
        patches = windows.transpose(2, 3, 0, 1, 4, 5).reshape(-1, self.param[0].size)
        grads = output_grad.transpose(0, 2, 3, 1).reshape(-1, len(self.param))
        return np.asarray(grads.T @ patches).reshape(self.param.shape)


@final
class ConvWithoutTurningTheFilter(Conv):
    """The filter goes over the output's gradient as it went over the image (stride 1)."""

    def _input_grad(self, output_grad: Array) -> Array:
        KH, KW = self.param.shape[2:]
        border = ((0, 0), (0, 0), (KH - 1, KH - 1), (KW - 1, KW - 1))
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(output_grad, border), (KH, KW), axis=(2, 3)
        )  # (N, OC, H, W, KH, KW)
        filters = self.param  # should be turned round: [:, :, ::-1, ::-1]
        return np.asarray(np.einsum("nohwuv,ocuv->nchw", windows, filters, optimize=True))


@final
class ConvThatForgetsItsStride(Conv):
    """The gradient of output (i, j) is added at (i, j), not at (i*stride, j*stride)."""

    def _input_grad(self, output_grad: Array) -> Array:
        KH, KW = self.param.shape[2:]
        OH, OW = output_grad.shape[2:]
        input_grad = np.zeros_like(self.input_)
        for u in range(KH):
            for v in range(KW):
                input_grad[:, :, u : u + OH, v : v + OW] += np.einsum(
                    "nohw,oc->nchw", output_grad, self.param[:, :, u, v]
                )
        return input_grad


@final
class MaxPoolForAllTies(Operation):
    """A pooling by 2 whose gradient goes to every pixel that equals the largest."""

    def __init__(self, kernel_size: int = 2) -> None:
        self.kernel_size = kernel_size

    def _output(self) -> Array:
        N, C, H, W = self.input_.shape
        k = self.kernel_size
        return np.asarray(self.input_.reshape(N, C, H // k, k, W // k, k).max(axis=(3, 5)))

    def _input_grad(self, output_grad: Array) -> Array:
        k = self.kernel_size
        largest, grad = (a.repeat(k, 2).repeat(k, 3) for a in (self.output, output_grad))
        return np.asarray(grad * (self.input_ == largest))


def conv_of_the_library(weight: Array, stride: int = 1) -> ParamOperation:
    """Make the library's operation, without padding and bias."""
    return Conv2DOp(weight, stride=stride)


@final
class AsImage(Operation):
    """Makes a square image of each row."""

    def _output(self) -> Array:
        side = int(self.input_.shape[1] ** 0.5)
        return self.input_.reshape(-1, 1, side, side)

    def _input_grad(self, output_grad: Array) -> Array:
        return output_grad.reshape(self.input_.shape)


def _gradients_agree(make: MakeConv, stride: int = 1) -> str:
    rng = np.random.default_rng(0)
    conv = make(rng.standard_normal((4, 2, 3, 2)), stride)
    return str(gradcheck(conv, rng.standard_normal((2, 2, 7, 6))).worst)  # 2 images, not square


def _gradients_agree_with_stride(make: MakeConv) -> str:
    return _gradients_agree(make, stride=2)


def _nothing_is_added_at_ties(make: Callable[[int], Operation]) -> str:
    pool = make(2)
    gradcheck(pool, np.random.default_rng(0).permutation(32.0 * np.arange(32)).reshape(1, 2, 4, 4))
    pool.forward(np.zeros((1, 1, 4, 4)))  # as after a ReLU: whole windows of zeros
    total = float(pool.backward(np.ones((1, 1, 2, 2))).sum())
    if total != 4:
        raise Caught(
            f"4 came in as gradient, and {total:g} went out where the pixels of a window are "
            "equal (where they are not, gradcheck passes)"
        )
    return "equal pixels get together what comes in, 4; gradcheck passes where none are equal"


def conv_network(first: MakeConv, second: MakeConv, seed: int) -> list[float]:
    """Train two convolutions and a dense layer on digits; give the accuracy after each epoch."""

    def layer(make: MakeConv, channels: int) -> Stage:
        return Stage(
            lambda weights, rng: make(weights["weight"], 1),
            lambda shape: {"weight": (channels, shape[0], 3, 3)},
            lambda shape: (channels, shape[1] - 2, shape[2] - 2),
        )

    layers = [layer(first, 2), Activation("tanh"), layer(second, 16), Activation("tanh")]
    return learn([*layers, Flatten(), Dense(10)], SGD(0.05), images(960), seed=seed, epochs=5)


def _both_convolutions(make: MakeConv, seed: int) -> list[float]:
    return conv_network(make, make, seed)


def _learned_image(
    make: MakeConv, seed: int, *, side: int, stride: int, channels: int
) -> list[float]:
    """Train a dense layer that draws an image, which a convolution reads."""
    out = (side - 3) // stride + 1
    conv = Stage(
        lambda weights, rng: make(weights["weight"], stride),
        lambda shape: {"weight": (channels, 1, 3, 3)},
        lambda shape: (channels, out, out),
    )
    image = Stage(lambda weights, rng: AsImage(), output=lambda shape: (1, side, side))
    layers = [Dense(side * side, "tanh"), image, conv, Flatten(), Dense(10)]
    return learn(layers, SGD(0.02), pixels(), seed=seed, epochs=4)


def _pooling_after_relu(make: Callable[[int], Operation], seed: int) -> list[float]:
    def pool(weights: Weights, rng: np.random.Generator) -> Operation:
        return make(2)

    pooled = Stage(pool, output=lambda shape: (shape[0], shape[1] // 2, shape[2] // 2))
    conv = Stage(
        lambda weights, rng: conv_of_the_library(weights["weight"], 1),
        lambda shape: {"weight": (8, 1, 3, 3)},
        lambda shape: (8, 6, 6),
    )
    layers = [conv, Activation("relu"), pooled, Flatten(), Dense(10)]
    return learn(layers, SGD(0.05), images(960), seed=seed, epochs=5)


MISTAKES = (
    Mistake[MakeConv](
        id="conv-row-order",
        title="The rows of patches and of output gradients are in different orders",
        seen="E1",
        text="The weight gradient is a product of two matrices, one row for each image and "
        "position. Here one has the positions outside and the images inside, the other the "
        "reverse. The shapes agree, so nothing complains, and with one image the result is "
        "right; with more, patches of one image meet the gradients of another.",
        wrong=ConvWithRowsInOtherOrder,
        right=conv_of_the_library,
        right_code=(Conv2DOp, reference.conv2d_backward_weight),
        caught_by="gradcheck, with 2 images",
        check=_gradients_agree,
        curve=_both_convolutions,
        effect="ends worse",
    ),
    Mistake[MakeConv](
        id="conv-not-flipped",
        title="The input's gradient is computed with the filter as it is, not turned round",
        seen="E2",
        text="A pixel that an output reads at offset u gives back to it at offset -u, so that the "
        "filter has to be rotated by 180 degrees. The shapes agree without it. Nobody sees it "
        "in a first layer, whose input needs no gradient, nor with symmetric filters; and what "
        "lies before the convolution learns all the same, only more slowly.",
        wrong=ConvWithoutTurningTheFilter,
        right=conv_of_the_library,
        right_code=(Conv2DOp, reference.conv2d_backward_input),
        caught_by="gradcheck",
        check=_gradients_agree,
        curve=partial(_learned_image, side=5, stride=1, channels=1),
        effect="ends worse",
    ),
    Mistake[MakeConv](
        id="conv-stride-dropped",
        title="The backward pass of a convolution forgets the stride",
        seen=BEYOND,
        text="Forward reads at i*stride + u, backward adds at i + u: all gradients are squeezed "
        "into one corner of the image. Easy to make, because it is right for stride 1, which "
        "is what one tries first. A check needs a stride of its own.",
        wrong=ConvThatForgetsItsStride,
        right=conv_of_the_library,
        right_code=(Conv2DOp, reference.conv2d_backward_input),
        caught_by="gradcheck, with stride 2",
        check=_gradients_agree_with_stride,
        curve=partial(_learned_image, side=9, stride=3, channels=4),
        effect="ends worse",
    ),
    Mistake[Callable[[int], Operation]](
        id="max-pool-ties",
        title="Max pooling sends its gradient to all pixels that share the maximum",
        seen=BEYOND,
        text="`input == maximum` looks like the mask of the winner. Where several pixels are "
        "equal it is a mask of all, and each gets the whole gradient. Random numbers are never "
        "equal, so gradcheck passes; after a ReLU whole windows are zero. (ReLU's own backward "
        "pass stops the gradient of those again, so that little harm is done there.) Right is "
        "one winner, whose place forward has kept.",
        wrong=MaxPoolForAllTies,
        right=MaxPool2DOp,
        right_code=(MaxPool2DOp, reference.max_pool2d_backward),
        caught_by="the sum of the gradient, in windows of equal pixels",
        check=_nothing_is_added_at_ties,
        curve=_pooling_after_relu,
        effect="no difference",
    ),
)
"""The entries of this family."""

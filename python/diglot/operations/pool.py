"""Pooling: smaller images, one number from each window."""

from dataclasses import dataclass
from typing import final

from diglot import kernels
from diglot._typing import Array, IntOrPair
from diglot.config import int_or_pair
from diglot.errors import ShapeError
from diglot.operations.base import Operation
from diglot.operations.windows import output_size, pair, require_images


@final
@dataclass(eq=False, repr=False)
class MaxPool2DOp(Operation):
    """Take the largest number of each window.

        output[n, c, i, j] = max_{u,v} input_[n, c, i*stride + u - padding, j*stride + v - padding]

    Of equal ones the first wins, and gets the whole gradient; padding never wins.

    Args:
        kernel_size: of a window, in pixels.
        stride: step between windows, in pixels; None means kernel_size.
        padding: in pixels, at most half of kernel_size.

    Book: chapter 5 (in words).
    """

    kernel_size: IntOrPair
    stride: IntOrPair | None = None
    padding: IntOrPair = 0

    def __post_init__(self) -> None:
        self.kernel_size, self.stride, self.padding = check_pooling(
            self.kernel_size, self.stride, self.padding
        )
        KH, KW = pair(self.kernel_size)
        self.flops_per_output = KH * KW

    def _output(self) -> Array:
        require_images(self.input_.shape)
        output_size(
            self.input_.shape, self.kernel_size, self.stride or self.kernel_size, self.padding
        )
        output: Array
        output, self._indices = kernels.max_pool2d_forward(
            self.input_, kernel_size=self.kernel_size, stride=self.stride, padding=self.padding
        )
        return output

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.max_pool2d_backward(
            output_grad, self._indices, input_size=self.input_.shape[2:]
        )


@final
@dataclass(eq=False, repr=False)
class AvgPool2DOp(Operation):
    """Take the mean of each window, where padding counts as zeros.

        output[n, c, i, j] = mean_{u,v} input_[n, c, i*stride + u - padding, j*stride + v - padding]

    Args:
        kernel_size: of a window, in pixels.
        stride: step between windows, in pixels; None means kernel_size.
        padding: in pixels, at most half of kernel_size.

    Book: chapter 5 (in words).
    """

    kernel_size: IntOrPair
    stride: IntOrPair | None = None
    padding: IntOrPair = 0

    def __post_init__(self) -> None:
        self.kernel_size, self.stride, self.padding = check_pooling(
            self.kernel_size, self.stride, self.padding
        )
        KH, KW = pair(self.kernel_size)
        self.flops_per_output = KH * KW

    def _output(self) -> Array:
        require_images(self.input_.shape)
        output_size(
            self.input_.shape, self.kernel_size, self.stride or self.kernel_size, self.padding
        )
        return kernels.avg_pool2d_forward(
            self.input_, kernel_size=self.kernel_size, stride=self.stride, padding=self.padding
        )

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.avg_pool2d_backward(
            output_grad,
            input_size=self.input_.shape[2:],
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
        )


@final
@dataclass(eq=False, repr=False)
class GlobalAvgPool2DOp(Operation):
    """Take the mean of each channel.

        output[n, c] = mean_{h,w} input_[n, c, h, w]

    Source: Lin, Chen & Yan 2013, "Network in network", arXiv:1312.4400.
    """

    def _output(self) -> Array:
        require_images(self.input_.shape)
        N, C, H, W = self.input_.shape
        if H * W == 0:
            raise ShapeError(f"input_ has shape {self.input_.shape}: the mean of no pixels")
        self.flops_per_output = H * W
        mean: Array = kernels.avg_pool2d_forward(self.input_, kernel_size=(H, W))
        return mean.reshape(N, C)

    def _input_grad(self, output_grad: Array) -> Array:
        H, W = self.input_.shape[2:]
        return kernels.avg_pool2d_backward(
            output_grad[:, :, None, None], input_size=(H, W), kernel_size=(H, W)
        )


def check_pooling(
    kernel_size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair
) -> tuple[IntOrPair, IntOrPair | None, IntOrPair]:
    """Check the settings of a pooling, and return them as ints and tuples.

    Raises:
        ValueError: one of them is no size, or the padding could fill a whole window.
    """
    kernel_size = int_or_pair("kernel_size", kernel_size)
    stride = None if stride is None else int_or_pair("stride", stride)
    padding = int_or_pair("padding", padding, least=0)
    for k, p in zip(pair(kernel_size), pair(padding), strict=True):
        if 2 * p > k:
            raise ValueError(
                f"padding is {padding}, expected at most half of kernel_size {kernel_size}"
            )
    return kernel_size, stride, padding

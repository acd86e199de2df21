"""Pooling layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from diglot._typing import IntOrPair, Shape
from diglot.errors import ShapeError
from diglot.layers.base import Create, Layer
from diglot.operations import AvgPool2DOp, GlobalAvgPool2DOp, MaxPool2DOp, Operation
from diglot.operations.pool import check_pooling
from diglot.operations.windows import output_size


@final
@dataclass(eq=False, repr=False)
class MaxPool2D(Layer):
    """Take the largest number of each window: (N, C, H, W) -> (N, C, OH, OW).

        OH = (H + 2*padding - KH) // stride + 1

    Args:
        kernel_size: of a window, in pixels: one number or (height, width).
        stride: step between windows, in pixels; None means kernel_size.
        padding: in pixels, at most half of kernel_size; never wins.

    Book: chapter 5 (in words).
    """

    kernel_size: IntOrPair
    stride: IntOrPair | None = None
    padding: IntOrPair = 0

    def __post_init__(self) -> None:
        self.kernel_size, self.stride, self.padding = check_pooling(
            self.kernel_size, self.stride, self.padding
        )

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        settings = (self.kernel_size, self.stride, self.padding)
        return [MaxPool2DOp(*settings)], _pooled(input_shape, *settings)


@final
@dataclass(eq=False, repr=False)
class AvgPool2D(Layer):
    """Take the mean of each window: (N, C, H, W) -> (N, C, OH, OW).

        OH = (H + 2*padding - KH) // stride + 1

    Args:
        kernel_size: of a window, in pixels: one number or (height, width).
        stride: step between windows, in pixels; None means kernel_size.
        padding: in pixels, at most half of kernel_size; counts as zeros in the mean.

    Book: chapter 5 (in words).
    """

    kernel_size: IntOrPair
    stride: IntOrPair | None = None
    padding: IntOrPair = 0

    def __post_init__(self) -> None:
        self.kernel_size, self.stride, self.padding = check_pooling(
            self.kernel_size, self.stride, self.padding
        )

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        settings = (self.kernel_size, self.stride, self.padding)
        return [AvgPool2DOp(*settings)], _pooled(input_shape, *settings)


@final
@dataclass(eq=False, repr=False)
class GlobalAvgPool2D(Layer):
    """Take the mean of each channel: (N, C, H, W) -> (N, C).

    Source: Lin, Chen & Yan 2013, "Network in network", arXiv:1312.4400.
    """

    def _setup(
        self, input_shape: Shape, create: Create, rng: np.random.Generator
    ) -> tuple[list[Operation], Shape]:
        _require_image(input_shape)
        return [GlobalAvgPool2DOp()], input_shape[:1]


def _pooled(
    input_shape: Shape, kernel_size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair
) -> Shape:
    _require_image(input_shape)
    size = output_size(input_shape, kernel_size, stride or kernel_size, padding)
    return (input_shape[0], *size)


def _require_image(input_shape: Shape) -> None:
    if len(input_shape) != 3 or 0 in input_shape:
        raise ShapeError(f"a sample has shape {input_shape}, expected (channels, H, W)")

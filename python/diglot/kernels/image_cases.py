"""The sizes that convolutions and poolings are judged on: borders, remainders, pairs, groups.

One list serves a forward kernel and its gradients; each size knows the arguments of every kernel
of its family. These are the sizes which hid the book's own mistakes, and those at which the native
kernels change from one block to the next.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from diglot._typing import Array, IntOrPair, Shape
from diglot.kernels import reference
from diglot.kernels.draw import Arguments, Case, Draw, Fill
from diglot.kernels.reference.windows import output_size, padded_shape, pair


@dataclass(frozen=True)
class Convolution:
    """A convolution's sizes, and the cases of the three kernels that belong to it."""

    name: str
    images: tuple[int, int, int, int]  # N, C, H, W
    filters: tuple[int, int, int]  # OC, KH, KW
    settings: Arguments = field(default_factory=dict)
    fill: Fill = Draw.normal
    bias: bool = True
    smooth: bool = False

    @property
    def weights(self) -> Shape:
        """Compute the shape of the filters."""
        OC, KH, KW = self.filters
        return OC, self.images[1] // self.settings.get("groups", 1), KH, KW

    @property
    def outputs(self) -> Shape:
        """Compute the shape of the output."""
        get = self.settings.get
        padded = padded_shape(self.images, get("padding", 0))
        size = output_size(padded, self.filters[1:], get("stride", 1), get("dilation", 1))
        return self.images[0], self.filters[0], *size

    def _case(self, terms: int, make: Callable[[Draw], Arguments]) -> Case:
        return Case(
            self.name, lambda draw: make(draw) | self.settings, max(terms, 1), smooth=self.smooth
        )

    def forward(self) -> Case:
        """Give the case of conv2d_forward."""
        OC, C_g, KH, KW = self.weights
        return self._case(
            C_g * KH * KW + self.bias,
            lambda draw: {
                "x": self.fill(draw, *self.images),
                "w": draw.normal(*self.weights),
                "b": draw.normal(OC) if self.bias else None,
            },
        )

    def backward_input(self) -> Case:
        """Give the case of conv2d_backward_input."""
        OC, _, KH, KW = self.weights
        return self._case(
            OC // self.settings.get("groups", 1) * KH * KW,
            lambda draw: {
                "dy": self.fill(draw, *self.outputs),
                "w": draw.normal(*self.weights),
                "input_size": self.images[2:],
            },
        )

    def backward_weight(self) -> Case:
        """Give the case of conv2d_backward_weight."""
        N, _, OH, OW = self.outputs
        return self._case(
            N * OH * OW,
            lambda draw: {
                "dy": self.fill(draw, *self.outputs),
                "x": draw.normal(*self.images),
                "kernel_size": self.filters[1:],
            },
        )


CONVOLUTIONS = [
    Convolution("plain", (2, 3, 6, 5), (4, 3, 3), smooth=True),
    Convolution("one by one", (2, 3, 5, 7), (4, 1, 1)),
    Convolution("one pixel", (3, 2, 1, 1), (5, 1, 1), {"padding": 0}, bias=False),
    Convolution("whole image", (2, 3, 4, 6), (5, 4, 6)),
    Convolution("one row", (2, 3, 1, 40), (4, 1, 7), {"padding": (0, 3)}),
    Convolution("border", (2, 2, 4, 5), (3, 3, 3), {"padding": 1}, smooth=True),
    Convolution("wide border", (2, 2, 3, 2), (3, 2, 2), {"padding": 3}),
    Convolution("rectangular", (2, 2, 5, 9), (3, 2, 5), {"padding": (0, 2)}, smooth=True),
    Convolution("stride leaves a remainder", (2, 2, 8, 7), (3, 3, 2), {"stride": 2}, smooth=True),
    Convolution("stride skips pixels", (2, 2, 8, 10), (3, 2, 2), {"stride": 3}, smooth=True),
    Convolution("dilation", (2, 2, 9, 10), (3, 3, 3), {"dilation": 2, "padding": 1}),
    Convolution(
        "pairs",
        (2, 2, 7, 8),
        (3, 3, 2),
        {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 3)},
        smooth=True,
    ),
    Convolution("groups", (2, 6, 6, 5), (4, 3, 3), {"groups": 2, "padding": 1}, smooth=True),
    Convolution("depthwise", (2, 5, 6, 7), (5, 3, 3), {"groups": 5, "stride": 2}, smooth=True),
    Convolution(
        "depthwise, as large", (2, 3, 6, 7), (3, 3, 3), {"groups": 3, "padding": 1}, smooth=True
    ),
    Convolution(
        "depthwise, wide", (1, 2, 3, 37), (2, 3, 3), {"groups": 2, "padding": 1}, bias=False
    ),
    Convolution("depthwise, in bands", (1, 1, 300, 32), (1, 3, 3), {"padding": 1}),
    Convolution(
        "depthwise, special numbers",
        (1, 2, 5, 18),
        (2, 3, 3),
        {"groups": 2, "padding": 1},
        fill=Draw.special,
    ),
    Convolution("depthwise, two filters each", (2, 3, 6, 5), (6, 2, 3), {"groups": 3}),
    Convolution("book", (3, 1, 28, 28), (16, 5, 5), {"padding": 2}),
    Convolution("second layer", (2, 14, 28, 28), (7, 5, 5), {"padding": 2}, bias=False),
    Convolution("deep", (2, 60, 9, 8), (33, 3, 3), {"padding": 1}),
    Convolution("many filters", (17, 5, 6, 6), (100, 3, 3), {"stride": 2, "padding": 1}),
    Convolution("tiles", (3, 33, 13, 18), (35, 3, 3), {"padding": 1}),
    Convolution("tiles of dilated grids", (2, 32, 22, 17), (32, 3, 3), {"dilation": (2, 1)}),
    Convolution("tiles in bands", (1, 70, 33, 30), (34, 3, 3), {"padding": (0, 2)}, bias=False),
    Convolution("tiles of special numbers", (3, 32, 13, 14), (32, 3, 3), fill=Draw.special),
    Convolution("tiles of large numbers", (2, 32, 13, 14), (32, 3, 3), fill=Draw.large),
    Convolution("a short last band", (1, 3, 29, 28), (5, 3, 3), {"padding": 1}),
    Convolution(
        "a short last band, apart", (1, 70, 41, 30), (9, 3, 3), {"stride": 2, "padding": 1}
    ),
    Convolution("many channels, one filter", (2, 9, 8, 9), (1, 3, 5), {"padding": 2}),
    Convolution("many filters, one channel", (2, 1, 9, 8), (12, 4, 3), {"stride": (2, 1)}),
    Convolution("long rows", (1, 2, 3, 9000), (2, 3, 9), {"padding": (1, 4)}),
    Convolution("no images", (0, 2, 5, 5), (3, 3, 3)),
    Convolution("special numbers", (2, 3, 6, 7), (4, 3, 2), fill=Draw.special),
    Convolution("subnormal numbers", (2, 3, 6, 7), (4, 3, 2), fill=Draw.subnormal, bias=False),
    Convolution("large numbers", (2, 3, 6, 7), (4, 3, 2), {"stride": 2}, fill=Draw.large),
]


@dataclass(frozen=True)
class Pooling:
    """The sizes of a pooling, and the cases of the kernels that belong to it."""

    name: str
    images: tuple[int, int, int, int]  # N, C, H, W
    kernel_size: IntOrPair
    stride: IntOrPair | None = None
    padding: IntOrPair = 0
    fill: Fill = Draw.normal
    smooth: bool = False

    def _case(self, make: Callable[[Draw], Arguments]) -> Case:
        KH, KW = pair(self.kernel_size)
        return Case(self.name, make, KH * KW, smooth=self.smooth)

    def _forward(self, draw: Draw) -> Arguments:
        return {"x": self.fill(draw, *self.images)} | self._settings

    @property
    def _settings(self) -> Arguments:
        return {"kernel_size": self.kernel_size, "stride": self.stride, "padding": self.padding}

    def forward(self) -> Case:
        """Give the case of max_pool2d_forward and avg_pool2d_forward."""
        return self._case(self._forward)

    def backward_max(self) -> Case:
        """Give the case of max_pool2d_backward."""

        def make(draw: Draw) -> Arguments:
            indices: Array = reference.max_pool2d_forward(**self._forward(draw))[1]
            dy = self.fill(draw, *indices.shape)
            return {"dy": dy, "indices": indices, "input_size": self.images[2:]}

        return self._case(make)

    def backward_avg(self) -> Case:
        """Give the case of avg_pool2d_backward."""
        stride = self.kernel_size if self.stride is None else self.stride
        size = output_size(padded_shape(self.images, self.padding), self.kernel_size, stride)
        return self._case(
            lambda draw: (
                {
                    "dy": self.fill(draw, *self.images[:2], *size),
                    "input_size": self.images[2:],
                }
                | self._settings
            )
        )


POOLINGS = [
    Pooling("plain", (2, 3, 6, 8), 2, smooth=True),
    Pooling("one by one", (2, 3, 4, 5), 1),
    Pooling("whole image", (2, 3, 4, 5), (4, 5)),
    Pooling("overlap", (2, 3, 7, 6), 3, 1, smooth=True),
    Pooling("border and overlap", (2, 3, 7, 9), 3, 2, 1, smooth=True),
    Pooling("remainder", (2, 2, 7, 8), 3),
    Pooling("stride skips pixels", (2, 2, 9, 8), 2, 3),
    Pooling("pairs", (2, 3, 6, 9), (3, 2), (1, 2), (1, 0), smooth=True),
    Pooling("half of the kernel", (2, 2, 5, 5), (4, 2), (3, 1), (2, 1)),
    Pooling("threads", (4, 9, 33, 31), 3, 2, 1),
    Pooling("wide squares", (2, 2, 9, 77), 2),
    Pooling("wide tiles", (1, 2, 7, 70), (2, 3)),
    Pooling("wide with a border", (2, 2, 8, 75), 3, 2, 1),
    Pooling("wide overlap", (1, 2, 6, 50), (2, 3), 1, (1, 1)),
    Pooling("no images", (0, 2, 5, 5), 2),
    Pooling("no channels", (2, 0, 5, 5), 2),
    Pooling("special numbers", (2, 2, 6, 7), 2, 1, fill=Draw.special),
    Pooling("subnormal numbers", (2, 2, 6, 7), 2, fill=Draw.subnormal),
]
MAX_POOLINGS = [
    *POOLINGS,
    Pooling("ties", (2, 3, 8, 9), 3, 2, 1, Draw.ties),
    Pooling("many NaN", (2, 3, 8, 9), 3, 2, 1, Draw.holes),
    Pooling("squares with ties", (2, 3, 8, 39), 2, fill=Draw.ties),
    Pooling("squares with NaN", (2, 3, 8, 39), 2, fill=Draw.holes),
]

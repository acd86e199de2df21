"""Convolution of images with learned filters."""

from dataclasses import InitVar, dataclass
from typing import final

from diglot import kernels
from diglot._typing import Array, IntOrPair
from diglot.config import int_or_pair, integer
from diglot.errors import ShapeError
from diglot.operations.base import ParamOperation
from diglot.operations.windows import output_size, require_images


@final
@dataclass(eq=False, repr=False)
class Conv2DOp(ParamOperation):
    """Cross-correlate images with filters, and add a bias to each filter's output.

        output[n, o, i, j] = bias[o] + sum_{c,u,v} weight[o, c, u, v]
            * input_[n, c, i*stride + u*dilation - padding, j*stride + v*dilation - padding]

    Args:
        weight: filters, (OC, C/groups, KH, KW).
        bias: (OC,), or None for none.
        stride: step between windows, in pixels.
        padding: rows and columns of zeros on each side, in pixels.
        dilation: step between the pixels of one window.
        groups: channels and filters are split into so many parts that do not see each other.

    Book: chapter 5 (errata E1, E2).
    """

    weight: InitVar[Array]
    bias: InitVar[Array | None] = None
    stride: IntOrPair = 1
    padding: IntOrPair = 0
    dilation: IntOrPair = 1
    groups: int = 1

    def __post_init__(self, weight: Array, bias: Array | None) -> None:
        if weight.ndim != 4 or 0 in weight.shape:
            raise ShapeError(f"weight has shape {weight.shape}, expected (OC, C/groups, KH, KW)")
        if bias is not None and bias.shape != weight.shape[:1]:
            raise ShapeError(f"bias has shape {bias.shape}, expected {weight.shape[:1]}")
        self.stride = int_or_pair("stride", self.stride)
        self.padding = int_or_pair("padding", self.padding, least=0)
        self.dilation = int_or_pair("dilation", self.dilation)
        self.groups = integer("groups", self.groups)
        OC, C_g, KH, KW = weight.shape  # C_g = C/groups
        if OC % self.groups:
            raise ValueError(f"groups is {self.groups}, which does not divide the {OC} filters")
        self.params = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
        self.flops_per_output = 2 * C_g * KH * KW + (bias is not None)

    def _output(self) -> Array:
        shape = self.input_.shape
        require_images(shape, self.param.shape[1] * self.groups)
        output_size(shape, self._kernel_size, self.stride, self.padding, self.dilation)
        self._check_dtype()
        return kernels.conv2d_forward(
            self.input_,
            self.param,
            self.params.get("bias"),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def _input_grad(self, output_grad: Array) -> Array:
        return kernels.conv2d_backward_input(
            output_grad,
            self.param,
            input_size=self.input_.shape[2:],
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def _param_grad(self, output_grad: Array) -> tuple[Array, ...]:
        weight_grad, bias_grad = kernels.conv2d_backward_weight(
            output_grad,
            self.input_,
            kernel_size=self._kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        return (weight_grad, bias_grad) if "bias" in self.params else (weight_grad,)

    @property
    def _kernel_size(self) -> tuple[int, int]:
        _, _, KH, KW = self.param.shape
        return KH, KW

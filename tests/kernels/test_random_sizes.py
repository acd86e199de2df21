"""Do the native kernels agree with the reference for sizes that nobody has thought of?"""

import numpy as np
import pytest
from builds import BUILDS, kernel
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from diglot.kernels.draw import Case
from diglot.kernels.image_cases import Convolution, Pooling
from diglot.kernels.tolerance import call, largest_difference, truth

few = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


def pairs(least, most):
    return st.tuples(st.integers(least, most), st.integers(least, most))


def agree(build, name, case, dtype):
    arguments = case.arguments(dtype)
    actual = call(kernel(build, name), arguments)
    worst = largest_difference(actual, truth(name, case, arguments, np.dtype(dtype)))
    assert worst.units <= 1, f"{name}: {worst}"


@pytest.mark.parametrize("build", BUILDS)
@few
@given(
    images=st.tuples(*[st.integers(1, 4)] * 2, st.integers(1, 14), st.integers(1, 14)),
    filters=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
    stride=pairs(1, 4),
    padding=pairs(0, 5),
    dilation=pairs(1, 3),
    groups=st.integers(1, 3),
    bias=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_convolutions(build, images, filters, stride, padding, dilation, groups, bias, dtype):
    N, C, H, W = images
    OC, KH, KW = filters
    convolution = Convolution(
        "random",
        (N, C * groups, H, W),
        (OC * groups, KH, KW),
        {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
        bias=bias,
    )
    if min(convolution.outputs[2:]) < 1:
        reject()
    agree(build, "conv2d_forward", convolution.forward(), dtype)
    agree(build, "conv2d_backward_input", convolution.backward_input(), dtype)
    agree(build, "conv2d_backward_weight", convolution.backward_weight(), dtype)


@pytest.mark.parametrize("build", BUILDS)
@few
@given(
    images=st.tuples(*[st.integers(1, 3)] * 2, st.integers(1, 12), st.integers(1, 40)),
    kernel_size=pairs(1, 6),
    stride=pairs(1, 7),
    padding=pairs(0, 3),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_poolings(build, images, kernel_size, stride, padding, dtype):
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel_size, strict=True))
    if any(size + 2 * p < k for size, p, k in zip(images[2:], padding, kernel_size, strict=True)):
        reject()
    pooling = Pooling("random", images, kernel_size, stride, padding)
    agree(build, "max_pool2d_forward", pooling.forward(), dtype)
    agree(build, "max_pool2d_backward", pooling.backward_max(), dtype)
    agree(build, "avg_pool2d_forward", pooling.forward(), dtype)
    agree(build, "avg_pool2d_backward", pooling.backward_avg(), dtype)


@pytest.mark.parametrize("build", BUILDS)
@few
@given(
    sizes=st.tuples(st.integers(0, 80), st.integers(0, 300), st.integers(0, 120)),
    stack=st.lists(st.integers(1, 3), max_size=2),
    transpose_a=st.booleans(),
    transpose_b=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_products(build, sizes, stack, transpose_a, transpose_b, dtype):
    M, K, N = sizes

    def make(draw):
        return {
            "a": draw.normal(*stack, *((K, M) if transpose_a else (M, K))),
            "b": draw.normal(*stack, *((N, K) if transpose_b else (K, N))),
            "transpose_a": transpose_a,
            "transpose_b": transpose_b,
        }

    agree(build, "matmul", Case("random", make, terms=max(K, 1)), dtype)

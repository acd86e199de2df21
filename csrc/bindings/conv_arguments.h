// What conv2d_forward checks of its arguments; the ladder's rungs take the same ones.
#pragma once

#include "bindings/arrays.h"
#include "kernels/conv.h"

namespace diglot {

struct ConvForwardArguments {
    ConvShape shape;
    py::array x, w;
    std::optional<py::array> b;
};

// The arguments, checked, or a ValueError; nothing is computed yet.
ConvForwardArguments require_conv_forward_arguments(
    const py::object& x_argument, const py::object& w_argument, const py::object& b_argument,
    const py::object& stride, const py::object& padding, const py::object& dilation, Index groups);

}  // namespace diglot

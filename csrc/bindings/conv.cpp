#include "kernels/conv.h"

#include <algorithm>

#include "bindings/arrays.h"
#include "bindings/conv_arguments.h"
#include "bindings/families.h"

namespace diglot {

namespace {

// Read before the arrays are looked at: a user's __index__ may change an array.
struct Settings {
    Pair stride, padding, dilation;
    Index groups;

    Settings(const py::object& stride_argument, const py::object& padding_argument,
             const py::object& dilation_argument, Index groups_argument)
        : stride(require_pair(stride_argument, "stride", 1)),
          padding(require_pair(padding_argument, "padding", 0)),
          dilation(require_pair(dilation_argument, "dilation", 1)),
          groups(groups_argument) {
        DIGLOT_REQUIRE(groups >= 1,
                       "groups is " + std::to_string(groups) + ", expected at least 1");
    }
};

// `filters` is the argument that tells their size.
Index output_extent(const char* filters, const char* axis, Index size, Index kernel, Index stride,
                    Index padding, Index dilation) {
    DIGLOT_REQUIRE(kernel >= 1, std::string(filters) + ": the filters have no pixels in " + axis);
    const Index reach = checked_product(dilation, kernel - 1) + 1, padded = size + 2 * padding;
    DIGLOT_REQUIRE(reach <= padded, std::string(filters) + ": the filters reach over " +
                                        std::to_string(reach) + " pixels of " + axis +
                                        ", but the padded image has " + std::to_string(padded));
    return (padded - reach) / stride + 1;
}

ConvShape conv_shape(const char* filters, Index n, Index c, Index h, Index w, Index oc, Index kh,
                     Index kw, const Settings& s) {
    DIGLOT_REQUIRE(c % s.groups == 0 && oc % s.groups == 0,
                   "groups = " + std::to_string(s.groups) + " must divide both the " +
                       std::to_string(c) + " channels and the " + std::to_string(oc) + " filters");
    ConvShape shape{n, c, h,        w,        oc,        kh,         kw,
                    0, 0, s.groups, s.stride, s.padding, s.dilation, get_winograd()};
    shape.oh = output_extent(filters, "height", h, kh, s.stride.height, s.padding.height,
                             s.dilation.height);
    shape.ow =
        output_extent(filters, "width", w, kw, s.stride.width, s.padding.width, s.dilation.width);
    // The kernels' sizes grow with this one, the filters' and the threads' numbers: bounded here, and
    // their bytes checked where scratch is allocated, none overflows.
    constexpr Index most = Index{1} << 40;
    const Index padded = checked_product(
        checked_product(std::max<Index>(c, 1), h + 2 * s.padding.height), w + 2 * s.padding.width);
    DIGLOT_REQUIRE(padded <= most, "padding: an image with it would have " +
                                       std::to_string(padded) + " numbers, expected at most 2^40");
    return shape;
}

void require_output_shape(const py::array& dy, const ConvShape& s) {
    const std::vector<Index> expected{s.n, s.oc, s.oh, s.ow};
    DIGLOT_REQUIRE(std::equal(expected.begin(), expected.end(), dy.shape()),
                   "dy has shape " + shape_text(dy) + ", expected " + shape_text(expected));
}

}  // namespace

ConvForwardArguments require_conv_forward_arguments(
    const py::object& x_argument, const py::object& w_argument, const py::object& b_argument,
    const py::object& stride, const py::object& padding, const py::object& dilation, Index groups) {
    const Settings settings(stride, padding, dilation, groups);
    const py::array x = require_array(x_argument, "x", 4);
    const py::array w = require_array(w_argument, "w", 4);
    require_same_dtype(w, "w", x, "x");
    const Index seen = checked_product(w.shape(1), groups);
    DIGLOT_REQUIRE(seen == x.shape(1), "w has shape " + shape_text(w) +
                                           ", so with groups = " + std::to_string(groups) +
                                           " it sees " + std::to_string(seen) + " channels; x " +
                                           shape_text(x) + " has " + std::to_string(x.shape(1)));
    const ConvShape s = conv_shape("w", x.shape(0), x.shape(1), x.shape(2), x.shape(3), w.shape(0),
                                   w.shape(2), w.shape(3), settings);
    std::optional<py::array> b;
    if (!b_argument.is_none()) {
        b = require_array(b_argument, "b", 1);
        require_same_dtype(*b, "b", x, "x");
        DIGLOT_REQUIRE(b->shape(0) == s.oc, "b has shape " + shape_text(*b) + ", expected (" +
                                                std::to_string(s.oc) +
                                                ",), one number for each filter");
    }
    return {s, x, w, b};
}

namespace {

py::object conv2d_forward_binding(const py::object& x_argument, const py::object& w_argument,
                                  const py::object& b_argument, const py::object& stride,
                                  const py::object& padding, const py::object& dilation,
                                  Index groups) {
    const ConvForwardArguments arguments = require_conv_forward_arguments(
        x_argument, w_argument, b_argument, stride, padding, dilation, groups);
    const ConvShape& s = arguments.shape;
    const py::array &x = arguments.x, &w = arguments.w;
    const std::optional<py::array>& b = arguments.b;
    return dispatch(x, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto x_values = contiguous<T>(x);
        const auto w_values = contiguous<T>(w);
        std::optional<py::array> b_values;
        if (b) b_values = contiguous<T>(*b);
        py::array_t<T> y = allocate<T>({s.n, s.oc, s.oh, s.ow});
        if (y.size() == 0) return y;
        const auto y_view = mutable_view<T, 4>(y);
        const int threads = conv2d_threads(s);
        const Scratch<T> scratch(conv2d_forward_scratch<T>(s, threads));
        const T* bias = b_values ? static_cast<const T*>(b_values->data()) : nullptr;
        {
            WithoutGil nogil;
            conv2d_forward<T>(s, view<T, 4>(x_values), view<T, 4>(w_values), bias, y_view,
                              scratch.data(), threads);
        }
        return y;
    });
}

py::object conv2d_backward_input_binding(const py::object& dy_argument,
                                         const py::object& w_argument, const py::object& input_size,
                                         const py::object& stride, const py::object& padding,
                                         const py::object& dilation, Index groups) {
    const Settings settings(stride, padding, dilation, groups);
    const Pair size = require_size(input_size, "input_size");
    const py::array dy = require_array(dy_argument, "dy", 4);
    const py::array w = require_array(w_argument, "w", 4);
    require_same_dtype(w, "w", dy, "dy");
    const ConvShape s =
        conv_shape("w", dy.shape(0), checked_product(w.shape(1), groups), size.height, size.width,
                   w.shape(0), w.shape(2), w.shape(3), settings);
    require_output_shape(dy, s);
    return dispatch(dy, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto dy_values = contiguous<T>(dy);
        const auto w_values = contiguous<T>(w);
        py::array_t<T> dx = allocate<T>({s.n, s.c, s.h, s.w});
        if (s.n == 0 || s.c == 0 || s.oc == 0) {
            std::fill_n(dx.mutable_data(), dx.size(), T(0));
            return dx;
        }
        const auto dx_view = mutable_view<T, 4>(dx);
        const int threads = conv2d_threads(s);
        const Scratch<T> scratch(conv2d_backward_input_scratch<T>(s, threads));
        {
            WithoutGil nogil;
            conv2d_backward_input<T>(s, view<T, 4>(dy_values), view<T, 4>(w_values), dx_view,
                                     scratch.data(), threads);
        }
        return dx;
    });
}

py::object conv2d_backward_weight_binding(const py::object& dy_argument,
                                          const py::object& x_argument,
                                          const py::object& kernel_size, const py::object& stride,
                                          const py::object& padding, const py::object& dilation,
                                          Index groups) {
    const Settings settings(stride, padding, dilation, groups);
    const Pair kernel = require_pair(kernel_size, "kernel_size", 1);
    const py::array dy = require_array(dy_argument, "dy", 4);
    const py::array x = require_array(x_argument, "x", 4);
    require_same_dtype(x, "x", dy, "dy");
    const ConvShape s = conv_shape("kernel_size", x.shape(0), x.shape(1), x.shape(2), x.shape(3),
                                   dy.shape(1), kernel.height, kernel.width, settings);
    require_output_shape(dy, s);
    return dispatch(dy, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto dy_values = contiguous<T>(dy);
        const auto x_values = contiguous<T>(x);
        py::array_t<T> dw = allocate<T>({s.oc, s.group_channels(), s.kh, s.kw});
        py::array_t<T> db = allocate<T>({s.oc});
        if (s.oc > 0) {
            const auto dw_view = mutable_view<T, 4>(dw);
            const auto db_view = mutable_view<T, 1>(db);
            const int threads = conv2d_threads(s);
            const Scratch<T> scratch(conv2d_backward_weight_scratch<T>(s, threads));
            WithoutGil nogil;
            conv2d_backward_weight<T>(s, view<T, 4>(dy_values), view<T, 4>(x_values), dw_view,
                                      db_view, scratch.data(), threads);
        }
        return py::make_tuple(dw, db);
    });
}

}  // namespace

void bind_conv(py::module_& m) {
    m.def("set_winograd", &set_winograd, py::arg("enabled"));
    const py::int_ one(1), zero(0);
    m.def("conv2d_forward", &conv2d_forward_binding, py::arg("x"), py::arg("w"),
          py::arg("b") = py::none(), py::kw_only(), py::arg("stride") = one,
          py::arg("padding") = zero, py::arg("dilation") = one, py::arg("groups").noconvert() = 1);
    m.def("conv2d_backward_input", &conv2d_backward_input_binding, py::arg("dy"), py::arg("w"),
          py::kw_only(), py::arg("input_size"), py::arg("stride") = one, py::arg("padding") = zero,
          py::arg("dilation") = one, py::arg("groups").noconvert() = 1);
    m.def("conv2d_backward_weight", &conv2d_backward_weight_binding, py::arg("dy"), py::arg("x"),
          py::kw_only(), py::arg("kernel_size"), py::arg("stride") = one, py::arg("padding") = zero,
          py::arg("dilation") = one, py::arg("groups").noconvert() = 1);
}

}  // namespace diglot

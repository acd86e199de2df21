#include "kernels/activations.h"

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace diglot {

namespace {

// One array in, one of its shape out: kernel(View x, View y).
template <class Kernel>
py::object unary(const py::object& argument, const char* name, Kernel kernel) {
    const py::array x = require_array(argument, name, -1);
    return dispatch(x, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(x);
        py::array_t<T> y = allocate_like<T>(x);
        const View<const T, 1> from = flat<T>(values);
        const View<T, 1> to = mutable_flat<T>(y);
        {
            WithoutGil nogil;
            kernel(from, to);
        }
        return y;
    });
}

// Two arrays of one shape in, one out: kernel(View dy, View y, View dx).
template <class Kernel>
py::object binary(const py::object& first_argument, const py::object& second_argument,
                  const char* second_name, Kernel kernel) {
    const py::array first = require_array(first_argument, "dy", -1);
    const py::array second = require_array(second_argument, second_name, -1);
    require_same_dtype(second, second_name, first, "dy");
    require_same_shape(second, second_name, first, "dy");
    return dispatch(first, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto first_values = contiguous<T>(first);
        const auto second_values = contiguous<T>(second);
        py::array_t<T> result = allocate_like<T>(first);
        const View<const T, 1> a = flat<T>(first_values), b = flat<T>(second_values);
        const View<T, 1> to = mutable_flat<T>(result);
        {
            WithoutGil nogil;
            kernel(a, b, to);
        }
        return result;
    });
}

// The rows of the last axis.
template <class V>
auto as_rows(const V& flat_view, Index columns) {
    using T = std::remove_pointer_t<decltype(flat_view.data)>;
    return View<T, 2>{flat_view.data, {columns ? flat_view.size() / columns : 0, columns}};
}

Index last_extent(const py::object& argument, const char* name) {
    const py::array x = require_array(argument, name, -1);
    DIGLOT_REQUIRE(x.ndim() >= 1,
                   std::string(name) + " has no axis; softmax runs over the last one");
    return x.shape(x.ndim() - 1);
}

double require_slope(double negative_slope) {
    DIGLOT_REQUIRE(negative_slope >= 0,
                   "negative_slope is " + std::to_string(negative_slope) + ", expected at least 0");
    return negative_slope;
}

}  // namespace

#define DIGLOT_UNARY(name)                                                                         \
    m.def(                                                                                         \
        #name,                                                                                     \
        [](const py::object& x) {                                                                  \
            return unary(x, "x", [](auto from, auto to) { name(from, to); });                      \
        },                                                                                         \
        py::arg("x"))

#define DIGLOT_BINARY(name, second)                                                                \
    m.def(                                                                                         \
        #name,                                                                                     \
        [](const py::object& dy, const py::object& second) {                                       \
            return binary(dy, second, #second, [](auto a, auto b, auto to) { name(a, b, to); });   \
        },                                                                                         \
        py::arg("dy"), py::arg(#second))

void bind_activations(py::module_& m) {
    DIGLOT_UNARY(sigmoid_forward);
    DIGLOT_UNARY(tanh_forward);
    DIGLOT_UNARY(relu_forward);
    DIGLOT_UNARY(gelu_forward);
    DIGLOT_BINARY(sigmoid_backward, y);
    DIGLOT_BINARY(tanh_backward, y);
    DIGLOT_BINARY(relu_backward, y);
    DIGLOT_BINARY(gelu_backward, x);
    m.def(
        "leaky_relu_forward",
        [](const py::object& x, double negative_slope) {
            require_slope(negative_slope);
            return unary(x, "x",
                         [&](auto from, auto to) { leaky_relu_forward(from, negative_slope, to); });
        },
        py::arg("x"), py::kw_only(), py::arg("negative_slope") = 0.01);
    m.def(
        "leaky_relu_backward",
        [](const py::object& dy, const py::object& y, double negative_slope) {
            require_slope(negative_slope);
            return binary(dy, y, "y", [&](auto a, auto b, auto to) {
                leaky_relu_backward(a, b, negative_slope, to);
            });
        },
        py::arg("dy"), py::arg("y"), py::kw_only(), py::arg("negative_slope") = 0.01);
    m.def(
        "softmax_forward",
        [](const py::object& x) {
            const Index columns = last_extent(x, "x");
            return unary(x, "x", [&](auto from, auto to) {
                softmax_forward(as_rows(from, columns), as_rows(to, columns));
            });
        },
        py::arg("x"));
    m.def(
        "softmax_backward",
        [](const py::object& dy, const py::object& y) {
            const Index columns = last_extent(dy, "dy");
            return binary(dy, y, "y", [&](auto a, auto b, auto to) {
                softmax_backward(as_rows(a, columns), as_rows(b, columns), as_rows(to, columns));
            });
        },
        py::arg("dy"), py::arg("y"));
}

}  // namespace diglot

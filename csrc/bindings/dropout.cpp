#include "kernels/dropout.h"

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace diglot {

namespace {

void require_rate(double rate) {
    DIGLOT_REQUIRE(rate >= 0 && rate < 1, "rate is " + std::to_string(rate) +
                                              ", expected the share dropped, 0 <= rate < 1");
}

py::object dropout_forward_binding(const py::object& x_argument, double rate, std::uint64_t seed) {
    const py::array x = require_array(x_argument, "x", -1);
    require_rate(rate);
    return dispatch(x, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(x);
        py::array_t<T> y = allocate_like<T>(x);
        py::array_t<bool> mask = allocate_like<bool>(x);
        const View<T, 1> to = mutable_flat<T>(y);
        const View<std::uint8_t, 1> keep = mutable_flat<std::uint8_t>(mask);
        {
            WithoutGil nogil;
            dropout_forward<T>(flat<T>(values), rate, seed, to, keep);
        }
        return py::make_tuple(y, mask);
    });
}

py::object dropout_backward_binding(const py::object& dy_argument, const py::object& mask_argument,
                                    double rate) {
    const py::array dy = require_array(dy_argument, "dy", -1);
    require_rate(rate);
    DIGLOT_REQUIRE(py::isinstance<py::array_t<bool>>(mask_argument),
                   "mask is not an array of bool; expected the one that dropout_forward returned");
    require_plain_array(mask_argument, "mask");
    const auto mask =
        py::array_t<bool, py::array::c_style>(py::reinterpret_borrow<py::object>(mask_argument));
    require_same_shape(mask, "mask", dy, "dy");
    return dispatch(dy, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto values = contiguous<T>(dy);
        py::array_t<T> dx = allocate_like<T>(dy);
        const View<T, 1> to = mutable_flat<T>(dx);
        const View<const std::uint8_t, 1> keep = flat<std::uint8_t>(mask);
        {
            WithoutGil nogil;
            dropout_backward<T>(flat<T>(values), keep, rate, to);
        }
        return dx;
    });
}

}  // namespace

void bind_dropout(py::module_& m) {
    m.def("dropout_forward", &dropout_forward_binding, py::arg("x"), py::kw_only(), py::arg("rate"),
          py::arg("seed").noconvert());
    m.def("dropout_backward", &dropout_backward_binding, py::arg("dy"), py::arg("mask"),
          py::kw_only(), py::arg("rate"));
}

}  // namespace diglot

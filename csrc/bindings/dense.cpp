#include "kernels/dense.h"

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace diglot {

namespace {

// A matrix or a stack of matrices as (stack, rows, columns).
template <class T>
View<const T, 3> as_stack(const py::array& array) {
    const int rank = array.ndim();
    Index stack = 1;
    for (int axis = 0; axis < rank - 2; ++axis) stack *= array.shape(axis);
    return {static_cast<const T*>(array.data()),
            {stack, array.shape(rank - 2), array.shape(rank - 1)}};
}

py::object matmul_binding(const py::object& a_argument, const py::object& b_argument,
                          bool transpose_a, bool transpose_b) {
    const py::array a = require_array(a_argument, "a", -1);
    const py::array b = require_array(b_argument, "b", -1);
    require_same_dtype(b, "b", a, "a");
    const int rank = a.ndim();
    DIGLOT_REQUIRE(
        rank >= 2 && b.ndim() == rank && std::equal(a.shape(), a.shape() + rank - 2, b.shape()),
        "a has shape " + shape_text(a) + " and b " + shape_text(b) +
            "; expected two matrices, or two stacks of as many");
    const Index m = a.shape(transpose_a ? rank - 1 : rank - 2);
    const Index n = b.shape(transpose_b ? rank - 2 : rank - 1);
    const Index k = a.shape(transpose_a ? rank - 2 : rank - 1);
    const Index b_rows = b.shape(transpose_b ? rank - 1 : rank - 2);
    DIGLOT_REQUIRE(k == b_rows, "a " + shape_text(a) + (transpose_a ? ", transposed," : "") +
                                    " has " + std::to_string(k) + " columns, but b " +
                                    shape_text(b) + (transpose_b ? ", transposed," : "") + " has " +
                                    std::to_string(b_rows) + " rows");
    return dispatch(a, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto a_values = contiguous<T>(a);
        const auto b_values = contiguous<T>(b);
        const auto a_view = as_stack<T>(a_values), b_view = as_stack<T>(b_values);
        std::vector<Index> shape(a.shape(), a.shape() + rank - 2);
        shape.insert(shape.end(), {m, n});
        py::array_t<T> c = allocate<T>(shape);
        const View<T, 3> c_view{c.mutable_data(), {a_view.shape[0], m, n}};
        const MatmulShape sizes{a_view.shape[0], m, n, k};
        const int threads = matmul_threads(sizes);
        const Scratch<T> scratch(matmul_scratch<T>(sizes, threads));
        {
            WithoutGil nogil;
            matmul<T>(a_view, b_view, transpose_a, transpose_b, c_view, scratch.data(), threads);
        }
        return c;
    });
}

py::object dense_forward_binding(const py::object& x_argument, const py::object& w_argument,
                                 const py::object& b_argument) {
    const py::array x = require_array(x_argument, "x", 2);
    const py::array w = require_array(w_argument, "w", 2);
    require_same_dtype(w, "w", x, "x");
    DIGLOT_REQUIRE(x.shape(1) == w.shape(0), "x has shape " + shape_text(x) + " and w " +
                                                 shape_text(w) +
                                                 "; expected one row of w for each column of x");
    std::optional<py::array> b;
    if (!b_argument.is_none()) {
        b = require_array(b_argument, "b", 1);
        require_same_dtype(*b, "b", x, "x");
        DIGLOT_REQUIRE(b->shape(0) == w.shape(1), "b has shape " + shape_text(*b) + " and w " +
                                                      shape_text(w) +
                                                      "; expected one number for each column of w");
    }
    return dispatch(x, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto x_values = contiguous<T>(x);
        const auto w_values = contiguous<T>(w);
        std::optional<py::array> b_values;
        if (b) b_values = contiguous<T>(*b);
        const MatmulShape sizes{1, x.shape(0), w.shape(1), x.shape(1)};
        py::array_t<T> y = allocate<T>({sizes.m, sizes.n});
        const auto y_view = mutable_view<T, 2>(y);
        const int threads = matmul_threads(sizes);
        const Scratch<T> scratch(matmul_scratch<T>(sizes, threads));
        const T* bias = b_values ? static_cast<const T*>(b_values->data()) : nullptr;
        {
            WithoutGil nogil;
            dense_forward<T>(view<T, 2>(x_values), view<T, 2>(w_values), bias, y_view,
                             scratch.data(), threads);
        }
        return y;
    });
}

py::object dense_backward_weight_binding(const py::object& dy_argument,
                                         const py::object& x_argument) {
    const py::array dy = require_array(dy_argument, "dy", 2);
    const py::array x = require_array(x_argument, "x", 2);
    require_same_dtype(x, "x", dy, "dy");
    DIGLOT_REQUIRE(dy.shape(0) == x.shape(0), "dy has shape " + shape_text(dy) + " and x " +
                                                  shape_text(x) + "; expected as many rows");
    return dispatch(dy, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto dy_values = contiguous<T>(dy);
        const auto x_values = contiguous<T>(x);
        const MatmulShape sizes{1, x.shape(1), dy.shape(1), x.shape(0)};
        py::array_t<T> dw = allocate<T>({sizes.m, sizes.n});
        py::array_t<T> db = allocate<T>({sizes.n});
        const auto dw_view = mutable_view<T, 2>(dw);
        const auto db_view = mutable_view<T, 1>(db);
        const int threads = matmul_threads(sizes);
        const Scratch<T> scratch(matmul_scratch<T>(sizes, threads));
        {
            WithoutGil nogil;
            dense_backward_weight<T>(view<T, 2>(dy_values), view<T, 2>(x_values), dw_view, db_view,
                                     scratch.data(), threads);
        }
        return py::make_tuple(dw, db);
    });
}

}  // namespace

void bind_dense(py::module_& m) {
    m.def("matmul", &matmul_binding, py::arg("a"), py::arg("b"), py::kw_only(),
          py::arg("transpose_a") = false, py::arg("transpose_b") = false);
    m.def("dense_forward", &dense_forward_binding, py::arg("x"), py::arg("w"),
          py::arg("b") = py::none());
    m.def("dense_backward_weight", &dense_backward_weight_binding, py::arg("dy"), py::arg("x"));
}

}  // namespace diglot

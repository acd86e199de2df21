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
            py::gil_scoped_release nogil;
            matmul<T>(a_view, b_view, transpose_a, transpose_b, c_view, scratch.data(), threads);
        }
        return c;
    });
}

}  // namespace

void bind_dense(py::module_& m) {
    m.def("matmul", &matmul_binding, py::arg("a"), py::arg("b"), py::kw_only(),
          py::arg("transpose_a") = false, py::arg("transpose_b") = false);
}

}  // namespace diglot

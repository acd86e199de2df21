#include "bindings/arrays.h"
#include "bindings/conv_arguments.h"
#include "bindings/families.h"
#include "bindings/recurrent_arguments.h"
#include "ladder/conv2d.h"
#include "ladder/lstm.h"
#include "ladder/matmul.h"

namespace diglot {

namespace {

template <class T>
struct MatmulRung {
    const char* name;
    decltype(&ladder::matmul_naive<T>) run;
    decltype(&ladder::matmul_naive_scratch<T>) scratch;
};

#define DIGLOT_RUNG(operation, name)                                                               \
    {#name, ladder::operation##_##name<T>, ladder::operation##_##name##_scratch<T>}

template <class T>
constexpr MatmulRung<T> matmul_rungs[] = {
    DIGLOT_RUNG(matmul, naive),     DIGLOT_RUNG(matmul, loop_order),
    DIGLOT_RUNG(matmul, registers), DIGLOT_RUNG(matmul, blocked),
    DIGLOT_RUNG(matmul, packed),    DIGLOT_RUNG(matmul, micro_kernel),
    DIGLOT_RUNG(matmul, threads),
};

template <class T>
struct Conv2dRung {
    const char* name;
    decltype(&ladder::conv2d_naive<T>) run;
    decltype(&ladder::conv2d_naive_scratch<T>) scratch;
};

template <class T>
constexpr Conv2dRung<T> conv2d_rungs[] = {
    DIGLOT_RUNG(conv2d, naive),  DIGLOT_RUNG(conv2d, loop_order),  DIGLOT_RUNG(conv2d, im2col),
    DIGLOT_RUNG(conv2d, direct), DIGLOT_RUNG(conv2d, across_rows), DIGLOT_RUNG(conv2d, threads),
};

template <class T>
struct LstmRung {
    const char* name;
    decltype(&ladder::lstm_naive<T>) run;
    decltype(&ladder::lstm_naive_scratch<T>) scratch;
};

template <class T>
constexpr LstmRung<T> lstm_rungs[] = {
    DIGLOT_RUNG(lstm, naive),        DIGLOT_RUNG(lstm, loop_order), DIGLOT_RUNG(lstm, batch),
    DIGLOT_RUNG(lstm, vector_gates), DIGLOT_RUNG(lstm, prepacked),  DIGLOT_RUNG(lstm, threads),
};

template <class Rungs>
const auto& find(const Rungs& rungs, const std::string& name) {
    std::string names;
    for (const auto& rung : rungs) {
        if (rung.name == name) return rung;
        names += (names.empty() ? "" : ", ") + std::string(rung.name);
    }
    fail("rung '" + name + "' is unknown; choose one of " + names);
}

template <class Rungs>
py::list names_of(const Rungs& rungs) {
    py::list names;
    for (const auto& rung : rungs) names.append(rung.name);
    return names;
}

int threads_for(double multiply_adds) {
    return startable(team_size(get_num_threads(), multiply_adds / 16));
}

template <class T>
ladder::Matrix<const T> matrix(const py::array& a) {
    return {static_cast<const T*>(a.data()), a.shape(0), a.shape(1), a.shape(1)};
}

void require_matmul_arguments(const py::object& a_argument, const py::object& b_argument) {
    const py::array a = require_array(a_argument, "a", 2), b = require_array(b_argument, "b", 2);
    require_same_dtype(b, "b", a, "a");
    DIGLOT_REQUIRE(a.shape(1) == b.shape(0), "a " + shape_text(a) + " has " +
                                                 std::to_string(a.shape(1)) + " columns, but b " +
                                                 shape_text(b) + " has " +
                                                 std::to_string(b.shape(0)) + " rows");
}

py::object matmul_binding(const std::string& name, const py::object& a_argument,
                          const py::object& b_argument) {
    require_matmul_arguments(a_argument, b_argument);
    const auto a = py::reinterpret_borrow<py::array>(a_argument);
    const auto b = py::reinterpret_borrow<py::array>(b_argument);
    const Index m = a.shape(0), k = a.shape(1), n = b.shape(1);
    return dispatch(a, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto& rung = find(matmul_rungs<T>, name);
        const auto a_values = contiguous<T>(a), b_values = contiguous<T>(b);
        py::array_t<T> c = allocate<T>({m, n});
        if (c.size() == 0) return c;
        const ladder::Matrix<T> c_matrix{c.mutable_data(), m, n, n};
        const int threads = threads_for(double(m) * n * k);
        const Scratch<T> scratch(rung.scratch(threads));
        {
            WithoutGil nogil;
            rung.run(matrix<T>(a_values), matrix<T>(b_values), c_matrix, scratch.data(), threads);
        }
        return c;
    });
}

py::object conv2d_binding(const std::string& name, const py::object& x_argument,
                          const py::object& w_argument, const py::object& b_argument,
                          const py::object& stride, const py::object& padding,
                          const py::object& dilation, Index groups) {
    const ConvForwardArguments arguments = require_conv_forward_arguments(
        x_argument, w_argument, b_argument, stride, padding, dilation, groups);
    const ConvShape& s = arguments.shape;
    return dispatch(arguments.x, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto& rung = find(conv2d_rungs<T>, name);
        const auto x_values = contiguous<T>(arguments.x), w_values = contiguous<T>(arguments.w);
        std::optional<py::array> b_values;
        if (arguments.b) b_values = contiguous<T>(*arguments.b);
        py::array_t<T> y = allocate<T>({s.n, s.oc, s.oh, s.ow});
        if (y.size() == 0) return y;
        const auto y_view = mutable_view<T, 4>(y);
        const T* bias = b_values ? static_cast<const T*>(b_values->data()) : nullptr;
        checked_product(checked_product(s.patch(), s.positions()), sizeof(T));  // of im2col
        const int threads = threads_for(s.multiply_adds());
        const Scratch<T> scratch(rung.scratch(s, threads));
        {
            WithoutGil nogil;
            rung.run(s, view<T, 4>(x_values), view<T, 4>(w_values), bias, y_view, scratch.data(),
                     threads);
        }
        return y;
    });
}

void require_conv2d_arguments(const py::object& x, const py::object& w, const py::object& b,
                              const py::object& stride, const py::object& padding,
                              const py::object& dilation, Index groups) {
    require_conv_forward_arguments(x, w, b, stride, padding, dilation, groups);
}

py::object lstm_binding(const std::string& name, const py::object& x, const py::object& h0,
                        const py::object& c0, const py::object& w_x, const py::object& w_h,
                        const py::object& b) {
    const LstmForwardArguments a = require_lstm_forward_arguments(x, h0, c0, w_x, w_h, b);
    const RecurrentShape& s = a.shape;
    return dispatch(a.x, [&](auto zero) -> py::object {
        using T = decltype(zero);
        const auto& rung = find(lstm_rungs<T>, name);
        py::array_t<T> y = allocate<T>({a.x.shape(0), a.x.shape(1), s.h});
        if (y.size() == 0) return y;
        const auto x = contiguous<T>(a.x), h0 = contiguous<T>(a.h0), c0 = contiguous<T>(a.c0);
        const auto w_x = contiguous<T>(a.w_x), w_h = contiguous<T>(a.w_h), b = contiguous<T>(a.b);
        const ladder::Lstm<T> arrays{s,          x.data(),   h0.data(), c0.data(),
                                     w_x.data(), w_h.data(), b.data(),  y.mutable_data()};
        const int threads = threads_for(double(s.n) * s.t * (s.d + s.h) * 4 * s.h);
        const Scratch<T> scratch(rung.scratch(s, threads));
        {
            WithoutGil nogil;
            rung.run(arrays, scratch.data(), threads);
        }
        return y;
    });
}

void require_lstm_arguments(const py::object& x, const py::object& h0, const py::object& c0,
                            const py::object& w_x, const py::object& w_h, const py::object& b) {
    require_lstm_forward_arguments(x, h0, c0, w_x, w_h, b);
}

}  // namespace

void bind_ladder(py::module_& parent) {
    py::module_ m = parent.def_submodule("ladder");
    const py::int_ one(1), zero(0);
    m.attr("matmul_rungs") = names_of(matmul_rungs<float>);
    m.attr("conv2d_rungs") = names_of(conv2d_rungs<float>);
    m.attr("lstm_rungs") = names_of(lstm_rungs<float>);
    m.def("matmul", &matmul_binding, py::arg("rung"), py::arg("a"), py::arg("b"));
    m.def("conv2d", &conv2d_binding, py::arg("rung"), py::arg("x"), py::arg("w"),
          py::arg("b") = py::none(), py::kw_only(), py::arg("stride") = one,
          py::arg("padding") = zero, py::arg("dilation") = one, py::arg("groups").noconvert() = 1);
    m.def("lstm", &lstm_binding, py::arg("rung"), py::arg("x"), py::arg("h0"), py::arg("c0"),
          py::arg("w_x"), py::arg("w_h"), py::arg("b"));
    // The same checks alone, for the rungs that are written in Python.
    m.def("require_matmul_arguments", &require_matmul_arguments, py::arg("a"), py::arg("b"));
    m.def("require_conv2d_arguments", &require_conv2d_arguments, py::arg("x"), py::arg("w"),
          py::arg("b"), py::kw_only(), py::arg("stride"), py::arg("padding"), py::arg("dilation"),
          py::arg("groups").noconvert());
    m.def("require_lstm_arguments", &require_lstm_arguments, py::arg("x"), py::arg("h0"),
          py::arg("c0"), py::arg("w_x"), py::arg("w_h"), py::arg("b"));
}

}  // namespace diglot

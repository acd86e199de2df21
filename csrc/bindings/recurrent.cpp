#include "kernels/recurrent.h"

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "bindings/recurrent_arguments.h"
#include "kernels/recurrent_gru.h"
#include "kernels/recurrent_lstm.h"
#include "kernels/recurrent_rnn.h"

namespace diglot {

namespace {

// ---- arguments ----------------------------------------------------------------------------------

// The sizes that x and h0 tell, and the arguments, each required to fit them.
class Arguments {
  public:
    Index n, t, d, h, gates, gate_columns;

    Arguments(const py::handle& x_argument, const py::handle& h0_argument, Index gates)
        : gates(gates), x_(require_array(x_argument, "x", 3)) {
        const py::array h0 = require_array(h0_argument, "h0", 2);
        n = x_.shape(0), t = x_.shape(1), d = x_.shape(2), h = h0.shape(1);
        gate_columns = checked_product(gates, h);
    }

    py::array require(const py::handle& argument, const char* name,
                      const std::vector<Index>& shape) const {
        py::array array = require_array(argument, name, static_cast<int>(shape.size()));
        require_same_dtype(array, name, x_, "x");
        DIGLOT_REQUIRE(std::equal(shape.begin(), shape.end(), array.shape()),
                       std::string(name) + " has shape " + shape_text(array) + ", expected " +
                           shape_text(shape) + " for x (rows, steps, features) " + shape_text(x_) +
                           ", h0 (rows, units) " + shape_text({n, h}) + " and " +
                           std::to_string(gates) + (gates == 1 ? " gate" : " gates"));
        return array;
    }
    const py::array& x() const { return x_; }
    py::array state(const py::handle& argument, const char* name) const {
        return require(argument, name, {n, h});
    }
    py::array w_x(const py::handle& argument) const {
        return require(argument, "w_x", {d, gate_columns});
    }
    py::array w_h(const py::handle& argument) const {
        return require(argument, "w_h", {h, gate_columns});
    }
    py::array b(const py::handle& argument, const char* name) const {
        return require(argument, name, {gate_columns});
    }
    // Arrays of the past, as the forward kernel returned them.
    py::array states(const py::handle& argument, const char* name) const {
        return require(argument, name, {t + 1, n, h});
    }
    py::array steps(const py::handle& argument, const char* name, Index width) const {
        return require(argument, name, {t, n, width});
    }

    // Without a row, or without any number in a step, there is nothing to be done at any step,
    // however many steps the shape claims.
    RecurrentShape shape() const { return {n, n == 0 || (d == 0 && h == 0) ? 0 : t, d, h}; }

  private:
    py::array x_;
};

py::tuple require_three(const py::handle& saved, const char* what) {
    DIGLOT_REQUIRE(
        (py::isinstance<py::tuple>(saved) || py::isinstance<py::list>(saved)) &&
            py::len(saved) == 3,
        std::string("saved is not what the forward kernel returned, the arrays ") + what);
    return py::tuple(py::reinterpret_borrow<py::object>(saved));
}

// Contiguous inputs, kept as long as this object.
template <class T>
class Inputs {
  public:
    const T* operator()(const py::array& array) {
        kept_.push_back(contiguous<T>(array));
        return kept_.back().data();
    }

  private:
    std::vector<Contiguous<T>> kept_;
};

// ---- rnn ----------------------------------------------------------------------------------------

bool require_relu(const std::string& activation) {
    DIGLOT_REQUIRE(activation == "tanh" || activation == "relu",
                   "activation is '" + activation + "', expected 'tanh' or 'relu'");
    return activation == "relu";
}

py::object rnn_forward_binding(const py::object& x_argument, const py::object& h0_argument,
                               const py::object& w_x_argument, const py::object& w_h_argument,
                               const py::object& b_argument, const std::string& activation) {
    const Arguments a(x_argument, h0_argument, 1);
    const py::array h0 = a.state(h0_argument, "h0"), b = a.b(b_argument, "b");
    const py::array w_x = a.w_x(w_x_argument), w_h = a.w_h(w_h_argument);
    const bool relu = require_relu(activation);
    return dispatch(a.x(), [&](auto zero) -> py::object {
        using T = decltype(zero);
        Inputs<T> in;
        auto y = allocate<T>({a.n, a.t, a.h}), h_n = allocate<T>({a.n, a.h});
        auto h = allocate<T>({a.t + 1, a.n, a.h});
        const RnnForward<T> arrays{in(a.x()),       in(h0), in(w_x),          in(w_h),
                                   in(b),           relu,   y.mutable_data(), h_n.mutable_data(),
                                   h.mutable_data()};
        const RecurrentShape shape = a.shape();
        const int threads = recurrent_threads(shape, 1);
        const Scratch<T> scratch(rnn_forward_scratch<T>(shape, threads));
        {
            WithoutGil nogil;
            rnn_forward<T>(shape, arrays, scratch.data(), threads);
        }
        return py::make_tuple(y, h_n, h);
    });
}

py::object rnn_backward_binding(const py::object& dy_argument, const py::object& dh_n_argument,
                                const py::object& x_argument, const py::object& h0_argument,
                                const py::object& w_x_argument, const py::object& w_h_argument,
                                const py::object& saved, const std::string& activation) {
    const Arguments a(x_argument, h0_argument, 1);
    a.state(h0_argument, "h0");
    const py::array w_x = a.w_x(w_x_argument), w_h = a.w_h(w_h_argument);
    const py::array dy = a.require(dy_argument, "dy", {a.n, a.t, a.h});
    const py::array dh_n = a.state(dh_n_argument, "dh_n");
    const py::array h = a.states(saved, "saved");
    const bool relu = require_relu(activation);
    return dispatch(a.x(), [&](auto zero) -> py::object {
        using T = decltype(zero);
        Inputs<T> in;
        auto dx = allocate<T>({a.n, a.t, a.d}), dh0 = allocate<T>({a.n, a.h});
        auto dw_x = allocate<T>({a.d, a.h}), dw_h = allocate<T>({a.h, a.h});
        auto db = allocate<T>({a.h});
        const RnnBackward<T> arrays{in(dy),
                                    in(dh_n),
                                    in(a.x()),
                                    in(w_x),
                                    in(w_h),
                                    in(h),
                                    relu,
                                    dx.mutable_data(),
                                    dh0.mutable_data(),
                                    dw_x.mutable_data(),
                                    dw_h.mutable_data(),
                                    db.mutable_data()};
        const RecurrentShape shape = a.shape();
        const int threads = recurrent_threads(shape, 1);
        const Scratch<T> scratch(rnn_backward_scratch<T>(shape, threads));
        {
            WithoutGil nogil;
            rnn_backward<T>(shape, arrays, scratch.data(), threads);
        }
        return py::make_tuple(dx, dh0, dw_x, dw_h, db);
    });
}

// ---- gru ----------------------------------------------------------------------------------------

py::object gru_forward_binding(const py::object& x_argument, const py::object& h0_argument,
                               const py::object& w_x_argument, const py::object& w_h_argument,
                               const py::object& b_x_argument, const py::object& b_h_argument,
                               bool reset_after) {
    const Arguments a(x_argument, h0_argument, 3);
    const py::array h0 = a.state(h0_argument, "h0");
    const py::array w_x = a.w_x(w_x_argument), w_h = a.w_h(w_h_argument);
    const py::array b_x = a.b(b_x_argument, "b_x"), b_h = a.b(b_h_argument, "b_h");
    return dispatch(a.x(), [&](auto zero) -> py::object {
        using T = decltype(zero);
        Inputs<T> in;
        auto y = allocate<T>({a.n, a.t, a.h}), h_n = allocate<T>({a.n, a.h});
        auto h = allocate<T>({a.t + 1, a.n, a.h}), m = allocate<T>({a.t, a.n, a.h});
        auto gates = allocate<T>({a.t, a.n, a.gate_columns});
        const GruForward<T> arrays{in(a.x()),
                                   in(h0),
                                   in(w_x),
                                   in(w_h),
                                   in(b_x),
                                   in(b_h),
                                   reset_after,
                                   y.mutable_data(),
                                   h_n.mutable_data(),
                                   h.mutable_data(),
                                   gates.mutable_data(),
                                   m.mutable_data()};
        const RecurrentShape shape = a.shape();
        const int threads = recurrent_threads(shape, 3);
        const Scratch<T> scratch(gru_forward_scratch<T>(shape, threads));
        {
            WithoutGil nogil;
            gru_forward<T>(shape, arrays, scratch.data(), threads);
        }
        return py::make_tuple(y, h_n, py::make_tuple(h, gates, m));
    });
}

py::object gru_backward_binding(const py::object& dy_argument, const py::object& dh_n_argument,
                                const py::object& x_argument, const py::object& h0_argument,
                                const py::object& w_x_argument, const py::object& w_h_argument,
                                const py::object& saved_argument, bool reset_after) {
    const Arguments a(x_argument, h0_argument, 3);
    a.state(h0_argument, "h0");
    const py::array w_x = a.w_x(w_x_argument), w_h = a.w_h(w_h_argument);
    const py::array dy = a.require(dy_argument, "dy", {a.n, a.t, a.h});
    const py::array dh_n = a.state(dh_n_argument, "dh_n");
    const py::tuple saved = require_three(saved_argument, "(h, gates, m)");
    const py::array h = a.states(saved[0], "saved[0]");
    const py::array gates = a.steps(saved[1], "saved[1]", a.gate_columns);
    const py::array m = a.steps(saved[2], "saved[2]", a.h);
    return dispatch(a.x(), [&](auto zero) -> py::object {
        using T = decltype(zero);
        Inputs<T> in;
        auto dx = allocate<T>({a.n, a.t, a.d}), dh0 = allocate<T>({a.n, a.h});
        auto dw_x = allocate<T>({a.d, a.gate_columns}), dw_h = allocate<T>({a.h, a.gate_columns});
        auto db_x = allocate<T>({a.gate_columns}), db_h = allocate<T>({a.gate_columns});
        const GruBackward<T> arrays{in(dy),
                                    in(dh_n),
                                    in(a.x()),
                                    in(w_x),
                                    in(w_h),
                                    in(h),
                                    in(gates),
                                    in(m),
                                    reset_after,
                                    dx.mutable_data(),
                                    dh0.mutable_data(),
                                    dw_x.mutable_data(),
                                    dw_h.mutable_data(),
                                    db_x.mutable_data(),
                                    db_h.mutable_data()};
        const RecurrentShape shape = a.shape();
        const int threads = recurrent_threads(shape, 3);
        const Scratch<T> scratch(gru_backward_scratch<T>(shape, threads));
        {
            WithoutGil nogil;
            gru_backward<T>(shape, arrays, scratch.data(), threads);
        }
        return py::make_tuple(dx, dh0, dw_x, dw_h, db_x, db_h);
    });
}

// ---- lstm ---------------------------------------------------------------------------------------

py::object lstm_forward_binding(const py::object& x_argument, const py::object& h0_argument,
                                const py::object& c0_argument, const py::object& w_x_argument,
                                const py::object& w_h_argument, const py::object& b_argument) {
    const Arguments a(x_argument, h0_argument, 4);
    const py::array h0 = a.state(h0_argument, "h0"), c0 = a.state(c0_argument, "c0");
    const py::array w_x = a.w_x(w_x_argument), w_h = a.w_h(w_h_argument);
    const py::array b = a.b(b_argument, "b");
    return dispatch(a.x(), [&](auto zero) -> py::object {
        using T = decltype(zero);
        Inputs<T> in;
        auto y = allocate<T>({a.n, a.t, a.h});
        auto h_n = allocate<T>({a.n, a.h}), c_n = allocate<T>({a.n, a.h});
        auto h = allocate<T>({a.t + 1, a.n, a.h}), c = allocate<T>({a.t + 1, a.n, a.h});
        auto gates = allocate<T>({a.t, a.n, a.gate_columns});
        const LstmForward<T> arrays{in(a.x()),
                                    in(h0),
                                    in(c0),
                                    in(w_x),
                                    in(w_h),
                                    in(b),
                                    y.mutable_data(),
                                    h_n.mutable_data(),
                                    c_n.mutable_data(),
                                    h.mutable_data(),
                                    c.mutable_data(),
                                    gates.mutable_data()};
        const RecurrentShape shape = a.shape();
        const int threads = recurrent_threads(shape, 4);
        const Scratch<T> scratch(lstm_forward_scratch<T>(shape, threads));
        {
            WithoutGil nogil;
            lstm_forward<T>(shape, arrays, scratch.data(), threads);
        }
        return py::make_tuple(y, h_n, c_n, py::make_tuple(h, c, gates));
    });
}

py::object lstm_backward_binding(const py::object& dy_argument, const py::object& dh_n_argument,
                                 const py::object& dc_n_argument, const py::object& x_argument,
                                 const py::object& h0_argument, const py::object& c0_argument,
                                 const py::object& w_x_argument, const py::object& w_h_argument,
                                 const py::object& saved_argument) {
    const Arguments a(x_argument, h0_argument, 4);
    a.state(h0_argument, "h0");
    a.state(c0_argument, "c0");
    const py::array w_x = a.w_x(w_x_argument), w_h = a.w_h(w_h_argument);
    const py::array dy = a.require(dy_argument, "dy", {a.n, a.t, a.h});
    const py::array dh_n = a.state(dh_n_argument, "dh_n"), dc_n = a.state(dc_n_argument, "dc_n");
    const py::tuple saved = require_three(saved_argument, "(h, c, gates)");
    const py::array h = a.states(saved[0], "saved[0]"), c = a.states(saved[1], "saved[1]");
    const py::array gates = a.steps(saved[2], "saved[2]", a.gate_columns);
    return dispatch(a.x(), [&](auto zero) -> py::object {
        using T = decltype(zero);
        Inputs<T> in;
        auto dx = allocate<T>({a.n, a.t, a.d});
        auto dh0 = allocate<T>({a.n, a.h}), dc0 = allocate<T>({a.n, a.h});
        auto dw_x = allocate<T>({a.d, a.gate_columns}), dw_h = allocate<T>({a.h, a.gate_columns});
        auto db = allocate<T>({a.gate_columns});
        const LstmBackward<T> arrays{in(dy),
                                     in(dh_n),
                                     in(dc_n),
                                     in(a.x()),
                                     in(w_x),
                                     in(w_h),
                                     in(h),
                                     in(c),
                                     in(gates),
                                     dx.mutable_data(),
                                     dh0.mutable_data(),
                                     dc0.mutable_data(),
                                     dw_x.mutable_data(),
                                     dw_h.mutable_data(),
                                     db.mutable_data()};
        const RecurrentShape shape = a.shape();
        const int threads = recurrent_threads(shape, 4);
        const Scratch<T> scratch(lstm_backward_scratch<T>(shape, threads));
        {
            WithoutGil nogil;
            lstm_backward<T>(shape, arrays, scratch.data(), threads);
        }
        return py::make_tuple(dx, dh0, dc0, dw_x, dw_h, db);
    });
}

}  // namespace

LstmForwardArguments require_lstm_forward_arguments(
    const py::object& x_argument, const py::object& h0_argument, const py::object& c0_argument,
    const py::object& w_x_argument, const py::object& w_h_argument, const py::object& b_argument) {
    const Arguments a(x_argument, h0_argument, 4);
    return {a.shape(),
            a.x(),
            a.state(h0_argument, "h0"),
            a.state(c0_argument, "c0"),
            a.w_x(w_x_argument),
            a.w_h(w_h_argument),
            a.b(b_argument, "b")};
}

void bind_recurrent(py::module_& m) {
    m.def("rnn_forward", &rnn_forward_binding, py::arg("x"), py::arg("h0"), py::arg("w_x"),
          py::arg("w_h"), py::arg("b"), py::kw_only(), py::arg("activation") = "tanh");
    m.def("rnn_backward", &rnn_backward_binding, py::arg("dy"), py::arg("dh_n"), py::arg("x"),
          py::arg("h0"), py::arg("w_x"), py::arg("w_h"), py::arg("saved"), py::kw_only(),
          py::arg("activation") = "tanh");
    m.def("gru_forward", &gru_forward_binding, py::arg("x"), py::arg("h0"), py::arg("w_x"),
          py::arg("w_h"), py::arg("b_x"), py::arg("b_h"), py::kw_only(),
          py::arg("reset_after") = true);
    m.def("gru_backward", &gru_backward_binding, py::arg("dy"), py::arg("dh_n"), py::arg("x"),
          py::arg("h0"), py::arg("w_x"), py::arg("w_h"), py::arg("saved"), py::kw_only(),
          py::arg("reset_after") = true);
    m.def("lstm_forward", &lstm_forward_binding, py::arg("x"), py::arg("h0"), py::arg("c0"),
          py::arg("w_x"), py::arg("w_h"), py::arg("b"));
    m.def("lstm_backward", &lstm_backward_binding, py::arg("dy"), py::arg("dh_n"), py::arg("dc_n"),
          py::arg("x"), py::arg("h0"), py::arg("c0"), py::arg("w_x"), py::arg("w_h"),
          py::arg("saved"));
}

}  // namespace diglot

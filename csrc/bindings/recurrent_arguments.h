// What lstm_forward checks of its arguments; the ladder's rungs take the same ones.
#pragma once

#include "bindings/arrays.h"
#include "kernels/recurrent.h"

namespace diglot {

struct LstmForwardArguments {
    RecurrentShape shape;
    py::array x, h0, c0, w_x, w_h, b;
};

// The arguments, checked, or a ValueError; nothing is computed yet.
LstmForwardArguments require_lstm_forward_arguments(
    const py::object& x_argument, const py::object& h0_argument, const py::object& c0_argument,
    const py::object& w_x_argument, const py::object& w_h_argument, const py::object& b_argument);

}  // namespace diglot

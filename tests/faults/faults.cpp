// Module _faults: what `make sanitize` and `make valgrind` must notice, one fault a function. They
// use memory as the bindings do, so a tool that is blind to the bindings' memory is found out.
#include <climits>

#include "bindings/arrays.h"

namespace {

using namespace diglot;

// Whose values the compiler cannot know.
template <class T>
T opaque(T value) {
    volatile T unknown = value;
    return unknown;
}

void write_behind_output(Index count) {
    py::array_t<float> y = allocate<float>({count});
    y.mutable_data()[opaque(count)] = 1;
}

void write_behind_scratch(Index count) {
    const Scratch<float> scratch(count);
    scratch.data()[opaque(count)] = 1;
}

float read_freed_output(Index count) {
    const float* gone;
    {
        py::array_t<float> y = allocate<float>({count});
        y.mutable_data()[0] = 1;
        gone = y.data();
    }
    return gone[0];
}

float read_behind_input(const py::object& argument) {
    const auto x = contiguous<float>(require_array(argument, "x", 1));
    return x.data()[opaque(x.size())];
}

// Decided by a number that a block's last owner has left there, or nobody.
bool branch_on_output(Index count) {
    {
        py::array_t<float> y = allocate<float>({count});
        std::fill_n(y.mutable_data(), count, 1.0f);
    }
    const py::array_t<float> y = allocate<float>({count});
    return y.data()[opaque(count - 1)] > 0 ? opaque(true) : opaque(false);
}

py::object output_with_a_hole(Index count) {
    py::array_t<float> y = allocate<float>({count});
    for (Index i = 0; i < count; ++i)
        if (i != 3) y.mutable_data()[i] = 1;
    return y;
}

}  // namespace

PYBIND11_MODULE(_faults, m) {
    m.def("write_behind_output", &write_behind_output);
    m.def("write_behind_scratch", &write_behind_scratch);
    m.def("read_freed_output", &read_freed_output);
    m.def("read_behind_input", &read_behind_input);
    m.def("branch_on_output", &branch_on_output);
    m.def("output_with_a_hole", &output_with_a_hole);
    m.def("overflow_product", [] { return opaque(INT_MAX) * opaque(2); });
    m.def("shift_too_far", [] { return 1 << opaque(40); });
    m.def("float_to_int", [] { return static_cast<int>(opaque(1e20)); });
    m.def("load_unaligned", [] {
        char bytes[16] = {};
        return *reinterpret_cast<const double*>(bytes + opaque(1));
    });
    m.def("index_behind_vector", [] {
        const std::vector<int> values(3);
        return values[opaque(3)];
    });
}

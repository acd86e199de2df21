#include "kernels/peak.h"

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace diglot {

namespace {

// How long one call may hold up Ctrl-C.
void require_seconds(double seconds) {
    DIGLOT_REQUIRE(seconds > 0 && seconds <= 1,
                   "seconds is " + std::to_string(seconds) + ", expected 0 < seconds <= 1");
}

double fma_peak_binding(const std::string& dtype, double seconds) {
    require_seconds(seconds);
    DIGLOT_REQUIRE(dtype == "float32" || dtype == "float64",
                   "dtype is " + dtype + ", expected float32 or float64");
    WithoutGil nogil;
    return dtype == "float32" ? fma_peak<float>(seconds) : fma_peak<double>(seconds);
}

double triad_peak_binding(Index bytes, double seconds) {
    require_seconds(seconds);
    const Index size = bytes / Index(3 * sizeof(float));
    constexpr Index least = 4096 * 3 * sizeof(float), most = Index{1} << 32;
    DIGLOT_REQUIRE(bytes >= least && bytes <= most,
                   "bytes are " + std::to_string(bytes) + ", expected at least " +
                       std::to_string(least) + " and at most " + std::to_string(most));
    const Scratch<float> memory(3 * size);
    const View<float, 1> a{memory.data(), {size}}, b{a.data + size, {size}},
        c{b.data + size, {size}};
    WithoutGil nogil;
    return triad_peak<float>(a, b, c, seconds);
}

}  // namespace

void bind_peak(py::module_& m) {
    m.def("_fma_peak", &fma_peak_binding, py::arg("dtype"), py::arg("seconds"));
    m.def("_triad_peak", &triad_peak_binding, py::arg("bytes").noconvert(), py::arg("seconds"));
}

}  // namespace diglot

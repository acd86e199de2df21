// One extension module: all families, compiled for one instruction set.
#include <pybind11/pybind11.h>

#include <string>

#include "bindings/buffers.h"
#include "bindings/families.h"
#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace py = pybind11;

namespace {

constexpr int most_threads = 1024;  // as python/diglot/kernels/native.py says, and why

constexpr struct {
    const char *path, *sha256;
} source_digests[] = {
#include "source_digests.inc"
};

}  // namespace

PYBIND11_MODULE(DIGLOT_MODULE, m, py::mod_gil_not_used()) {
    diglot::bind_dense(m);
    diglot::bind_conv(m);
    diglot::bind_pool(m);
    diglot::bind_activations(m);
    diglot::bind_recurrent(m);
    diglot::bind_embedding(m);
    diglot::bind_dropout(m);
    diglot::bind_losses(m);
    diglot::bind_optim(m);
    diglot::bind_ladder(m);
    diglot::bind_peak(m);

    diglot::block_counts();  // makes the pool
    diglot::end_teams_before_forks();

    m.def(
        "set_num_threads",
        [](int count) {
            if (count < 1 || count > most_threads)
                throw py::value_error("count is " + std::to_string(count) +
                                      ", expected at least 1 and at most " +
                                      std::to_string(most_threads));
            diglot::set_num_threads(count);
        },
        py::arg("count").noconvert());
    m.def("get_num_threads", &diglot::get_num_threads);
    m.def("_lone_runs", &diglot::lone_runs);  // for the tests
    m.def("_block_counts", [] {               // for the tests
        const diglot::BlockCounts counts = diglot::block_counts();
        py::dict bytes;
        bytes["in_use"] = counts.in_use;
        bytes["most_in_use"] = counts.most_in_use;
        bytes["idle"] = counts.idle;
        return bytes;
    });
    m.def("source_digests", [] {  // of every file that this module was compiled from
        py::dict digests;
        for (const auto& source : source_digests) digests[source.path] = source.sha256;
        return digests;
    });
    m.def("build_info", [] {
        py::dict info;
        info["compiler"] = __VERSION__;
        info["flags"] = DIGLOT_FLAGS;
        info["vector_bits"] = 8 * diglot::vector_bytes;
#ifdef _OPENMP
        info["openmp"] = _OPENMP;
#else
        info["openmp"] = py::none();
#endif
        return info;
    });
}

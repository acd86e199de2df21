// Module _cpu: which of the builds can this processor, and its operating system, run? Compiled
// without flags for an instruction set, so that it runs everywhere.
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

namespace {

std::vector<std::string> runnable_builds() {
#if defined(__x86_64__)
    std::vector<std::string> builds;
    __builtin_cpu_init();
    // These ask for the registers that the operating system saves, too.
#if (defined(__clang__) && __clang_major__ >= 18) || (!defined(__clang__) && __GNUC__ >= 12)
    const bool v2 = __builtin_cpu_supports("x86-64-v2");
    const bool v3 = __builtin_cpu_supports("x86-64-v3");
    const bool v4 = __builtin_cpu_supports("x86-64-v4");
#else  // an older compiler knows the features that the levels consist of
    const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
#endif
    if (v4) builds.push_back("x86_64_v4");
    if (v3) builds.push_back("x86_64_v3");
    if (v2) builds.push_back("baseline");
    return builds;
#else
    return {"baseline"};
#endif
}

}  // namespace

PYBIND11_MODULE(_cpu, m, pybind11::mod_gil_not_used()) {
    m.def("runnable_builds", [] {
        pybind11::list names;
        for (const auto& name : runnable_builds()) names.append(name);
        return names;
    });
}

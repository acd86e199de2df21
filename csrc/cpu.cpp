// Module _cpu: which of the builds can this processor, and its operating system, run? Compiled
// without flags for an instruction set, so that it runs everywhere.
#include <pybind11/pybind11.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace {

#if defined(__x86_64__)

// One register of what CPUID answers, if it has all these bits. Compilers have a function for such
// questions, but not all know the levels by name, and on Windows it needs a library of its own.
struct Register {
    unsigned bits;
    template <class... Bit>
    bool has(Bit... bit) const {
        return ((bits >> bit & 1u) && ...);
    }
};

// The vector registers that the system saves when it changes between programs.
Register saved_registers() {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return {low};
}

// Which of the levels of the x86-64 psABI (its section "Architecture") is reached: 1 to 4.
int level() {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 1;
    const Register basic{c};
    if (!__get_cpuid(0x80000001, &a, &b, &c, &d)) return 1;
    const Register extended{c};
    if (!basic.has(0, 9, 13, 19, 20, 23)  // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT
        || !extended.has(0))              // LAHF
        return 1;

    const Register later{__get_cpuid_count(7, 0, &a, &b, &c, &d) ? b : 0};
    // The system's part: a program may ask for it, or there is none.
    const Register saved = basic.has(27) ? saved_registers() : Register{0};
    if (!saved.has(1, 2)               // of 128 and 256 bits
        || !basic.has(12, 22, 28, 29)  // FMA, MOVBE, AVX, F16C
        || !extended.has(5)            // LZCNT
        || !later.has(3, 5, 8))        // BMI1, AVX2, BMI2
        return 2;

#if !defined(__APPLE__)  // which saves them from the first instruction on that uses them
    if (!saved.has(5, 6, 7)) return 3;  // of 512 bits, and their masks
#endif
    return later.has(16, 17, 28, 30, 31) ? 4 : 3;  // AVX512F, DQ, CD, BW, VL
}

#endif

pybind11::list runnable_builds() {
    pybind11::list names;
#if defined(__x86_64__)
    const int reached = level();
    if (reached >= 4) names.append("x86_64_v4");
    if (reached >= 3) names.append("x86_64_v3");
    if (reached >= 2) names.append("baseline");
#else
    names.append("baseline");
#endif
    return names;
}

}  // namespace

PYBIND11_MODULE(_cpu, m, pybind11::mod_gil_not_used()) {
    m.def("runnable_builds", &runnable_builds);
}

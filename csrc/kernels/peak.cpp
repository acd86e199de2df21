#include "kernels/peak.h"

#include <algorithm>
#include <chrono>

#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace diglot {

namespace {

// An FMA takes 4 cycles and two start in each: 8 chains are enough. A product and a sum take 6 to 8.
// 12 hide both, and leave 4 of the 16 registers that SSE and AVX have.
constexpr Index chains = 12;
constexpr Index steps = 1 << 19;  // of a block: some milliseconds

template <class F>
double best_rate(double amount, double seconds, F block) noexcept {
    using Clock = std::chrono::steady_clock;
    double best = 0;
    const auto begin = Clock::now();
    for (auto now = begin; std::chrono::duration<double>(now - begin).count() < seconds;) {
        const auto start = now;
        block();
        now = Clock::now();
        best = std::max(best, amount / std::chrono::duration<double>(now - start).count());
    }
    return best;
}

// x -> x * m + a tends to a / (1 - m) = 1: neither subnormal nor infinite.
template <class T>
T chains_of_fma(T m, T a) noexcept {
    const Vec<T> product = broadcast(m), sum = broadcast(a);
    Vec<T> acc[chains];
    for (Index i = 0; i < chains; ++i) acc[i] = broadcast(a * T(i));
    for (Index step = 0; step < steps; ++step)
#pragma GCC unroll 12
        for (Index i = 0; i < chains; ++i) acc[i] = acc[i] * product + sum;
    for (Index i = 1; i < chains; ++i) acc[0] += acc[i];
    T total = 0;
    for (Index lane = 0; lane < lanes<T>; ++lane) total += acc[0][lane];
    return total;
}

}  // namespace

template <class T>
double fma_peak(double seconds) noexcept {
    const int threads = startable(get_num_threads());
    // Read from memory in each block, so that the compiler cannot know the sum.
    volatile T m = T(0.5), a = T(0.5), sink = 0;
    const double operations = 2.0 * threads * steps * chains * lanes<T>;
    return best_rate(operations, seconds, [&] {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int thread = 0; thread < threads; ++thread) {
            const T total = chains_of_fma<T>(m, a);
            if (total < 0) sink = total;  // never, but only the loop knows
        }
    });
}

template <class T>
double triad_peak(View<T, 1> a, View<T, 1> b, View<T, 1> c, double seconds) noexcept {
    const int threads = startable(get_num_threads());
    const Index part = a.size() / threads / lanes<T> * lanes<T>;
    const Index passes = std::max<Index>(1, (Index{1} << 22) / std::max<Index>(1, a.size()));
    const auto each_part = [&](auto body) {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int thread = 0; thread < threads; ++thread)
            body(a.data + thread * part, b.data + thread * part, c.data + thread * part);
    };
    // The thread that will use a page is the first to touch it.
    each_part([&](T* x, T* y, T* z) {
        for (Index i = 0; i < part; ++i) x[i] = y[i] = z[i] = 1;
    });
    const double bytes = 3.0 * sizeof(T) * part * threads * passes;
    return best_rate(bytes, seconds, [&] {
        each_part([&](T* x, const T* y, const T* z) {
            const Vec<T> scale = broadcast(T(0.5));
            for (Index pass = 0; pass < passes; ++pass)
                for (Index i = 0; i < part; i += lanes<T>)
                    store<T>(x + i, load(y + i) + scale * load(z + i));
        });
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template double fma_peak<T>(double) noexcept;                                                  \
    template double triad_peak(View<T, 1>, View<T, 1>, View<T, 1>, double) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

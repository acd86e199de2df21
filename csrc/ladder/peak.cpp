#include "ladder/peak.h"

#include "kernels/simd.h"

namespace diglot::ladder {

template <class T>
double run_multiply_adds(Index steps, int threads) noexcept {
    // Enough sums that none waits for its last multiply-add: two a cycle, each taking four or five.
    constexpr int sums = 12;

#pragma omp parallel num_threads(threads)
    {
        Vec<T> sum[sums];
        for (int i = 0; i < sums; ++i) sum[i] = broadcast(T(i));
        const Vec<T> factor = broadcast(T(0.99)), term = broadcast(T(0.01));
        for (Index step = 0; step < steps; ++step)
            for (int i = 0; i < sums; ++i) sum[i] = sum[i] * factor + term;
        Vec<T> total = {};
        for (int i = 0; i < sums; ++i) total += sum[i];
        volatile T seen = total[0];  // what is never looked at is never computed
        static_cast<void>(seen);
    }
    return 2.0 * sums * lanes<T> * double(steps) * threads;
}

template double run_multiply_adds<float>(Index, int) noexcept;
template double run_multiply_adds<double>(Index, int) noexcept;

}  // namespace diglot::ladder

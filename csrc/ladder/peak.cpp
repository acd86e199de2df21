// Stand-in for a measured peak: twelve independent sums in registers, no memory at all.
#include "ladder/peak.h"

#include "kernels/simd.h"

namespace diglot::ladder {

template <class T>
double run_multiply_adds(Index steps, int threads) noexcept {
    // Enough sums that none waits for its last multiply-add: two a cycle, each taking four or five.
    constexpr int sums = 12;

#pragma omp parallel num_threads(threads)
    {
        Vec<T> sum[sums], factor = broadcast(T(0.99)), term = broadcast(T(0.01));
        for (int i = 0; i < sums; ++i) sum[i] = broadcast(T(i));
        // The compiler may not know what comes in, and has to believe that all that goes out counts.
        asm volatile("" : "+m"(sum), "+m"(factor), "+m"(term));
        for (Index step = 0; step < steps; ++step)
#pragma GCC unroll 12
            for (int i = 0; i < sums; ++i) sum[i] = sum[i] * factor + term;
        asm volatile("" : "+m"(sum));
    }
    return 2.0 * sums * lanes<T> * double(steps) * threads;
}

template double run_multiply_adds<float>(Index, int) noexcept;
template double run_multiply_adds<double>(Index, int) noexcept;

}  // namespace diglot::ladder

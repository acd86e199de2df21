// Loops over whole arrays, a register at a time, shared out among the threads.
#pragma once

#include <algorithm>

#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace diglot {

// Blocks of a flat loop: large enough to be worth a thread, small enough to stay in a cache.
constexpr Index elementwise_block = 8192;

inline Index elementwise_blocks(Index size) { return ceil_div(size, elementwise_block); }

// y[i] = f(x[i]); `cost` is that of one element in elementary operations.
template <class T, class F>
void map(View<const T, 1> x, View<T, 1> y, double cost, F f) noexcept {
    const Index size = x.size(), blocks = elementwise_blocks(size);
#pragma omp parallel for num_threads(team_size(blocks, cost* size)) schedule(static)
    for (Index block = 0; block < blocks; ++block) {
        const Index end = std::min(size, (block + 1) * elementwise_block);
        Index i = block * elementwise_block;
        for (; i + lanes<T> <= end; i += lanes<T>) store<T>(y.data + i, f(load(x.data + i)));
        if (i < end) store_part<T>(y.data + i, f(load_part(x.data + i, end - i, T(0))), end - i);
    }
}

// z[i] = f(x[i], y[i])
template <class T, class F>
void map(View<const T, 1> x, View<const T, 1> y, View<T, 1> z, double cost, F f) noexcept {
    const Index size = x.size(), blocks = elementwise_blocks(size);
#pragma omp parallel for num_threads(team_size(blocks, cost* size)) schedule(static)
    for (Index block = 0; block < blocks; ++block) {
        const Index end = std::min(size, (block + 1) * elementwise_block);
        Index i = block * elementwise_block;
        for (; i + lanes<T> <= end; i += lanes<T>)
            store<T>(z.data + i, f(load(x.data + i), load(y.data + i)));
        if (i < end)
            store_part<T>(
                z.data + i,
                f(load_part(x.data + i, end - i, T(0)), load_part(y.data + i, end - i, T(0))),
                end - i);
    }
}

}  // namespace diglot

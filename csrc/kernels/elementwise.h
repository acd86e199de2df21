// Loops over whole arrays, a register at a time, shared out among the threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/simd.h"
#include "kernels/team.h"

namespace diglot {

// Blocks of a flat loop: small enough to be shared out evenly, large enough for the loop to be what
// counts. They are whole cache lines, so threads write to none in common.
constexpr Index elementwise_block = 2048;

inline Index elementwise_blocks(Index size) { return ceil_div(size, elementwise_block); }

// An output of this size does not stay in a cache until it is read, so its lines need not be fetched
// into one to be written: a third to a half of the memory traffic.
constexpr Index past_caches_bytes = Index{1} << 25;

template <class T>
inline bool goes_past_caches(View<T, 1> to) {
    return to.size() >= past_caches_bytes / Index(sizeof(T)) &&
           reinterpret_cast<std::uintptr_t>(to.data) % vector_bytes == 0;
}

// to[i] = f(from[i]...) for first <= i < end. Flattened, that is with all of f in place, so that
// f's constants stay in registers all along the block.
template <class T, class F, class... Inputs>
[[gnu::flatten]] inline void map_block(Index first, Index end, T* to, bool past_caches, F f,
                                       const Inputs*... from) {
    Index i = first;
    for (; i + lanes<T> <= end; i += lanes<T>) {
        const Vec<T> v = f(load(from + i)...);
        if (past_caches)
            stream<T>(to + i, v);
        else
            store<T>(to + i, v);
    }
    if (i < end) store_part<T>(to + i, f(load_part(from + i, end - i, T(0))...), end - i);
    if (past_caches) end_streaming();
}

// to[i] = f(from[i]...); `cost` is that of one element in elementary operations.
template <class T, class F, class... Inputs>
inline void map_arrays(View<T, 1> to, double cost, F f, const Inputs*... from) noexcept {
    const Index size = to.size();
    const bool past_caches = goes_past_caches(to);
    share_out(elementwise_blocks(size), cost * size, [&](Index block) {
        const Index first = block * elementwise_block;
        map_block<T>(first, std::min(size, first + elementwise_block), to.data, past_caches, f,
                     from...);
    });
}

// y[i] = f(x[i])
template <class T, class F>
void map(View<const T, 1> x, View<T, 1> y, double cost, F f) noexcept {
    map_arrays(y, cost, f, x.data);
}

// z[i] = f(x[i], y[i])
template <class T, class F>
void map(View<const T, 1> x, View<const T, 1> y, View<T, 1> z, double cost, F f) noexcept {
    map_arrays(z, cost, f, x.data, y.data);
}

}  // namespace diglot

// The micro-kernel of the weight gradient: sums over positions of dy times what the window saw.
//
//     sums[f, t] = sum over images n and positions p of dy[n, f, p] source[n, offset(t) + p]
//
// Here the positions, along which both factors are consecutive memory (planes.h), lie in the lanes
// of a register, and a tile of filters by taps is held in registers, each sum spread over the lanes
// of one. They are added up across the lanes once, after all positions: nothing is transposed.
#pragma once

#include "kernels/simd.h"

namespace diglot::conv {

template <class T>
struct SumTile {
#if defined(__AVX512F__) || defined(__aarch64__)
    static constexpr Index filters = 4, taps = 6;
#elif defined(__AVX__)
    static constexpr Index filters = 3, taps = 4;
#else
    static constexpr Index filters = 3, taps = 3;
#endif
};

// The same positions of some images, seen through some taps.
template <class T>
struct Correlation {
    Index images, positions;
    const T* dy;
    Index dy_image, dy_filter;  // strides
    const T* source;
    Index source_image;
    const Index* offsets;  // of each tap in the source
};

// Adds the sums of `filters` x `taps` to sums[f * stride + t].
template <class T>
void correlate(const Correlation<T>& c, Index filters, Index taps, T* sums, Index stride) noexcept;

// The sum of consecutive values, in the same order as a sum of correlate().
template <class T>
T sum(const T* values, Index count) noexcept;

}  // namespace diglot::conv

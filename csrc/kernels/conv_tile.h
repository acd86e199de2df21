// The micro-kernel of convolution: a tile of outputs, some filters by some consecutive positions,
// held in registers while all channels and all elements of the window pass by.
//
// One step takes one weight of each filter and the pixels that the tile's positions see through
// one element of the window. These are consecutive memory (planes.h), so no patch is ever packed.
// The fewer the filters are, the more positions the tile has: the registers stay full.
#pragma once

#include "kernels/simd.h"

namespace diglot::conv {

template <class T>
struct Tile {
#if defined(__AVX512F__) || defined(__aarch64__)
    static constexpr Index filters = 8, vectors = 3;
#elif defined(__AVX__)
    static constexpr Index filters = 6, vectors = 2;
#else
    static constexpr Index filters = 4, vectors = 2;
#endif
};

// What a window reads around a position: for each channel, the elements at these offsets.
struct Taps {
    Index channels, channel_stride;
    Index count;
    const Index* offsets;

    Index depth() const { return channels * count; }
};

// Filters are cut into strips as equal as can be. A strip's weights are packed together: for each
// channel, for each tap, one weight of each of its filters.
struct Strips {
    Index filters, height;

    template <class T>
    static Strips of(Index filters) {
        const Index count = ceil_div(filters, Tile<T>::filters);
        return {filters, count ? ceil_div(filters, count) : 0};
    }
    Index rows(Index first) const { return std::min(height, filters - first); }
};

// y[f * y_stride + p] = bias[f] + sum over channels and taps of weight * source[offset + p], for
// the positions [0, positions) and `filters` <= Tile::filters filters. bias may be null. Where
// `accumulate`, the sum begins with what y holds instead.
template <class T>
void strip_of_outputs(const Taps& taps, Index filters, Index positions, const T* weights,
                      const T* source, const T* bias, bool accumulate, T* y,
                      Index y_stride) noexcept;

}  // namespace diglot::conv

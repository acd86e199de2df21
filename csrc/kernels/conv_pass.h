// One pass of a window over images: what the forward kernel and the input gradient have in common.
//
// The input gradient is a convolution, too: of dy, with the filters turned by half a turn and
// channels and filters exchanged. With a stride of s, it falls into s x s phases, one for each
// place that a pixel can have between two windows; each phase has its own elements of the window.
#pragma once

#include "kernels/conv_tile.h"
#include "kernels/planes.h"

namespace diglot::conv {

// `filters` outputs for each position of the window, from `channels` inputs.
struct Pass {
    Index channels, filters;
    Axis rows, columns;

    Index taps() const { return rows.taps * columns.taps; }
    Index depth() const { return channels * taps(); }
    Index plane() const { return rows.size * columns.size; }
    Index positions() const { return rows.outputs * columns.outputs; }
    // The window's elements already are offsets in the image: 1 x 1, or n x 1 without a border.
    bool reads_in_place() const {
        return columns.taps == 1 && columns.first_shift == 0 && columns.stride == 1 &&
               columns.outputs == columns.size && rows.stride == 1 && rows.lowest() == 0 &&
               rows.outputs + rows.span() <= rows.size;
    }
};

// How a pass is cut: bands of outputs, and blocks of channels where they are many.
struct Cut {
    Index rows, columns, channels;
    Index row_bands, column_bands;

    template <class T>
    static Cut of(const Pass& pass, Index least_bands);

    Band band(const Pass& pass, Index index) const {
        const Index row = index / column_bands * rows, column = index % column_bands * columns;
        return {row, std::min(rows, pass.rows.outputs - row), column,
                std::min(columns, pass.columns.outputs - column)};
    }
    Planes planes(const Pass& pass) const { return Planes(pass.rows, pass.columns, rows, columns); }
    template <class T>
    Index planes_size(const Pass& pass) const {
        return whole_lines(channels * planes(pass).channel() + lanes<T>);
    }
};

// Where element (filter, channel, u, v) of the weights is: u and v count the pass's own taps.
template <class T>
struct Weights {
    const T* data;
    Index filter, channel, u, v;  // strides

    Weights from(Index offset) const { return {data + offset, filter, channel, u, v}; }
};

// Packs the strips of the filters [first, end); `packed` is where filter 0 goes.
template <class T>
void pack_strips(const Pass& pass, const Weights<T>& weights, Index first, Index end,
                 T* packed) noexcept;

void fill_offsets(const Pass& pass, const Cut& cut, Index* offsets) noexcept;

// One band of outputs of all filters. `image` is the first of the pass's channels, `image_end` the
// end of the whole array of images: reading must not go beyond it.
template <class T>
struct Source {
    const T *image, *image_end;
};

template <class T>
void convolve_band(const Pass& pass, const Cut& cut, const Band& band, Source<T> source,
                   const T* packed, const Index* offsets, const T* bias, T* y, Index y_stride,
                   T* planes_memory) noexcept;

}  // namespace diglot::conv

// The image that the rungs from "direct" on read: copied once, with its border of zeros, so that
// the pixels which one weight meets are plain runs of memory, for any padding, stride and dilation.
//
// With a stride, those pixels are every second or third one. So the copy is cut into phases: all
// even columns, then all odd ones, and rows likewise. Within a phase they are neighbours.
#pragma once

#include <algorithm>

#include "kernels/simd.h"
#include "ladder/conv2d.h"

namespace diglot::ladder {

struct PaddedImage {
    Index channels, down, across;  // phases down and across, `rows` x `pitch` pixels each
    Index rows, pitch;

    explicit PaddedImage(const ConvShape& s) : channels(s.group_channels()) {
        const Index height = s.h + 2 * s.padding.height, width = s.w + 2 * s.padding.width;
        down = std::min(s.stride.height, height), across = std::min(s.stride.width, width);
        rows = ceil_div(height, down), pitch = ceil_div(width, across);
    }

    // Where the pixel at a row and column of the image with its border is.
    Index at(Index c, Index row, Index column) const {
        const Index phase = (c * down + row % down) * across + column % across;
        return (phase * rows + row / down) * pitch + column / across;
    }

    // Elements of memory; a tile at the end may read a few registers past the last pixel.
    template <class T>
    Index size() const {
        return whole_lines(channels * down * across * rows * pitch + 4 * lanes<T>);
    }

    // Elements of memory behind the image for the offset of each weight's pixel from the output's.
    template <class T>
    static Index offsets_size(const ConvShape& s) {
        return s.patch() * Index{sizeof(Index) / sizeof(T)};
    }

    void write_offsets(const ConvShape& s, Index* offsets) const {
        for (Index k = 0; k < s.patch(); ++k)
            offsets[k] = at(k / s.window(), k / s.kw % s.kh * s.dilation.height,
                            k % s.kw * s.dilation.width);
    }

    template <class T>
    void copy(const ConvShape& s, const T* x, T* image) const {
        std::fill_n(image, size<T>(), T(0));
        for (Index c = 0; c < channels; ++c)
            for (Index h = 0; h < s.h; ++h, x += s.w)
                for (Index first = 0; first < std::min(across, s.w); ++first) {
                    T* to = image + at(c, h + s.padding.height, first + s.padding.width);
                    for (Index w = first; w < s.w; w += across) *to++ = x[w];
                }
    }
};

}  // namespace diglot::ladder

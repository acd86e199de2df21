// Cross-correlation of images with filters, and its two gradients.
//
//     y[n, o, i, j]  = b[o] + sum over (c, u, v) of x[n, c, h, w] m[o, c, u, v]
//     dx[n, c, h, w] =        sum over (o, i, j, u, v) of dy[n, o, i, j] m[o, c, u, v]
//     dm[o, c, u, v] =        sum over (n, i, j) of dy[n, o, i, j] x[n, c, h, w]
//     db[o]          =        sum over (n, i, j) of dy[n, o, i, j]
//
// where h = i * stride + u * dilation - padding, and w likewise from j and v; m are the filters, the
// argument w. Pixels outside the image are 0. Each of `groups` groups of filters sees its own share
// of the channels.
//
// A library without kernels of its own would write the patches of all windows into a matrix and
// multiply. Here nothing is copied for each pixel of a window:
//
//  - planes.h copies a band of the image once for each column of the window, with its border of
//    zeros; then each element (c, u, v) of the window is an offset, and the positions of the
//    outputs are consecutive memory, whatever stride, padding and dilation are.
//  - conv_tile.h holds a tile of filters x positions in registers and runs over all elements.
//  - The input gradient is the same computation on dy, with the filters turned around; a stride of
//    s cuts it into s x s phases (conv_pass.h, conv.cpp).
//  - conv_sums.h computes the weight gradient from the same planes: the positions, over which it
//    sums, lie in the lanes of the registers.
//  - winograd.h takes 3 x 3 filters with stride 1 where channels, filters and tiles are many.
//  - depthwise.h takes one 3 x 3 filter for each channel, and reads the image itself.
//
// csrc/ladder/conv2d/4_direct.cpp and 5_across_rows.cpp teach reading the image by offsets.
#pragma once

#include "kernels/view.h"

namespace diglot {

struct ConvShape {
    Index n, c, h, w;  // images
    Index oc, kh, kw;  // filters
    Index oh, ow;      // outputs
    Index groups;
    Pair stride, padding, dilation;
    bool winograd;  // 3 x 3 filters may be computed by winograd.h

    Index group_channels() const { return c / groups; }
    Index group_filters() const { return oc / groups; }
    Index window() const { return kh * kw; }
    Index patch() const { return group_channels() * window(); }
    Index positions() const { return oh * ow; }
    double multiply_adds() const { return double(n) * oc * patch() * positions(); }
};

// The user's switch for winograd.h, for the whole process; on at the beginning. A call reads it
// once, into its ConvShape.
void set_winograd(bool enabled) noexcept;
bool get_winograd() noexcept;

// Threads worth using, and elements of scratch for them.
int conv2d_threads(const ConvShape& shape) noexcept;
template <class T>
Index conv2d_forward_scratch(const ConvShape& shape, int threads) noexcept;
template <class T>
Index conv2d_backward_input_scratch(const ConvShape& shape, int threads) noexcept;
template <class T>
Index conv2d_backward_weight_scratch(const ConvShape& shape, int threads) noexcept;

// b may be null.
template <class T>
void conv2d_forward(const ConvShape& shape, View<const T, 4> x, View<const T, 4> w, const T* b,
                    View<T, 4> y, T* scratch, int threads) noexcept;

template <class T>
void conv2d_backward_input(const ConvShape& shape, View<const T, 4> dy, View<const T, 4> w,
                           View<T, 4> dx, T* scratch, int threads) noexcept;

template <class T>
void conv2d_backward_weight(const ConvShape& shape, View<const T, 4> dy, View<const T, 4> x,
                            View<T, 4> dw, View<T, 1> db, T* scratch, int threads) noexcept;

}  // namespace diglot

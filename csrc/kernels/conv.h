// Cross-correlation of images with filters, and its two gradients.
//
//     y[n, o, i, j]  = b[o] + sum over (c, u, v) of x[n, c, h, w] m[o, c, u, v]
//     dx[n, c, h, w] =        sum over (o, i, j, u, v) of dy[n, o, i, j] m[o, c, u, v]
//     dm[o, c, u, v] =        sum over (n, i, j) of dy[n, o, i, j] x[n, c, h, w]
//     db[o]          =        sum over (n, i, j) of dy[n, o, i, j]
//
// where h = i * stride + u * dilation - padding, and w likewise from j and v; m are the filters, the
// argument w. Pixels outside the image are 0. Each of `groups` groups of filters sees its own share
// of the channels. All three are products of matrices (gemm.h) for an image n and a group:
//
//     y  (OC x OH*OW)     = m (OC x C*KH*KW)  patches(x) (C*KH*KW x OH*OW)
//     dm (OC x C*KH*KW)  += dy (OC x OH*OW)   patches(x) transposed
//     patches(dx)         = m transposed      dy, then each patch is added where it came from
//
// The matrix of patches is never in memory: its blocks are written where the product wants them, in
// packed panels. A part of the image is first copied with its border of zeros, so that the rows of
// a patch are plain runs of memory, which are copied a whole register at a time.
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

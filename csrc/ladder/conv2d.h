// The ladder of the convolution: one function, written again and again, each time faster.
//
//     y[n, o, i, j] = b[o] + sum over (c, u, v) of x[n, c, h, w] m[o, c, u, v]
//
// where h = i * stride + u * dilation - padding and w likewise from j and v; m are the filters, the
// argument w, and x is 0 outside the image (csrc/kernels/conv.h). A rung is one file of
// csrc/ladder/conv2d and differs from the one before by one idea. Each rung is right for every
// shape, stride, padding, dilation and number of groups.
#pragma once

#include "kernels/conv.h"

namespace diglot::ladder {

// b may be null. One thread is all that most rungs use; the scratch memory of those that have any
// grows with an image, not with their number.
#define DIGLOT_CONV2D_RUNG(name)                                                                   \
    template <class T>                                                                             \
    Index conv2d_##name##_scratch(const ConvShape& s, int threads) noexcept;                       \
    template <class T>                                                                             \
    void conv2d_##name(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,     \
                       View<T, 4> y, T* scratch, int threads) noexcept;
DIGLOT_CONV2D_RUNG(naive)
DIGLOT_CONV2D_RUNG(loop_order)
DIGLOT_CONV2D_RUNG(im2col)
DIGLOT_CONV2D_RUNG(direct)
DIGLOT_CONV2D_RUNG(across_rows)
DIGLOT_CONV2D_RUNG(threads)
#undef DIGLOT_CONV2D_RUNG

}  // namespace diglot::ladder

// Ends a rung's file: compiles the rung for float and double.
#define DIGLOT_COMPILE_CONV2D_FOR(name, T)                                                         \
    template Index conv2d_##name##_scratch<T>(const ConvShape&, int) noexcept;                     \
    template void conv2d_##name(const ConvShape&, View<const T, 4>, View<const T, 4>, const T*,    \
                                View<T, 4>, T*, int) noexcept;
#define DIGLOT_COMPILE_CONV2D(name)                                                                \
    DIGLOT_COMPILE_CONV2D_FOR(name, float) DIGLOT_COMPILE_CONV2D_FOR(name, double)

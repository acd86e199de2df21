// Pooling: the maximum or the mean of each window of an image.
//
//     max: y[n, c, i, j] = max over (u, v) of x[n, c, i*s + u - p, j*s + v - p]
//     mean: the sum over (u, v), padding counting as 0, divided by KH * KW
//
// A thread owns whole planes (n, c): also in the backward pass, where windows may overlap. Forward,
// a register of outputs is gathered in one go; backward, windows that do not overlap are written in
// one pass, zeros and gradients together.
#pragma once

#include <cstdint>

#include "kernels/view.h"

namespace diglot {

struct PoolShape {
    Index planes, h, w, oh, ow;  // planes = N * C
    Pair kernel, stride, padding;
};

// indices: where in its plane the maximum stood, h * W + w. The first one wins; a NaN wins always.
template <class T>
void max_pool2d_forward(const PoolShape& shape, const T* x, T* y, std::int32_t* indices) noexcept;

// Needs no kernel, stride and padding: the indices tell. False, with dx undefined, if one of them is
// outside its plane; nothing is written there. Only this pass over them can know.
template <class T>
bool max_pool2d_backward(const PoolShape& shape, const T* dy, const std::int32_t* indices,
                         T* dx) noexcept;

template <class T>
void avg_pool2d_forward(const PoolShape& shape, const T* x, T* y) noexcept;

template <class T>
void avg_pool2d_backward(const PoolShape& shape, const T* dy, T* dx) noexcept;

}  // namespace diglot

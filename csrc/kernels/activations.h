// Activation functions, element by element, and softmax over the last axis. The backward functions
// take the output y where it suffices, gelu's the input x.
//
//     sigmoid:     y = 1 / (1 + e^-x)            dx = dy y (1 - y)
//     tanh:        y = tanh x                    dx = dy (1 - y^2)
//     relu:        y = max(x, 0)                 dx = 0 where y <= 0, else dy
//     leaky_relu:  y = x where x > 0, else a x   dx = dy where y > 0, else a dy
//     gelu:        y = x Phi(x)                  dx = dy (Phi(x) + x phi(x))
//     softmax:     y = e^x / sum e^x             dx = y (dy - sum dy y)
//
// One pass over memory, a register at a time; the functions themselves are in vector_math.h.
#pragma once

#include "kernels/view.h"

namespace diglot {

template <class T>
void sigmoid_forward(View<const T, 1> x, View<T, 1> y) noexcept;
template <class T>
void sigmoid_backward(View<const T, 1> dy, View<const T, 1> y, View<T, 1> dx) noexcept;

template <class T>
void tanh_forward(View<const T, 1> x, View<T, 1> y) noexcept;
template <class T>
void tanh_backward(View<const T, 1> dy, View<const T, 1> y, View<T, 1> dx) noexcept;

template <class T>
void relu_forward(View<const T, 1> x, View<T, 1> y) noexcept;
template <class T>
void relu_backward(View<const T, 1> dy, View<const T, 1> y, View<T, 1> dx) noexcept;

template <class T>
void leaky_relu_forward(View<const T, 1> x, double negative_slope, View<T, 1> y) noexcept;
template <class T>
void leaky_relu_backward(View<const T, 1> dy, View<const T, 1> y, double negative_slope,
                         View<T, 1> dx) noexcept;

template <class T>
void gelu_forward(View<const T, 1> x, View<T, 1> y) noexcept;
template <class T>
void gelu_backward(View<const T, 1> dy, View<const T, 1> x, View<T, 1> dx) noexcept;

// Rows of the last axis.
template <class T>
void softmax_forward(View<const T, 2> x, View<T, 2> y) noexcept;
template <class T>
void softmax_backward(View<const T, 2> dy, View<const T, 2> y, View<T, 2> dx) noexcept;

}  // namespace diglot

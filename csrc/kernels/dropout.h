// Inverted dropout: each element is dropped with probability `rate`, and the others are scaled up so
// that the expected value stays.
//
//     mask[i] = random word i >= floor(rate * 2^32)
//     y = x * mask / (1 - rate)
//     dx = dy * mask / (1 - rate)
//
// Word i comes from the counter-based generator Philox4x32-10 (Salmon et al. 2011): a function of
// (seed, i) alone. So threads need not agree on an order, and the NumPy reference draws the same
// bits.
#pragma once

#include <cstdint>

#include "kernels/view.h"

namespace diglot {

template <class T>
void dropout_forward(View<const T, 1> x, double rate, std::uint64_t seed, View<T, 1> y,
                     View<std::uint8_t, 1> mask) noexcept;

template <class T>
void dropout_backward(View<const T, 1> dy, View<const std::uint8_t, 1> mask, double rate,
                      View<T, 1> dx) noexcept;

}  // namespace diglot

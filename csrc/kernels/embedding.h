// A table's rows by number, and back.
//
//     forward:  y[p] = w[tokens[p]]
//     backward: dw[v] = the sum of dy[p] over the places p with tokens[p] = v, p ascending
//
// with tokens (P,), each in 0..V-1, w (V, D), y (P, D). Backward, each thread adds up some of the D
// columns at all places: nobody shares a sum, and however often a token occurs, all have as much to
// do.
#pragma once

#include <cstdint>

#include "kernels/view.h"

namespace diglot {

template <class T>
void embedding_forward(View<const std::int64_t, 1> tokens, View<const T, 2> w,
                       View<T, 2> y) noexcept;

template <class T>
void embedding_backward(View<const T, 2> dy, View<const std::int64_t, 1> tokens,
                        View<T, 2> dw) noexcept;

}  // namespace diglot

// The product of matrices, and of stacks of them; and the dense layer, which adds a bias to it.
//
//     matmul:                c[s, i, j] = sum_k a[s, i, k] b[s, k, j]
//     dense_forward:         y = x w + b
//     dense_backward_weight: dw = x^T dy,    db = the sums of dy's columns
//
// with a stored as (S, M, K), or (S, K, M) where transpose_a; b as (S, K, N), or (S, N, K);
// x (N, in), w (in, out), b (out,).
//
// C is cut in a grid of cells, and a thread computes a cell with packed operands of its own: nothing
// is shared and nothing is waited for. gemm.h tells how. A deep product with a small C (M = 60,
// N = 10, K = 25088) is cut along k as well: the pieces are summed into C in their order, and how
// many there are depends on the shape alone.
#pragma once

#include "kernels/view.h"

namespace diglot {

struct MatmulShape {
    Index stack, m, n, k;
};

int matmul_threads(const MatmulShape& shape) noexcept;

// Elements of scratch for `threads` threads.
template <class T>
Index matmul_scratch(const MatmulShape& shape, int threads) noexcept;

template <class T>
void matmul(View<const T, 3> a, View<const T, 3> b, bool transpose_a, bool transpose_b,
            View<T, 3> c, T* scratch, int threads) noexcept;

// The same of one product (1, N, out, in); `b` may be null. Threads and scratch are matmul's.
template <class T>
void dense_forward(View<const T, 2> x, View<const T, 2> w, const T* b, View<T, 2> y, T* scratch,
                   int threads) noexcept;

// And of the product (1, in, out, N).
template <class T>
void dense_backward_weight(View<const T, 2> dy, View<const T, 2> x, View<T, 2> dw, View<T, 1> db,
                           T* scratch, int threads) noexcept;

}  // namespace diglot

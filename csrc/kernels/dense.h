// The product of matrices, and of stacks of them.
//
//     c[s, i, j] = sum_k a[s, i, k] b[s, k, j]
//
// with a stored as (S, M, K), or (S, K, M) where transpose_a; b as (S, K, N), or (S, N, K).
//
// The blocks of C are shared out among the threads; gemm.h tells how a block is computed. A deep
// product with a small C (M = 60, N = 10, K = 25088) has few blocks, so k is cut as well: the
// pieces are summed into C in their order, and how many there are depends on the shape alone.
#pragma once

#include "kernels/view.h"

namespace diglot {

struct MatmulShape {
    Index stack, m, n, k;
};

// Elements of scratch for `threads` threads.
template <class T>
Index matmul_scratch(const MatmulShape& shape, int threads) noexcept;

template <class T>
void matmul(View<const T, 3> a, View<const T, 3> b, bool transpose_a, bool transpose_b,
            View<T, 3> c, T* scratch, int threads) noexcept;

int matmul_threads(const MatmulShape& shape) noexcept;

}  // namespace diglot

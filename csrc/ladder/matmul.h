// The ladder of the matrix product: one function, written again and again, each time faster.
//
//     c[i, j] = sum_k a[i, k] b[k, j],    a (M, K), b (K, N), c (M, N)
//
// A rung is one file of csrc/ladder/matmul and differs from the one before by one idea, so that
// `diff 4_blocked.cpp 5_packed.cpp` is a lesson. Each rung is right for every shape, and sums in
// ascending k. What a library needs besides (transposes, stacks, thin matrices) is in
// csrc/kernels/gemm.h.
#pragma once

#include "kernels/view.h"

namespace diglot::ladder {

// A matrix, or a part of one: its rows lie `stride` elements apart.
template <class T>
struct Matrix {
    T* data;
    Index rows, columns, stride;

    T* row(Index i) const { return data + i * stride; }

    // Rows from i on and columns from j on, at most so many of them.
    Matrix part(Index i, Index j, Index most_rows, Index most_columns) const {
        const Index left = rows - i, right = columns - j;
        return {row(i) + j, left < most_rows ? left : most_rows,
                right < most_columns ? right : most_columns, stride};
    }
};

// Rungs that pack say how much scratch memory they need for a number of threads, whatever the size
// of the product; one thread is all that most of them use.
#define DIGLOT_MATMUL_RUNG(name)                                                                   \
    template <class T>                                                                             \
    Index matmul_##name##_scratch(int threads) noexcept;                                           \
    template <class T>                                                                             \
    void matmul_##name(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T* scratch,              \
                       int threads) noexcept;
DIGLOT_MATMUL_RUNG(naive)
DIGLOT_MATMUL_RUNG(loop_order)
DIGLOT_MATMUL_RUNG(registers)
DIGLOT_MATMUL_RUNG(blocked)
DIGLOT_MATMUL_RUNG(packed)
DIGLOT_MATMUL_RUNG(micro_kernel)
DIGLOT_MATMUL_RUNG(threads)
#undef DIGLOT_MATMUL_RUNG

}  // namespace diglot::ladder

// Ends a rung's file: compiles the rung for float and double.
#define DIGLOT_COMPILE_MATMUL_FOR(name, T)                                                         \
    template Index matmul_##name##_scratch<T>(int) noexcept;                                       \
    template void matmul_##name(Matrix<const T>, Matrix<const T>, Matrix<T>, T*, int) noexcept;
#define DIGLOT_COMPILE_MATMUL(name)                                                                \
    DIGLOT_COMPILE_MATMUL_FOR(name, float) DIGLOT_COMPILE_MATMUL_FOR(name, double)

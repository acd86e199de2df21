// The matrix product C (m x n) = A (m x k) B (k x n): the engine of dense layers.
//
// Why it is fast, from the inside out (Goto & van de Geijn 2008; Van Zee & van de Geijn 2015):
//  - A tile of C, Tile<T>::rows x (vectors * lanes), is held in registers while k runs: one step
//    loads a row of B and broadcasts a column of A, and does rows * vectors multiply-adds with
//    them.
//  - B is packed, depth x width at a time, into panels as wide as a tile, so that the tile reads
//    consecutive memory. The block stays in the second-level cache while all rows of A pass by.
//  - A is packed in strips as high as a tile, which stay in the first-level cache while the panels
//    of B pass by. Either is read in place where packing would cost more than it gives.
//  - Whichever way they lie in memory: packing transposes in registers (transpose.h).
//  - A bias is added while the tile is in registers.
// Each element of C is summed in the same order however C is cut into blocks: k ascending, in runs
// that depend on k alone. So the result does not depend on the number of threads, bit for bit.
//
// Taught step by step in csrc/ladder/matmul (docs/ladder.md); 6_micro_kernel.cpp is this idea on one
// page.
#pragma once

#include <algorithm>

#include "kernels/simd.h"

namespace diglot::gemm {

template <class T>
struct Tile {
#if defined(__AVX512F__) || defined(__aarch64__)  // 32 registers: 8 x 3 sums, 3 of B
    static constexpr Index rows = 8, vectors = 3;
#elif defined(__AVX__)  // 16 registers: 6 x 2 sums, 2 of B, 1 of A
    static constexpr Index rows = 6, vectors = 2;
#else                   // 16 registers, and a product needs one for itself: 4 x 2 sums
    static constexpr Index rows = 4, vectors = 2;
#endif
    static constexpr Index columns = vectors * lanes<T>;
};

// Blocks of B are depth x width: 480 KiB with AVX-512, 160 KiB with AVX2, which is half of the
// second-level caches that such processors have, or less. Blocks of A are height x depth, or
// tall_height x depth where several blocks of B pass by, so that A is packed once for all of them.
// (Constants: a depth of 192 to 384 and a width of 5 to 12 panels differ by 2 % in speed.)
template <class T>
struct Block {
    static constexpr Index depth = 256;
    static constexpr Index width = 10 * Tile<T>::columns;
    static constexpr Index height = 96;
    static constexpr Index tall_height = 4096 / sizeof(T);
};

// A matrix by its strides: element (i, j) is data[i * row_stride + j * column_stride].
template <class T>
struct Strided {
    const T* data;
    Index row_stride, column_stride;

    Strided transposed() const { return {data, column_stride, row_stride}; }
    Strided from(Index row, Index column) const {
        return {data + row * row_stride + column * column_stride, row_stride, column_stride};
    }
};

// Elements of scratch that multiply() needs: a block of B, a block of A, and some vectors more, so
// that packing may write whole vectors.
template <class T>
Index scratch_size(Index m, Index n, Index k) noexcept;

// C (m x n) = A B, row by row plus the bias of each column, if there is one; or C += A B, if C is
// to be added to.
template <class T>
void multiply(Index m, Index n, Index k, Strided<T> a, Strided<T> b, const T* column_bias, T* c,
              Index c_stride, T* scratch, bool add = false) noexcept;

// ---- a B that is packed once, for many products -------------------------------------------------

// Elements of a packed B: its columns filled up to whole vectors.
template <class T>
Index packed_size(Index n, Index k) noexcept;

// Packs the columns from `first`, a multiple of Tile::columns, to `end`.
template <class T>
void pack(Strided<T> b, Index n, Index k, Index first, Index end, T* packed) noexcept;

// multiply() with a packed B; A is read in place, so it should have few rows, or few panels of B.
template <class T>
void multiply_packed(Index m, Index n, Index k, Strided<T> a, const T* packed, const T* column_bias,
                     bool add, T* c, Index c_stride) noexcept;

}  // namespace diglot::gemm

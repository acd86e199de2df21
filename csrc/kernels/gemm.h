// The matrix product C (m x n) = A (m x k) B (k x n): the engine of dense layers and convolutions.
//
// Why it is fast, from the inside out (Goto & van de Geijn 2008; Van Zee & van de Geijn 2015):
//  - A tile of C, Tile<T>::rows x (vectors * lanes), is held in registers while k runs: one step
//    loads a row of B and broadcasts a column of A, and does rows * vectors multiply-adds with
//    them.
//  - B is packed, depth x width at a time, into panels as wide as a tile, so that the tile reads
//    consecutive memory. The block stays in the second-level cache while all rows of A pass by.
//  - A is read in place, or packed in panels too where its columns are far apart.
//  - Whoever supplies B writes the panels. A convolution writes image patches straight into them:
//    no matrix of patches exists in memory.
// Each element of C is summed in the same order however C is cut into blocks: k ascending, in runs
// of `depth`. So the result does not depend on the number of threads, bit for bit.
#pragma once

#include <algorithm>

#include "kernels/simd.h"

namespace diglot::gemm {

template <class T>
struct Tile {
#if defined(__AVX512F__) || defined(__aarch64__)  // 32 registers: 8 x 3 sums, 3 of B
    static constexpr Index rows = 8, vectors = 3;
#elif defined(__AVX__)  // 16 registers: 6 x 2 sums, 2 of B
    static constexpr Index rows = 6, vectors = 2;
#else                   // 16 registers, and a product needs one for itself: 4 x 2 sums
    static constexpr Index rows = 4, vectors = 2;
#endif
    static constexpr Index columns = vectors * lanes<T>;
};

// Blocks of B are depth x width (half of a 1 MiB cache in float32), blocks of A height x depth.
template <class T>
struct Block {
    static constexpr Index depth = 256 * sizeof(float) / sizeof(T);
    static constexpr Index width = 10 * Tile<T>::columns;
    static constexpr Index height = 96;
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

// Where the columns of a packed block of B go: panels Tile::columns wide, the last one only as many
// vectors as it needs. Panel p begins at p * Tile::columns * depth; its rows are `width` apart.
template <class T>
struct Panel {
    Index count, width;  // columns, and columns rounded up to vectors

    static Panel at(Index begin, Index columns) {
        const Index count = std::min(Tile<T>::columns, columns - begin);
        return {count, round_up(count, lanes<T>)};
    }
};

// Packs rows [first_row, first_row + depth) of a matrix, `columns` columns from its first one on.
template <class T>
struct PackStrided {
    Strided<T> b;
    Index columns;
    void operator()(T* packed, Index first_row, Index depth) const noexcept;
};

// C[0..rows) [0..columns) (+)= A B for one panel of B; columns <= Tile::columns.
template <class T>
void panel_times_block(Index rows, Index depth, Strided<T> a, const T* panel, Index columns, T* c,
                       Index c_stride, bool accumulate) noexcept;

template <class T>
void pack_rows(T* packed, Strided<T> a, Index rows, Index depth) noexcept;

// Elements of scratch that multiply() needs: a block of B, a block of A, and one vector more, so
// that packing may write whole vectors.
template <class T>
Index scratch_size(Index m, Index n, Index k) noexcept;

// C (m x n, n <= Block::width) = A B, or += where `accumulate`. `pack_b(packed, row, depth)` writes
// rows of B in panels (see Panel).
template <class T, class PackB>
void multiply(Index m, Index n, Index k, Strided<T> a, const PackB& pack_b, T* c, Index c_stride,
              bool accumulate, T* scratch) noexcept {
    if (k == 0 && !accumulate)
        for (Index i = 0; i < m; ++i) std::fill_n(c + i * c_stride, n, T(0));
    T* packed_b = scratch;
    T* packed_a = scratch + round_up(n, lanes<T>) * std::min(k, Block<T>::depth);
    // Reading A in place costs nothing while its rows are contiguous and its panels are used
    // little.
    const bool pack_a = a.column_stride != 1 || n > 4 * Tile<T>::columns;
    for (Index row = 0; row < k; row += Block<T>::depth) {
        const Index depth = std::min(Block<T>::depth, k - row);
        pack_b(packed_b, row, depth);
        for (Index i = 0; i < m; i += Block<T>::height) {
            const Index height = std::min(Block<T>::height, m - i);
            if (pack_a) pack_rows(packed_a, a.from(i, row), height, depth);
            for (Index r = 0; r < height; r += Tile<T>::rows) {
                const Index rows = std::min(Tile<T>::rows, height - r);
                const Strided<T> strip =
                    pack_a ? Strided<T>{packed_a + r * depth, 1, rows} : a.from(i + r, row);
                for (Index j = 0; j < n; j += Tile<T>::columns)
                    panel_times_block(rows, depth, strip, packed_b + j * depth,
                                      std::min(Tile<T>::columns, n - j), c + (i + r) * c_stride + j,
                                      c_stride, accumulate || row > 0);
            }
        }
    }
}

}  // namespace diglot::gemm

// The matrix product C (m x n) = A (m x k) B (k x n): the engine of dense layers and convolutions.
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
//  - Whoever supplies B writes the panels. A convolution writes image patches straight into them:
//    no matrix of patches exists in memory.
//  - A bias is added while the tile is in registers (Epilogue).
// Each element of C is summed in the same order however C is cut into blocks: k ascending, in runs
// that depend on k alone. So the result does not depend on the number of threads, bit for bit.
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

// What is added to the finished sums: to row i row_bias[i], to column j column_bias[j].
template <class T>
struct Epilogue {
    const T* row_bias = nullptr;
    const T* column_bias = nullptr;

    Epilogue from(Index row, Index column) const {
        return {row_bias ? row_bias + row : nullptr, column_bias ? column_bias + column : nullptr};
    }
};

// A block of B as the tiles read it: its first columns in place, the others from packed panels.
template <class T>
struct BlockOfB {
    const T* packed;
    Strided<T> in_place = {nullptr, 0, 0};
    Index in_place_columns = 0;
};

// Elements that a block of A takes when it is packed, and the packing of it.
template <class T>
Index packed_rows_size(Index rows, Index depth) noexcept;
template <class T>
void pack_rows(T* packed, Strided<T> a, Index rows, Index depth) noexcept;

// C[0..m) [0..n) (+)= A B for one block of each. A is packed if `packed_a` is, and in place else.
template <class T>
void multiply_block(Index m, Index n, Index depth, Strided<T> a, const T* packed_a, BlockOfB<T> b,
                    T* c, Index c_stride, bool accumulate, Epilogue<T> epilogue) noexcept;

// Elements of scratch that multiply() needs: a block of B, a block of A, and some vectors more, so
// that packing may write whole vectors.
template <class T>
Index scratch_size(Index m, Index n, Index k) noexcept;

// The inner dimension in runs of nearly equal depth, at most Block::depth: 288 is cut 144 + 144.
template <class T>
struct Runs {
    Index k, count;

    explicit Runs(Index inner)
        : k(inner), count(std::max<Index>(1, ceil_div(inner, Block<T>::depth))) {}
    Index begin(Index run) const { return k * run / count; }
    Index depth(Index run) const { return begin(run + 1) - begin(run); }
};

// Packing A costs more than it gives where few panels of B read it.
template <class T>
bool a_in_place(Index n) {
    return n <= 8 * Tile<T>::columns;
}

// C (m x n, n <= Block::width) = A B, or += where `accumulate`; then the epilogue.
// `pack_b(packed, row, depth)` writes rows of B in panels (see Panel).
template <class T, class PackB>
void multiply(Index m, Index n, Index k, Strided<T> a, const PackB& pack_b, T* c, Index c_stride,
              bool accumulate, T* scratch, Epilogue<T> epilogue = {}) noexcept {
    T* packed_b = scratch;
    T* packed_a = scratch + round_up(n, lanes<T>) * std::min(k, Block<T>::depth);
    const bool pack_a = !a_in_place<T>(n);
    const Runs<T> runs(k);
    for (Index run = 0; run < runs.count; ++run) {
        const Index row = runs.begin(run), depth = runs.depth(run);
        const bool last = run + 1 == runs.count;
        if (depth > 0) pack_b(packed_b, row, depth);
        for (Index i = 0; i < m; i += Block<T>::height) {
            const Index height = std::min(Block<T>::height, m - i);
            if (pack_a) pack_rows(packed_a, a.from(i, row), height, depth);
            multiply_block(height, n, depth, a.from(i, row), pack_a ? packed_a : nullptr,
                           BlockOfB<T>{packed_b}, c + i * c_stride, c_stride, accumulate || run > 0,
                           last ? epilogue.from(i, 0) : Epilogue<T>{});
        }
    }
}

// The same for a B in memory, of any width. Where few rows of A use it, it is read in place.
template <class T>
void multiply(Index m, Index n, Index k, Strided<T> a, Strided<T> b, T* c, Index c_stride,
              bool accumulate, T* scratch, Epilogue<T> epilogue = {}) noexcept;

}  // namespace diglot::gemm

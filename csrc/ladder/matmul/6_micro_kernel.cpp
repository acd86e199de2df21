// Rung 6, micro-kernel: the largest tile that the registers can hold.
//
// A tile of 2 x 4 registers uses each register of B for two multiply-adds. Its panel of B, 64 KB,
// is larger than the first-level cache, so all of it comes from the second, and that gives half a
// cache line a cycle: 8 cycles for 4 registers, in which 8 multiply-adds are done. The two are
// even, and any hiccup is lost. With 6 rows the same 8 cycles serve 24 multiply-adds: the processor
// is busy multiplying, and the memory has time. This is all that differs from rung 5: one number.
//
// With 16 registers, 3 rows are the most: 12 sums, and the rest for B and A. Measured: 1.2 times
// with AVX-512, 1.3 with AVX2, at any n from 512 on.
#include <algorithm>

#include "ladder/edges.h"
#include "ladder/matmul.h"

namespace diglot::ladder {

namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr Index tile_rows = 6, tile_vectors = 4;  // 32 registers: 24 sums, 4 of B, 1 of A
#else
constexpr Index tile_rows = 3, tile_vectors = 4;  // 16 registers: 12 sums, the rest of A and B
#endif
template <class T>
constexpr Index tile_columns = tile_vectors * lanes<T>;

constexpr Index block_depth = 256;
template <class T>
constexpr Index block_width = 2048 / sizeof(T);

// Writes a block of B in panels: tile_columns numbers of its first row, those of its second, ...
template <class T>
void pack_b(Matrix<const T> b, T* panel) {
    for (Index j = 0; j < b.columns; j += tile_columns<T>)
        for (Index k = 0; k < b.rows; ++k)
            for (Index v = j; v < j + tile_columns<T>; v += lanes<T>, panel += lanes<T>)
                store<T>(panel, load_some(b.row(k) + v, b.columns - v));
}

// Writes rows of A as one panel: tile_rows numbers of their first column, those of the second, ...
template <class T>
void pack_a(Matrix<const T> a, T* panel) {
    for (Index r = 0; r < tile_rows; ++r)
        for (Index k = 0; k < a.columns; ++k)
            panel[k * tile_rows + r] = r < a.rows ? a.row(r)[k] : T(0);
}

// C += A B for one tile of C, from panels that are filled up with zeros at the edges.
template <class T>
void tile(Index depth, const T* a, const T* b, Matrix<T> c) {
    Vec<T> sum[tile_rows][tile_vectors] = {};
    for (Index k = 0; k < depth; ++k, a += tile_rows, b += tile_columns<T>) {
        Vec<T> b_k[tile_vectors];
        for (Index v = 0; v < tile_vectors; ++v) b_k[v] = load(b + v * lanes<T>);
        for (Index r = 0; r < tile_rows; ++r)
            for (Index v = 0; v < tile_vectors; ++v) sum[r][v] += broadcast(a[r]) * b_k[v];
    }
    for (Index r = 0; r < tile_rows && r < c.rows; ++r)
        for (Index v = 0; v < tile_vectors; ++v) {
            const Index j = v * lanes<T>;
            T* to = c.row(r) + j;
            store_some<T>(to, load_some(to, c.columns - j) + sum[r][v], c.columns - j);
        }
}

}  // namespace

template <class T>
Index matmul_micro_kernel_scratch(int) noexcept {
    return (block_width<T> + tile_rows) * block_depth;
}

template <class T>
void matmul_micro_kernel(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T* scratch,
                         int) noexcept {
    T* const b_panels = scratch;
    T* const a_panel = scratch + block_width<T> * block_depth;
    for (Index i = 0; i < c.rows; ++i) std::fill_n(c.row(i), c.columns, T(0));
    for (Index first_k = 0; first_k < b.rows; first_k += block_depth)
        for (Index first_j = 0; first_j < c.columns; first_j += block_width<T>) {
            const Matrix<const T> block = b.part(first_k, first_j, block_depth, block_width<T>);
            pack_b(block, b_panels);
            for (Index i = 0; i < c.rows; i += tile_rows) {
                pack_a(a.part(i, first_k, tile_rows, block.rows), a_panel);
                for (Index j = 0; j < block.columns; j += tile_columns<T>)
                    tile(block.rows, a_panel, b_panels + j * block.rows,
                         c.part(i, first_j + j, tile_rows, tile_columns<T>));
            }
        }
}

DIGLOT_COMPILE_MATMUL(micro_kernel)

}  // namespace diglot::ladder

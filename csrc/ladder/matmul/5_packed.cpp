// Rung 5, packed: blocks of A and B are copied into the order in which the tile reads them.
//
// The rows of a block lie far apart. Each is on a page of its own, more pages than the processor
// remembers addresses of; and where rows are a power of two apart, their cache lines compete for
// the same few places, although the cache is nearly empty: at n = 1024, rung 4 may have as little
// as 60 % of its speed at n = 1000. A copy in panels has neither trouble, and is read from front to
// end, so that the processor fetches ahead. Copying costs a load and a store for each number of a
// block of B, which is then used for all rows of A.
//
// Measured with AVX-512: 1.1 times at n = 512 and 1000, 1.1 to 1.9 at n = 1024, 1.8 at n = 2048. A
// product with few rows does not pay for the copy: 0.9 times at (60 x 784) (784 x 89).
//
// Panels are filled up with zeros at the edges, so that the tile has no edge in its inner loop.
#include <algorithm>

#include "ladder/edges.h"
#include "ladder/matmul.h"

namespace diglot::ladder {

namespace {

constexpr Index tile_rows = 2, tile_vectors = 4;
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
Index matmul_packed_scratch(int) noexcept {
    return (block_width<T> + tile_rows) * block_depth;
}

template <class T>
void matmul_packed(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T* scratch, int) noexcept {
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

DIGLOT_COMPILE_MATMUL(packed)

}  // namespace diglot::ladder

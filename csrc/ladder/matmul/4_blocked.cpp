// Rung 4, blocked: a block of B is used for all rows of A before the next block is touched.
//
// In rung 3 all of B passes by for each two rows of C. A large B does not fit a cache, so each pass
// fetches it from farther away. A block of 256 x 512 floats is half a megabyte and stays in the
// second-level cache while all rows of A pass by: B comes from memory once. The price is that the
// sums over one block of k are not the whole of C, so tiles are added to C, once per 256 steps.
//
// This pays where B is larger than the cache. Measured with AVX-512 and 1 MiB of it: 2.3 times at
// n = 2048 (B has 16 MiB); 1.1 times at n = 512 and 1000; at n = 1024 anything from 1.05 to 1.4, by
// where in the memory the rows happen to lie, which is the next rung's subject.
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

// C += A B for one tile of C. At an edge, rows that do not exist are computed from the last one
// that does, and never stored.
template <class T>
void tile(Matrix<const T> a, Matrix<const T> b, Matrix<T> c) {
    const bool whole = c.columns == tile_columns<T>;
    const T* a_row[tile_rows];
    for (Index r = 0; r < tile_rows; ++r) a_row[r] = a.row(std::min(r, c.rows - 1));
    Vec<T> sum[tile_rows][tile_vectors] = {};
    for (Index k = 0; k < b.rows; ++k) {
        Vec<T> b_k[tile_vectors];
        for (Index v = 0; v < tile_vectors; ++v) {
            const Index j = v * lanes<T>;
            b_k[v] = whole ? load(b.row(k) + j) : load_some(b.row(k) + j, c.columns - j);
        }
        for (Index r = 0; r < tile_rows; ++r)
            for (Index v = 0; v < tile_vectors; ++v) sum[r][v] += broadcast(a_row[r][k]) * b_k[v];
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
Index matmul_blocked_scratch(int) noexcept {
    return 0;
}

template <class T>
void matmul_blocked(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T*, int) noexcept {
    for (Index i = 0; i < c.rows; ++i) std::fill_n(c.row(i), c.columns, T(0));
    for (Index first_k = 0; first_k < b.rows; first_k += block_depth)
        for (Index first_j = 0; first_j < c.columns; first_j += block_width<T>) {
            const Matrix<const T> block = b.part(first_k, first_j, block_depth, block_width<T>);
            for (Index i = 0; i < c.rows; i += tile_rows)
                for (Index j = 0; j < block.columns; j += tile_columns<T>)
                    tile(a.part(i, first_k, tile_rows, block.rows),
                         block.part(0, j, block.rows, tile_columns<T>),
                         c.part(i, first_j + j, tile_rows, tile_columns<T>));
        }
}

DIGLOT_COMPILE_MATMUL(blocked)

}  // namespace diglot::ladder

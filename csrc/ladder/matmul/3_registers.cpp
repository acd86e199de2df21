// Rung 3, registers: a tile of C stays in registers while k runs.
//
// Rung 2 loaded and stored C for each multiply-add, although a sum changes only in value, not in
// place. Here 2 rows x 4 registers of C are summed at a time, and C is written once, at the end.
// And what was loaded is used twice or more: a register of B for both rows, a number of A for all
// four registers of its row. A step of k is 4 loads of B and 2 of A for 8 multiply-adds (of whole
// registers), where rung 2 needed 16 loads and 8 stores. The 8 sums are independent, so a
// multiply-add need not wait the four cycles which the one before it takes.
//
// What limits it is where B comes from: four cache lines a step, a whole row of B further on each
// time, and all of B for each two rows of C. Measured with AVX-512: 1.4 to 1.9 times faster up to
// n = 1024, but 10 % slower at n = 2048, where B does not fit the caches.
#include <algorithm>

#include "ladder/edges.h"
#include "ladder/matmul.h"

namespace diglot::ladder {

namespace {

constexpr Index tile_rows = 2, tile_vectors = 4;
template <class T>
constexpr Index tile_columns = tile_vectors * lanes<T>;

// C = A B for one tile of C. At an edge, rows that do not exist are computed from the last one that
// does, and never stored.
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
            store_some<T>(c.row(r) + j, sum[r][v], c.columns - j);
        }
}

}  // namespace

template <class T>
Index matmul_registers_scratch(int) noexcept {
    return 0;
}

template <class T>
void matmul_registers(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T*, int) noexcept {
    for (Index i = 0; i < c.rows; i += tile_rows)
        for (Index j = 0; j < c.columns; j += tile_columns<T>)
            tile(a.part(i, 0, tile_rows, a.columns), b.part(0, j, b.rows, tile_columns<T>),
                 c.part(i, j, tile_rows, tile_columns<T>));
}

DIGLOT_COMPILE_MATMUL(registers)

}  // namespace diglot::ladder

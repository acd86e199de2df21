// Rung 7, threads: C is cut into blocks, and each thread takes the next one that nobody has.
//
// A block of C needs all of k, but nobody else's results: threads share A and B, which they only
// read, and each packs into its own scratch memory. So there is nothing to wait for, and the
// sums are the same for any number of threads, bit for bit. Blocks are given out one at a time, as
// threads are not equally fast, and there must be enough of them: C is cut in both directions.
// The price is that each block packs its own panels of B: once for its 240 rows.
#include <algorithm>

#include "kernels/parallel.h"
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

// Rung 6: C = A B on one thread.
template <class T>
void multiply(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T* scratch) {
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

template <class T>
constexpr Index thread_scratch = whole_lines((block_width<T> + tile_rows) * block_depth);
constexpr Index task_rows = 240;

}  // namespace

template <class T>
Index matmul_threads_scratch(int threads) noexcept {
    return threads * thread_scratch<T>;
}

template <class T>
void matmul_threads(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T* scratch,
                    int threads) noexcept {
    const Index down = ceil_div(c.rows, task_rows), across = ceil_div(c.columns, block_width<T>);

#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (Index task = 0; task < down * across; ++task) {
        const Index i = task / across * task_rows, j = task % across * block_width<T>;
        multiply(a.part(i, 0, task_rows, a.columns), b.part(0, j, b.rows, block_width<T>),
                 c.part(i, j, task_rows, block_width<T>),
                 scratch + thread_index() * thread_scratch<T>);
    }
}

DIGLOT_COMPILE_MATMUL(threads)

}  // namespace diglot::ladder

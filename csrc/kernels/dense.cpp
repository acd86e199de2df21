#include "kernels/dense.h"

#include "kernels/gemm.h"
#include "kernels/team.h"

namespace diglot {

namespace {

// ---- how a product is cut -----------------------------------------------------------------------

// Runs of the inner dimension that are summed apart, for a small C of a deep product. By the shape
// alone: the sums must not depend on the number of threads.
template <class T>
Index count_pieces(const MatmulShape& s) {
    constexpr Index enough_tiles = 32, least_depth = 1024;
    const Index tiles =
        s.stack * ceil_div(s.m, gemm::Tile<T>::rows) * ceil_div(s.n, gemm::Tile<T>::columns);
    Index pieces = 1;
    while (2 * pieces * tiles <= enough_tiles && 2 * pieces * least_depth <= s.k) pieces *= 2;
    return pieces;
}

// A grid of cells of C, each computed by one thread: one for each, or several of at most `most_rows`
// rows, so that a thread whose processor is busy with something else leaves cells to the others.
template <class T>
struct Grid {
    Index height, width;  // of a cell
    Index rows, columns;  // cells in each direction

    Grid(const MatmulShape& s, Index pieces, int threads) : height(s.m), width(s.n) {
        const Index products = s.stack * pieces;
        if (products % threads != 0 && products < 8 * threads) cut(s, threads);
        if (threads > 1) height = ceil_div(height, ceil_div(height, most_rows));
        rows = ceil_div(s.m, height);
        columns = ceil_div(s.n, width);
    }

  private:
    static constexpr Index most_rows = 512;

    // A cell for each thread. It costs its area, and the packing of its rows and columns.
    void cut(const MatmulShape& s, int threads) {
        constexpr double packing = 4;
        double least = 1e300;
        for (Index down = 1; down <= threads; ++down) {
            const Index h = ceil_div(s.m, down);
            const Index w = round_up(ceil_div(s.n, threads / down), lanes<T>);
            const double cost = double(h) * w + packing * (h + w);
            if (cost < least) least = cost, height = h, width = w;
        }
    }
};

template <class T>
Index cell_scratch(const MatmulShape& s, const Grid<T>& grid) {
    return whole_lines(gemm::scratch_size<T>(grid.height, grid.width, s.k));
}

template <class T>
Index pieces_scratch(const MatmulShape& s) {
    const Index pieces = count_pieces<T>(s);
    return pieces > 1 ? whole_lines(pieces * s.stack * s.m * s.n) : 0;
}

// ---- a thread's share ---------------------------------------------------------------------------

// C = A B for each matrix of a stack, which lie one behind the other, plus the column bias.
template <class T>
struct Product {
    MatmulShape shape;
    gemm::Strided<T> a, b;
    T* c;
    const T* column_bias;
};

// One thread's part of a team's work, or all of it where there is no team.
template <class T>
void share(const Product<T>& p, T* scratch, int threads) {
    const MatmulShape& s = p.shape;
    const Index count = count_pieces<T>(s), elements = s.stack * s.m * s.n;
    const Grid<T> grid(s, count, threads);
    T* const pieces = scratch;
    T* const mine = scratch + pieces_scratch<T>(s) + thread_index() * cell_scratch<T>(s, grid);

#pragma omp for schedule(dynamic)
    for (Index task = 0; task < s.stack * count * grid.columns * grid.rows; ++task) {
        const Index i = task % grid.rows * grid.height;
        const Index j = task / grid.rows % grid.columns * grid.width;
        const Index piece = task / (grid.rows * grid.columns) % count;
        const Index stack = task / (grid.rows * grid.columns * count);
        const Index begin = piece * s.k / count, end = (piece + 1) * s.k / count;
        gemm::Strided<T> a = p.a.from(i, begin), b = p.b.from(begin, j);
        a.data += stack * s.m * s.k;
        b.data += stack * s.k * s.n;
        T* const to = count > 1 ? pieces + piece * elements : p.c;
        const bool add_bias = p.column_bias && count == 1;
        gemm::multiply(std::min(grid.height, s.m - i), std::min(grid.width, s.n - j), end - begin,
                       a, b, add_bias ? p.column_bias + j : nullptr,
                       to + (stack * s.m + i) * s.n + j, s.n, mine);
    }
    if (count == 1) return;
#pragma omp for schedule(static)
    for (Index row = 0; row < s.stack * s.m; ++row)
        for (Index j = 0; j < s.n; ++j) {
            const Index e = row * s.n + j;
            T sum = pieces[e];
            for (Index piece = 1; piece < count; ++piece) sum += pieces[piece * elements + e];
            p.c[e] = p.column_bias ? sum + p.column_bias[j] : sum;
        }
}

// Sums of a matrix's columns: a thread adds up some of them, from the first row to the last.
template <class T>
void sum_columns(View<const T, 2> x, T* sums) {
    constexpr Index vectors = 4, columns = vectors * lanes<T>;
    const Index rows = x.shape[0], width = x.shape[1];
#pragma omp for schedule(static)
    for (Index j = 0; j < width; j += columns) {
        Vec<T> sum[vectors] = {};
        const Index count = std::min(columns, width - j);
        for (Index i = 0; i < rows; ++i)
            for (Index v = 0; v * lanes<T> < count; ++v) {
                const T* from = x.at(i, j) + v * lanes<T>;
                const Index rest = count - v * lanes<T>;
                sum[v] += rest >= lanes<T> ? load(from) : load_part(from, rest, T(0));
            }
        for (Index v = 0; v * lanes<T> < count; ++v) {
            const Index rest = count - v * lanes<T>;
            if (rest >= lanes<T>)
                store<T>(sums + j + v * lanes<T>, sum[v]);
            else
                store_part<T>(sums + j + v * lanes<T>, sum[v], rest);
        }
    }
}

template <class T>
gemm::Strided<T> as_strided(const T* data, Index row_stride, bool transposed) {
    const gemm::Strided<T> matrix{data, row_stride, 1};
    return transposed ? matrix.transposed() : matrix;
}

}  // namespace

// ---- the kernels --------------------------------------------------------------------------------

int matmul_threads(const MatmulShape& s) noexcept {
    return team_size(s.stack * s.m * s.n, double(s.stack) * s.m * s.n * s.k / 16);
}

template <class T>
Index matmul_scratch(const MatmulShape& s, int threads) noexcept {
    if (s.stack * s.m * s.n == 0) return 0;
    const Grid<T> grid(s, count_pieces<T>(s), threads);
    return pieces_scratch<T>(s) + threads * cell_scratch<T>(s, grid);
}

template <class T>
void matmul(View<const T, 3> a, View<const T, 3> b, bool transpose_a, bool transpose_b,
            View<T, 3> c, T* scratch, int threads) noexcept {
    if (c.size() == 0) return;
    const Product<T> product{
        {c.shape[0], c.shape[1], c.shape[2], a.shape[transpose_a ? 1 : 2]},
        as_strided(a.data, a.shape[2], transpose_a),
        as_strided(b.data, b.shape[2], transpose_b),
        c.data,
        nullptr,
    };
    run_team(threads, [&] { share(product, scratch, threads); });
}

template <class T>
void dense_forward(View<const T, 2> x, View<const T, 2> w, const T* b, View<T, 2> y, T* scratch,
                   int threads) noexcept {
    if (y.size() == 0) return;
    const Product<T> product{
        {1, y.shape[0], y.shape[1], x.shape[1]},
        as_strided(x.data, x.shape[1], false),
        as_strided(w.data, w.shape[1], false),
        y.data,
        b,
    };
    run_team(threads, [&] { share(product, scratch, threads); });
}

template <class T>
void dense_backward_weight(View<const T, 2> dy, View<const T, 2> x, View<T, 2> dw, View<T, 1> db,
                           T* scratch, int threads) noexcept {
    const Product<T> product{
        {1, dw.shape[0], dw.shape[1], x.shape[0]},
        as_strided(x.data, x.shape[1], true),
        as_strided(dy.data, dy.shape[1], false),
        dw.data,
        nullptr,
    };
    run_team(threads, [&] {
        if (dw.size() > 0) share(product, scratch, threads);
        sum_columns(dy, db.data);
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index matmul_scratch<T>(const MatmulShape&, int) noexcept;                            \
    template void matmul(View<const T, 3>, View<const T, 3>, bool, bool, View<T, 3>, T*,           \
                         int) noexcept;                                                            \
    template void dense_forward(View<const T, 2>, View<const T, 2>, const T*, View<T, 2>, T*,      \
                                int) noexcept;                                                     \
    template void dense_backward_weight(View<const T, 2>, View<const T, 2>, View<T, 2>,            \
                                        View<T, 1>, T*, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

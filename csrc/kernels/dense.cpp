#include "kernels/dense.h"

#include "kernels/gemm.h"
#include "kernels/parallel.h"

namespace diglot {

namespace {

// How C (m x n) and the inner dimension are cut into tasks.
struct Plan {
    Index rows, columns;  // cells of C, each computed by one thread
    Index pieces;         // runs of the inner dimension, summed in their order
    Index height, width;  // of a cell
};

// Runs of the inner dimension that are summed apart, for a small C of a deep product. By the shape
// alone: the sums must not depend on the number of threads.
template <class T>
Index pieces_of(const MatmulShape& s) {
    using gemm::Tile;
    constexpr Index enough_tiles = 32, least_depth = 1024;
    const Index tiles = s.stack * ceil_div(s.m, Tile<T>::rows) * ceil_div(s.n, Tile<T>::columns);
    Index pieces = 1;
    while (2 * pieces * tiles <= enough_tiles && 2 * pieces * least_depth <= s.k) pieces *= 2;
    return pieces;
}

template <class T>
Plan plan(const MatmulShape& s, int threads) {
    using gemm::Tile;
    Plan best{1, 1, pieces_of<T>(s), s.m, s.n};
    const Index products = s.stack * best.pieces;
    if (threads == 1 || products % threads == 0 || products >= 8 * threads) return best;
    // A cell costs its area, and the packing of its rows and columns.
    constexpr double packing = 4;
    double least = 1e300;
    for (Index rows = 1; rows <= threads; ++rows) {
        const Index columns = threads / rows;
        const Index height = round_up(ceil_div(s.m, rows), 1);
        const Index width = round_up(ceil_div(s.n, columns), lanes<T>);
        const double cost = double(height) * width + packing * (height + width);
        if (cost < least) {
            least = cost;
            best.height = height, best.width = width;
        }
    }
    best.rows = ceil_div(s.m, best.height);
    best.columns = ceil_div(s.n, best.width);
    return best;
}

template <class T>
Index cell_scratch(const MatmulShape& s) {
    return whole_lines(gemm::scratch_size<T>(s.m, s.n, s.k));
}

template <class T>
Index pieces_scratch(const MatmulShape& s) {
    const Index pieces = pieces_of<T>(s);
    return pieces > 1 ? whole_lines(pieces * s.stack * s.m * s.n) : 0;
}

// The work of a team, or of one thread alone: `omp for` works in both.
template <class T>
void share(const MatmulShape& s, const Plan& p, gemm::Strided<T> a, gemm::Strided<T> b, T* c,
           T* scratch) {
    T* const pieces = scratch;
    T* const mine = scratch + pieces_scratch<T>(s) + thread_index() * cell_scratch<T>(s);
    const Index tasks = s.stack * p.pieces * p.columns * p.rows, elements = s.stack * s.m * s.n;
#pragma omp for schedule(static)
    for (Index task = 0; task < tasks; ++task) {
        const Index i = task % p.rows * p.height, j = task / p.rows % p.columns * p.width;
        const Index piece = task / (p.rows * p.columns) % p.pieces;
        const Index stack = task / (p.rows * p.columns * p.pieces);
        const Index begin = piece * s.k / p.pieces, end = (piece + 1) * s.k / p.pieces;
        gemm::Strided<T> left = a, right = b;
        left.data += stack * s.m * s.k, right.data += stack * s.k * s.n;
        T* const to = p.pieces > 1 ? pieces + piece * elements : c;
        gemm::multiply(std::min(p.height, s.m - i), std::min(p.width, s.n - j), end - begin,
                       left.from(i, begin), right.from(begin, j), to + (stack * s.m + i) * s.n + j,
                       s.n, false, mine);
    }
    if (p.pieces > 1) {
#pragma omp for schedule(static)
        for (Index e = 0; e < elements; ++e) {
            T sum = pieces[e];
            for (Index piece = 1; piece < p.pieces; ++piece) sum += pieces[piece * elements + e];
            c[e] = sum;
        }
    }
}

}  // namespace

int matmul_threads(const MatmulShape& s) noexcept {
    return team_size(s.stack * s.m * s.n, double(s.stack) * s.m * s.n * s.k / 16);
}

template <class T>
Index matmul_scratch(const MatmulShape& s, int threads) noexcept {
    if (s.stack * s.m * s.n == 0) return 0;
    return pieces_scratch<T>(s) + threads * cell_scratch<T>(s);
}

template <class T>
void matmul(View<const T, 3> a, View<const T, 3> b, bool transpose_a, bool transpose_b,
            View<T, 3> c, T* scratch, int threads) noexcept {
    const MatmulShape s{c.shape[0], c.shape[1], c.shape[2], a.shape[transpose_a ? 1 : 2]};
    if (c.size() == 0) return;
    const Plan p = plan<T>(s, threads);
    gemm::Strided<T> left{a.data, a.shape[2], 1}, right{b.data, b.shape[2], 1};
    if (transpose_a) left = left.transposed();
    if (transpose_b) right = right.transposed();
    if (threads == 1) {  // a team of one costs half a microsecond
        share<T>(s, p, left, right, c.data, scratch);
    } else {
#pragma omp parallel num_threads(threads)
        share<T>(s, p, left, right, c.data, scratch);
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index matmul_scratch<T>(const MatmulShape&, int) noexcept;                            \
    template void matmul(View<const T, 3>, View<const T, 3>, bool, bool, View<T, 3>, T*,           \
                         int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

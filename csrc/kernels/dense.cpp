#include "kernels/dense.h"

#include "kernels/gemm.h"
#include "kernels/parallel.h"

namespace diglot {

namespace {

// How C (m x n) and the inner dimension are cut into tasks.
struct Plan {
    Index height, width;        // of a block of C
    Index rows, columns;        // blocks of C
    Index pieces, piece_depth;  // runs of the inner dimension, summed in their order
};

template <class T>
Plan plan(const MatmulShape& s, int threads) {
    using gemm::Block, gemm::Tile;
    constexpr Index small = 64 * 1024, piece = 1024, most_pieces = 16;
    Plan p;
    // By the shape alone: the sums of the pieces must not depend on the number of threads.
    p.pieces = s.stack * s.m * s.n <= small ? std::clamp<Index>(s.k / piece, 1, most_pieces) : 1;
    p.piece_depth = std::max<Index>(1, round_up(ceil_div(s.k, p.pieces), Block<T>::depth));
    p.pieces = std::max<Index>(1, ceil_div(s.k, p.piece_depth));
    p.width = std::min(s.n, Block<T>::width);
    p.columns = ceil_div(s.n, p.width);
    // Tall enough blocks, but two for each thread if there are rows for them.
    const Index blocks = 2 * threads, other = p.columns * p.pieces * s.stack;
    const Index wanted = threads == 1 ? 1 : ceil_div(blocks, other);
    p.height =
        std::min(s.m, std::max(round_up(ceil_div(s.m, wanted), Tile<T>::rows), 4 * Tile<T>::rows));
    p.rows = ceil_div(s.m, p.height);
    return p;
}

template <class T>
Index block_scratch(const MatmulShape& s) {
    return whole_lines(gemm::scratch_size<T>(s.m, s.n, s.k));
}

template <class T>
Index pieces_scratch(const MatmulShape& s, const Plan& p) {
    return p.pieces > 1 ? whole_lines(p.pieces * s.stack * s.m * s.n) : 0;
}

}  // namespace

int matmul_threads(const MatmulShape& s) noexcept {
    return team_size(s.stack * s.m * s.n, double(s.stack) * s.m * s.n * s.k / 16);
}

template <class T>
Index matmul_scratch(const MatmulShape& s, int threads) noexcept {
    if (s.stack * s.m * s.n == 0) return 0;
    return pieces_scratch<T>(s, plan<T>(s, threads)) + threads * block_scratch<T>(s);
}

template <class T>
void matmul(View<const T, 3> a, View<const T, 3> b, bool transpose_a, bool transpose_b,
            View<T, 3> c, T* scratch, int threads) noexcept {
    const MatmulShape s{c.shape[0], c.shape[1], c.shape[2], a.shape[transpose_a ? 1 : 2]};
    if (c.size() == 0) return;
    const Plan p = plan<T>(s, threads);
    T* const pieces = scratch;
    T* const blocks = scratch + pieces_scratch<T>(s, p);
    const Index tasks = s.stack * p.pieces * p.columns * p.rows;
    const Index elements = c.size();

#pragma omp parallel num_threads(threads)
    {
        T* const mine = blocks + thread_index() * block_scratch<T>(s);
#pragma omp for schedule(dynamic)
        for (Index task = 0; task < tasks; ++task) {
            const Index i = task % p.rows * p.height;
            const Index j = task / p.rows % p.columns * p.width;
            const Index piece = task / (p.rows * p.columns) % p.pieces;
            const Index stack = task / (p.rows * p.columns * p.pieces);
            const Index first = piece * p.piece_depth;
            gemm::Strided<T> left{a.at(stack), a.shape[2], 1};
            gemm::Strided<T> right{b.at(stack), b.shape[2], 1};
            if (transpose_a) left = left.transposed();
            if (transpose_b) right = right.transposed();
            const Index height = std::min(p.height, s.m - i), width = std::min(p.width, s.n - j);
            T* to = p.pieces > 1 ? pieces + piece * elements : c.data;
            gemm::multiply(height, width, std::min(p.piece_depth, s.k - first), left.from(i, first),
                           gemm::PackStrided<T>{right.from(first, j), width},
                           to + (stack * s.m + i) * s.n + j, s.n, false, mine);
        }
        if (p.pieces > 1) {
#pragma omp for schedule(static)
            for (Index e = 0; e < elements; ++e) {
                T sum = pieces[e];
                for (Index piece = 1; piece < p.pieces; ++piece)
                    sum += pieces[piece * elements + e];
                c.data[e] = sum;
            }
        }
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index matmul_scratch<T>(const MatmulShape&, int) noexcept;                            \
    template void matmul(View<const T, 3>, View<const T, 3>, bool, bool, View<T, 3>, T*,           \
                         int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

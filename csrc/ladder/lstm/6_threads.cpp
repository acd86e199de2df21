// Rung 6, threads: each thread takes some rows, and runs through the whole sequence with them.
//
// Step t needs step t - 1: in time, nothing can be shared out. But the rows of a batch know nothing
// of each other, so each thread takes some of them from the first step to the last; nobody waits
// for anybody, where shares of the units would need a rendezvous at every step. Each row is computed
// as before, so the result is the same for any number of threads, bit for bit.
//
// Measured with 2 threads: 1.9 times, from 6 rows on. Shares are whole tiles, so one row, or four,
// keep one thread busy only; there, the library shares out the units and pays for the rendezvous.
#include <algorithm>

#include "kernels/vector_math.h"
#include "ladder/edges.h"
#include "ladder/lstm.h"

namespace diglot::ladder {

namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr Index tile_rows = 4, gates = 4;
#else
constexpr Index tile_rows = 3, gates = 4;  // 16 registers: 12 sums, the rest of weights and rows
#endif

// Writes w_x, and w_h under it, in panels: i, f, g and o of a register of units of the first row,
// those of the second, ...
template <class T>
void pack_weights(const Lstm<T>& a, T* panel) {
    const Index D = a.s.d, H = a.s.h;
    for (Index u = 0; u < H; u += lanes<T>)
        for (Index k = 0; k < D + H; ++k) {
            const T* const row = k < D ? a.w_x + k * 4 * H : a.w_h + (k - D) * 4 * H;
            for (Index gate = 0; gate < gates; ++gate, panel += lanes<T>)
                store<T>(panel, load_some(row + gate * H + u, H - u));
        }
}

// Writes x_t, and h_{t-1} beside it, in panels: the first column of tile_rows rows, the second, ...
// Rows that do not exist are copies of the last one that does.
template <class T>
void pack_rows(const Lstm<T>& a, Index first, Index end, Index t, T* panel) {
    const Index D = a.s.d, H = a.s.h;
    for (Index i = first; i < end; i += tile_rows, panel += tile_rows * (D + H))
        for (Index r = 0; r < tile_rows; ++r) {
            const Index n = std::min(i + r, a.s.n - 1);
            const T *const x = a.input(n, t), *const h = a.before(n, t);
            for (Index k = 0; k < D; ++k) panel[k * tile_rows + r] = x[k];
            for (Index k = 0; k < H; ++k) panel[(D + k) * tile_rows + r] = h[k];
        }
}

// One step of a register of units, or of the `count` that are left: z(gate) gives their z.
template <class T, class Z>
void units_step(Z z, T* c, T* h, Index count) {
    const Vec<T> i = sigmoid<T>(z(0)), f = sigmoid<T>(z(1)), g = tanh<T>(z(2));
    const Vec<T> c_next = f * load_some(c, count) + i * g;
    store_some<T>(c, c_next, count);
    store_some<T>(h, sigmoid<T>(z(3)) * tanh<T>(c_next), count);
}

// One step of the rows from n on and of the units from u on, as many as a tile has.
template <class T>
void tile(const Lstm<T>& a, Index n, Index t, Index u, const T* rows, const T* weights, T* c) {
    const Index H = a.s.h;
    Vec<T> sum[tile_rows][gates];
    for (Index r = 0; r < tile_rows; ++r)
        for (Index gate = 0; gate < gates; ++gate)
            sum[r][gate] = load_some(a.b + gate * H + u, H - u);
    for (Index k = 0; k < a.s.d + H; ++k, rows += tile_rows, weights += gates * lanes<T>) {
        Vec<T> w_k[gates];
        for (Index gate = 0; gate < gates; ++gate) w_k[gate] = load(weights + gate * lanes<T>);
        for (Index r = 0; r < tile_rows; ++r)
            for (Index gate = 0; gate < gates; ++gate)
                sum[r][gate] += broadcast(rows[r]) * w_k[gate];
    }
    for (Index r = 0; r < tile_rows && n + r < a.s.n; ++r)
        units_step([&](Index gate) { return sum[r][gate]; }, c + (n + r) * H + u,
                   a.output(n + r, t) + u, H - u);
}

}  // namespace

template <class T>
Index lstm_threads_scratch(const RecurrentShape& s, int) noexcept {
    return whole_lines(s.n * s.h) + whole_lines(round_up(s.n, tile_rows) * (s.d + s.h)) +
           gates * round_up(s.h, lanes<T>) * (s.d + s.h);
}

template <class T>
void lstm_threads(const Lstm<T>& a, T* c, int threads) noexcept {
    const Index N = a.s.n, H = a.s.h, depth = a.s.d + H, tiles = ceil_div(N, tile_rows);
    T* const rows = c + whole_lines(N * H);
    T* const weights = rows + whole_lines(round_up(N, tile_rows) * depth);
    std::copy_n(a.c0, N * H, c);
    pack_weights(a, weights);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int thread = 0; thread < threads; ++thread) {
        const Index first = tiles * thread / threads * tile_rows;
        const Index end = std::min(N, tiles * (thread + 1) / threads * tile_rows);
        for (Index t = 0; t < a.s.t; ++t) {
            pack_rows(a, first, end, t, rows + first * depth);
            for (Index u = 0; u < H; u += lanes<T>)
                for (Index n = first; n < end; n += tile_rows)
                    tile(a, n, t, u, rows + n * depth, weights + gates * u * depth, c);
        }
    }
}

DIGLOT_COMPILE_LSTM(threads)

}  // namespace diglot::ladder

// Rung 5, prepacked: the weights are packed once, and used at every step.
//
// Rung 4 packs all weights anew for each of the T products, although they do not change: a load and
// a store for each weight, which is then used for N rows. The smaller the batch, the worse: with one
// row, packing is more work than multiplying. Here it is done once, before the loop.
//
// The order of packing is free, so the four gates of a register of units become the four columns of
// a tile: once k has run, all of z for these units is in registers, and the gates are computed from
// there. z is never stored. And w_h lies under w_x, so that one product takes x_t and h_{t-1}.
//
// Four rows, not the product's six: batches are often a multiple of 4, and 16 sums are enough to
// keep the processor multiplying. Measured with AVX-512: 1.1 times with 128 rows, 1.2 with 64, 1.6
// with 16 rows and 512 units, 3 with one row. That z is not stored is hardly a part of it (1.00 to
// 1.02): 256 KB that stay in the cache cost little.
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
void pack_rows(const Lstm<T>& a, Index t, T* panel) {
    const Index D = a.s.d, H = a.s.h;
    for (Index i = 0; i < a.s.n; i += tile_rows, panel += tile_rows * (D + H))
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
Index lstm_prepacked_scratch(const RecurrentShape& s, int) noexcept {
    return whole_lines(s.n * s.h) + whole_lines(round_up(s.n, tile_rows) * (s.d + s.h)) +
           gates * round_up(s.h, lanes<T>) * (s.d + s.h);
}

template <class T>
void lstm_prepacked(const Lstm<T>& a, T* c, int) noexcept {
    const Index N = a.s.n, H = a.s.h, depth = a.s.d + H;
    T* const rows = c + whole_lines(N * H);
    T* const weights = rows + whole_lines(round_up(N, tile_rows) * depth);
    std::copy_n(a.c0, N * H, c);
    pack_weights(a, weights);
    for (Index t = 0; t < a.s.t; ++t) {
        pack_rows(a, t, rows);
        for (Index u = 0; u < H; u += lanes<T>)
            for (Index n = 0; n < N; n += tile_rows)
                tile(a, n, t, u, rows + n * depth, weights + gates * u * depth, c);
    }
}

DIGLOT_COMPILE_LSTM(prepacked)

}  // namespace diglot::ladder

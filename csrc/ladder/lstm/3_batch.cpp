// Rung 3, batch: all rows make a step together, which is a product of matrices.
//
//     z (N x 4H) = x_t (N x D) times w_x (D x 4H) + h (N x H) times w_h (H x 4H)
//
// Steps must wait for each other, rows need not. With the time as the outer loop, a weight that has
// come from memory serves all rows of the batch, and the product is one that the other ladder has
// climbed already: its rung 6 does the work.
//
// Measured with AVX-512: 1.6 to 1.7 times with 64 rows, and no more, although the products are three
// times as fast: what is left is the gates, two thirds of the time. With one row there is nothing to
// share, and the product's packing makes it 0.4 times as fast as rung 2.
#include <algorithm>

#include "ladder/lstm.h"
#include "ladder/matmul.h"

namespace diglot::ladder {

template <class T>
Index lstm_batch_scratch(const RecurrentShape& s, int) noexcept {
    return whole_lines(s.n * s.h) + 2 * whole_lines(s.n * 4 * s.h) +
           matmul_micro_kernel_scratch<T>(1);
}

template <class T>
void lstm_batch(const Lstm<T>& a, T* scratch, int) noexcept {
    const Index N = a.s.n, D = a.s.d, H = a.s.h, size = whole_lines(N * 4 * H);
    T* const c = scratch;
    T *const from_x = c + whole_lines(N * H), *const from_h = from_x + size;
    T* const panels = from_h + size;
    std::copy_n(a.c0, N * H, c);
    for (Index t = 0; t < a.s.t; ++t) {
        matmul_micro_kernel<T>({a.input(0, t), N, D, a.s.t * D}, {a.w_x, D, 4 * H, 4 * H},
                               {from_x, N, 4 * H, 4 * H}, panels, 1);
        matmul_micro_kernel<T>({a.before(0, t), N, H, t ? a.s.t * H : H}, {a.w_h, H, 4 * H, 4 * H},
                               {from_h, N, 4 * H, 4 * H}, panels, 1);
        for (Index n = 0; n < N; ++n) {
            const T *const z_x = from_x + n * 4 * H, *const z_h = from_h + n * 4 * H;
            for (Index u = 0; u < H; ++u) {
                const auto z = [=](Index j) { return z_x[j] + z_h[j] + a.b[j]; };
                a.output(n, t)[u] =
                    unit_step(z(u), z(H + u), z(2 * H + u), z(3 * H + u), c[n * H + u]);
            }
        }
    }
}

DIGLOT_COMPILE_LSTM(batch)

}  // namespace diglot::ladder

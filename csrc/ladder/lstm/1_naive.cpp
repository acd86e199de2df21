// Rung 1, naive: the formula as it stands, four dot products for each unit of each step.
//
// Of all the work, (D + H) 4H multiply-adds a step, it takes one after the other, and goes down the
// columns of the weights: each of their numbers is on another cache line, 16 bytes times H further
// on. With H = 256 that is 4096 bytes, so that all of a column competes for a few places of the
// cache. The 5 exponential functions of a unit do not matter yet: one part in a hundred.
#include <algorithm>

#include "ladder/lstm.h"

namespace diglot::ladder {

template <class T>
Index lstm_naive_scratch(const RecurrentShape& s, int) noexcept {
    return s.h;  // the cell state of one row
}

template <class T>
void lstm_naive(const Lstm<T>& a, T* c, int) noexcept {
    const Index D = a.s.d, H = a.s.h;
    for (Index n = 0; n < a.s.n; ++n) {
        std::copy_n(a.c0 + n * H, H, c);
        for (Index t = 0; t < a.s.t; ++t) {
            const T *const x = a.input(n, t), *const h = a.before(n, t);
            for (Index u = 0; u < H; ++u) {
                T z[4];
                for (Index gate = 0; gate < 4; ++gate) {
                    const Index j = gate * H + u;
                    z[gate] = a.b[j];
                    for (Index k = 0; k < D; ++k) z[gate] += x[k] * a.w_x[k * 4 * H + j];
                    for (Index k = 0; k < H; ++k) z[gate] += h[k] * a.w_h[k * 4 * H + j];
                }
                a.output(n, t)[u] = unit_step(z[0], z[1], z[2], z[3], c[u]);
            }
        }
    }
}

DIGLOT_COMPILE_LSTM(naive)

}  // namespace diglot::ladder

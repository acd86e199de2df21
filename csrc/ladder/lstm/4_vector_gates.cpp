// Rung 4, vector gates: exp and tanh of a whole register of units at a time.
//
// A step has 5 of these functions for each unit. std::exp and std::tanh take one number and some 10
// ns, in which the processor could do 600 multiply-adds: with 64 features and 256 units, of rung 3's
// 72 ms they are 48. What they compute is a polynomial and a power of two (kernels/vector_math.h),
// the same for every number, and so for 16 of them at once.
//
// This is Amdahl's law: the gates were one part in a hundred of rung 1, and not worth a thought,
// until all the rest had become fast. Measured with AVX-512: 3.0 times with 256 units, 4.9 with 64
// (the fewer units, the more gates for each multiply-add), 1.8 with 512.
#include <algorithm>

#include "kernels/vector_math.h"
#include "ladder/edges.h"
#include "ladder/lstm.h"
#include "ladder/matmul.h"

namespace diglot::ladder {

namespace {

// One step of a register of units, or of the `count` that are left: z(gate) gives their z.
template <class T, class Z>
void units_step(Z z, T* c, T* h, Index count) {
    const Vec<T> i = sigmoid<T>(z(0)), f = sigmoid<T>(z(1)), g = tanh<T>(z(2));
    const Vec<T> c_next = f * load_some(c, count) + i * g;
    store_some<T>(c, c_next, count);
    store_some<T>(h, sigmoid<T>(z(3)) * tanh<T>(c_next), count);
}

}  // namespace

template <class T>
Index lstm_vector_gates_scratch(const RecurrentShape& s, int) noexcept {
    return whole_lines(s.n * s.h) + 2 * whole_lines(s.n * 4 * s.h) +
           matmul_micro_kernel_scratch<T>(1);
}

template <class T>
void lstm_vector_gates(const Lstm<T>& a, T* scratch, int) noexcept {
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
            for (Index u = 0; u < H; u += lanes<T>) {
                const auto z = [=](Index gate) {
                    const Index j = gate * H + u, count = H - u;
                    return load_some(z_x + j, count) + load_some(z_h + j, count) +
                           load_some(a.b + j, count);
                };
                units_step(z, c + n * H + u, a.output(n, t) + u, H - u);
            }
        }
    }
}

DIGLOT_COMPILE_LSTM(vector_gates)

}  // namespace diglot::ladder

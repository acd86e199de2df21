#include "kernels/recurrent_lstm.h"

#include "kernels/recurrent_run.h"
#include "kernels/vector_math.h"

namespace diglot {

using namespace recurrent;

namespace {

template <class T>
struct Forward {
    static constexpr int phases = 1;
    RecurrentShape s;
    LstmForward<T> a;
    Split<T> split;
    PackedWeights<T> w_x, w_h;

    Forward(const RecurrentShape& s, const LstmForward<T>& a, int threads, Carver<T> scratch,
            Index* size = nullptr)
        : s(s),
          a(a),
          split(s, 4, threads),
          w_x({a.w_x, 4 * s.h, 1}, s.d, 4, s.h, split.unit_parts(), scratch),
          w_h({a.w_h, 4 * s.h, 1}, s.h, 4, s.h, split.unit_parts(), scratch) {
        if (size) *size = scratch.used;
    }

    void input(Range steps, const Share& share) const {
        input_part(s, a.x, w_x, a.b, steps, share, a.gates, 4 * s.h);
    }

    void step(int, Index t, const Share& share) const {
        const Index H = s.h, first = t * s.n + share.rows.first;
        for (Index gate = 0; gate < 4; ++gate)
            w_h.multiply(share.rows.size(), {a.h + first * H, H, 1}, share.unit_part, gate, nullptr,
                         true, a.gates + first * 4 * H + gate * H, 4 * H);
        for (Index n = share.rows.first; n < share.rows.end; ++n) {
            const Index row = t * s.n + n, next = row + s.n;
            T* const z = a.gates + row * 4 * H;
            const T* const c_before = a.c + row * H;
            T *const c = a.c + next * H, *const h = a.h + next * H;
            T* const y = a.y + (n * s.t + t) * H;
            over_units<T>(share.units, [=](Index u, auto access) {
                const Vec<T> i_u = sigmoid<T>(access.read(z + u));
                const Vec<T> f_u = sigmoid<T>(access.read(z + H + u));
                const Vec<T> g_u = tanh<T>(access.read(z + 2 * H + u));
                const Vec<T> o_u = sigmoid<T>(access.read(z + 3 * H + u));
                const Vec<T> c_u = f_u * access.read(c_before + u) + i_u * g_u;
                const Vec<T> h_u = o_u * tanh<T>(c_u);
                access.write(z + u, i_u);
                access.write(z + H + u, f_u);
                access.write(z + 2 * H + u, g_u);
                access.write(z + 3 * H + u, o_u);
                access.write(c + u, c_u);
                access.write(h + u, h_u);
                access.write(y + u, h_u);
            });
        }
    }
};

template <class T>
struct Backward {
    static constexpr int phases = 2;
    RecurrentShape s;
    LstmBackward<T> a;
    Split<T> split;
    PackedWeights<T> w_h;  // transposed
    Gradients<T> gradients;

    Backward(const RecurrentShape& s, const LstmBackward<T>& a, int threads, Carver<T> scratch,
             Index* size = nullptr)
        : s(s),
          a(a),
          split(s, 4, threads),
          w_h({a.w_h, 1, 4 * s.h}, 4 * s.h, 1, s.h, split.unit_parts(), scratch),
          gradients(s, a.x, a.w_x, 4, 4, a.dx, threads, scratch) {
        if (size) *size = scratch.used;
    }

    void step(int phase, Range chunk, Index t, const Share& share) const {
        const Index H = s.h;
        const Range rows = share.rows;
        if (phase == 1) {
            w_h.multiply(rows.size(), {gradients.row(chunk, t, rows.first), gradients.stride, 1},
                         share.unit_part, 0, nullptr, false, a.dh0 + rows.first * H, H);
            return;
        }
        for (Index n = rows.first; n < rows.end; ++n) {
            const Index row = t * s.n + n;
            const T *const gates = a.gates + row * 4 * H, *const dy = a.dy + (n * s.t + t) * H;
            const T *const c_before = a.c + row * H, *const c = c_before + s.n * H;
            const T* const dh = a.dh0 + n * H;
            T *const dc = a.dc0 + n * H, *const dz = gradients.row(chunk, t, n);
            over_units<T>(share.units, [=](Index u, auto access) {
                const Vec<T> i = access.read(gates + u), f = access.read(gates + H + u);
                const Vec<T> g = access.read(gates + 2 * H + u), o = access.read(gates + 3 * H + u);
                const Vec<T> tanh_c = tanh<T>(access.read(c + u));
                const Vec<T> dh_u = access.read(dy + u) + access.read(dh + u);
                const Vec<T> dc_u = access.read(dc + u) + dh_u * o * (T(1) - tanh_c * tanh_c);
                access.write(dz + u, dc_u * g * i * (T(1) - i));
                access.write(dz + H + u, dc_u * access.read(c_before + u) * f * (T(1) - f));
                access.write(dz + 2 * H + u, dc_u * i * (T(1) - g * g));
                access.write(dz + 3 * H + u, dh_u * tanh_c * o * (T(1) - o));
                access.write(dc + u, dc_u * f);
            });
        }
    }

    void sums(Range chunk) const {
        const Outer<T> products[] = {
            {gradients.x, s.d, 0, 4 * s.h, a.dw_x, 4 * s.h},
            {a.h + chunk.first * s.n * s.h, s.h, 0, 4 * s.h, a.dw_h, 4 * s.h},
        };
        const ColumnSums<T> sums[] = {{0, 4 * s.h, a.db}};
        gradients.add(chunk, products, sums);
    }
};

}  // namespace

template <class T>
Index lstm_forward_scratch(const RecurrentShape& s, int threads) noexcept {
    Index size;
    Forward<T>(s, {}, threads, Carver<T>{nullptr}, &size);
    return size;
}

template <class T>
Index lstm_backward_scratch(const RecurrentShape& s, int threads) noexcept {
    Index size;
    Backward<T>(s, {}, threads, Carver<T>{nullptr}, &size);
    return size;
}

template <class T>
void lstm_forward(const RecurrentShape& s, const LstmForward<T>& a, T* scratch,
                  int threads) noexcept {
    const Index state = s.n * s.h;
    const Forward<T> cell(s, a, threads, Carver<T>{scratch});
    std::copy_n(a.h0, state, a.h);
    std::copy_n(a.c0, state, a.c);
    run_team(threads, [&] {
        cell.w_x.pack();
        cell.w_h.pack();
        run_forward(cell.split, cell);
    });
    std::copy_n(a.h + s.t * state, state, a.h_n);
    std::copy_n(a.c + s.t * state, state, a.c_n);
}

template <class T>
void lstm_backward(const RecurrentShape& s, const LstmBackward<T>& a, T* scratch,
                   int threads) noexcept {
    const Backward<T> cell(s, a, threads, Carver<T>{scratch});
    std::copy_n(a.dh_n, s.n * s.h, a.dh0);
    std::copy_n(a.dc_n, s.n * s.h, a.dc0);
    std::fill_n(a.dw_x, s.d * 4 * s.h, T(0));
    std::fill_n(a.dw_h, s.h * 4 * s.h, T(0));
    std::fill_n(a.db, 4 * s.h, T(0));
    run_team(threads, [&] {
        cell.w_h.pack();
        cell.gradients.w_x.pack();
        run_backward(cell.split, cell.gradients, cell);
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index lstm_forward_scratch<T>(const RecurrentShape&, int) noexcept;                   \
    template Index lstm_backward_scratch<T>(const RecurrentShape&, int) noexcept;                  \
    template void lstm_forward(const RecurrentShape&, const LstmForward<T>&, T*, int) noexcept;    \
    template void lstm_backward(const RecurrentShape&, const LstmBackward<T>&, T*, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

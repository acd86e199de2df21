#include "kernels/recurrent_rnn.h"

#include "kernels/recurrent_run.h"
#include "kernels/vector_math.h"

namespace diglot {

using namespace recurrent;

namespace {

template <class T>
struct Forward {
    static constexpr int phases = 1;
    RecurrentShape s;
    RnnForward<T> a;
    Split<T> split;
    PackedWeights<T> w_x, w_h;

    Forward(const RecurrentShape& s, const RnnForward<T>& a, int threads, Carver<T> scratch,
            Index* size = nullptr)
        : s(s),
          a(a),
          split(s, 1, threads),
          w_x({a.w_x, s.h, 1}, s.d, 1, s.h, split.unit_parts(), scratch),
          w_h({a.w_h, s.h, 1}, s.h, 1, s.h, split.unit_parts(), scratch) {
        if (size) *size = scratch.used;
    }

    void input(Range steps, const Share& share) const {
        input_part(s, a.x, w_x, a.b, steps, share, a.h + s.n * s.h, s.h);
    }

    void step(int, Index t, const Share& share) const {
        const Range rows = share.rows;
        const T* const before = a.h + (t * s.n + rows.first) * s.h;
        T* const after = a.h + ((t + 1) * s.n + rows.first) * s.h;
        w_h.multiply(rows.size(), {before, s.h, 1}, share.unit_part, 0, nullptr, true, after, s.h);
        const auto apply = [&](auto f) {
            for (Index n = rows.first; n < rows.end; ++n) {
                T* const h = after + (n - rows.first) * s.h;
                T* const y = a.y + (n * s.t + t) * s.h;
                over_units<T>(share.units, [=](Index u, auto access) {
                    const Vec<T> h_u = f(access.read(h + u));
                    access.write(h + u, h_u);
                    access.write(y + u, h_u);
                });
            }
        };
        if (a.relu)
            apply([](Vec<T> z) { return z <= T(0) ? Vec<T>{} : z; });
        else
            apply([](Vec<T> z) { return tanh<T>(z); });
    }
};

template <class T>
struct Backward {
    static constexpr int phases = 2;
    RecurrentShape s;
    RnnBackward<T> a;
    Split<T> split;
    PackedWeights<T> w_h;  // transposed
    Gradients<T> gradients;

    Backward(const RecurrentShape& s, const RnnBackward<T>& a, int threads, Carver<T> scratch,
             Index* size = nullptr)
        : s(s),
          a(a),
          split(s, 1, threads),
          w_h({a.w_h, 1, s.h}, s.h, 1, s.h, split.unit_parts(), scratch),
          gradients(s, a.x, a.w_x, 1, 1, a.dx, threads, scratch) {
        if (size) *size = scratch.used;
    }

    void step(int phase, Range chunk, Index t, const Share& share) const {
        const Range rows = share.rows;
        if (phase == 1) {
            w_h.multiply(rows.size(), {gradients.row(chunk, t, rows.first), gradients.stride, 1},
                         share.unit_part, 0, nullptr, false, a.dh0 + rows.first * s.h, s.h);
            return;
        }
        const auto apply = [&](auto f) {
            for (Index n = rows.first; n < rows.end; ++n) {
                const T* const h = a.h + ((t + 1) * s.n + n) * s.h;
                const T *const dh = a.dh0 + n * s.h, *const dy = a.dy + (n * s.t + t) * s.h;
                T* const dz = gradients.row(chunk, t, n);
                over_units<T>(share.units, [=](Index u, auto access) {
                    access.write(dz + u,
                                 f(access.read(dy + u) + access.read(dh + u), access.read(h + u)));
                });
            }
        };
        if (a.relu)
            apply([](Vec<T> g, Vec<T> h) { return h <= T(0) ? Vec<T>{} : g; });
        else
            apply([](Vec<T> g, Vec<T> h) { return g * (T(1) - h * h); });
    }

    void sums(Range chunk) const {
        const Outer<T> products[] = {
            {gradients.x, s.d, 0, s.h, a.dw_x, s.h},
            {a.h + chunk.first * s.n * s.h, s.h, 0, s.h, a.dw_h, s.h},
        };
        const ColumnSums<T> sums[] = {{0, s.h, a.db}};
        gradients.add(chunk, products, sums);
    }
};

}  // namespace

template <class T>
Index rnn_forward_scratch(const RecurrentShape& s, int threads) noexcept {
    Index size;
    Forward<T>(s, {}, threads, Carver<T>{nullptr}, &size);
    return size;
}

template <class T>
Index rnn_backward_scratch(const RecurrentShape& s, int threads) noexcept {
    Index size;
    Backward<T>(s, {}, threads, Carver<T>{nullptr}, &size);
    return size;
}

template <class T>
void rnn_forward(const RecurrentShape& s, const RnnForward<T>& a, T* scratch,
                 int threads) noexcept {
    const Forward<T> cell(s, a, threads, Carver<T>{scratch});
    std::copy_n(a.h0, s.n * s.h, a.h);
    run_team(threads, [&] {
        cell.w_x.pack();
        cell.w_h.pack();
        run_forward(cell.split, cell);
    });
    std::copy_n(a.h + s.t * s.n * s.h, s.n * s.h, a.h_n);
}

template <class T>
void rnn_backward(const RecurrentShape& s, const RnnBackward<T>& a, T* scratch,
                  int threads) noexcept {
    const Backward<T> cell(s, a, threads, Carver<T>{scratch});
    std::copy_n(a.dh_n, s.n * s.h, a.dh0);
    std::fill_n(a.dw_x, s.d * s.h, T(0));
    std::fill_n(a.dw_h, s.h * s.h, T(0));
    std::fill_n(a.db, s.h, T(0));
    run_team(threads, [&] {
        cell.w_h.pack();
        cell.gradients.w_x.pack();
        run_backward(cell.split, cell.gradients, cell);
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index rnn_forward_scratch<T>(const RecurrentShape&, int) noexcept;                    \
    template Index rnn_backward_scratch<T>(const RecurrentShape&, int) noexcept;                   \
    template void rnn_forward(const RecurrentShape&, const RnnForward<T>&, T*, int) noexcept;      \
    template void rnn_backward(const RecurrentShape&, const RnnBackward<T>&, T*, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

#include "kernels/recurrent_gru.h"

#include "kernels/recurrent_run.h"
#include "kernels/vector_math.h"

namespace diglot {

using namespace recurrent;

namespace {

template <class T>
struct Forward {
    RecurrentShape s;
    GruForward<T> a;
    int phases;
    Split<T> split;
    PackedWeights<T> w_x, w_h;

    Forward(const RecurrentShape& s, const GruForward<T>& a, int threads, Carver<T> scratch,
            Index* size = nullptr)
        : s(s),
          a(a),
          phases(a.reset_after ? 1 : 2),
          split(s, 3, threads),
          w_x({a.w_x, 3 * s.h, 1}, s.d, 3, s.h, split.unit_parts(), scratch),
          w_h({a.w_h, 3 * s.h, 1}, s.h, 3, s.h, split.unit_parts(), scratch) {
        if (size) *size = scratch.used;
    }

    void input(Range steps, const Share& share) const {
        input_part(s, a.x, w_x, a.b_x, steps, share, a.gates, 3 * s.h);
    }

    // to (+)= from w_h + b_h, for one gate and a share's rows of a step.
    void product(Index gate, Index t, const Share& share, const T* from, bool add, T* to,
                 Index stride) const {
        const Index first = t * s.n + share.rows.first;
        w_h.multiply(share.rows.size(), {from + first * s.h, s.h, 1}, share.unit_part, gate, a.b_h,
                     add, to + first * stride, stride);
    }

    void step(int phase, Index t, const Share& share) const {
        const Index H = s.h;
        if (phase == 0) {
            product(0, t, share, a.h, true, a.gates, 3 * H);
            product(1, t, share, a.h, true, a.gates + H, 3 * H);
        }
        if (a.reset_after) {
            product(2, t, share, a.h, false, a.m, H);
            each(t, share, [=](T* gates, const T* h, T* m, T* next, T* y) {
                return [=](Index u, auto access) {
                    const Vec<T> r = sigmoid<T>(access.read(gates + u));
                    const Vec<T> n =
                        tanh<T>(access.read(gates + 2 * H + u) + r * access.read(m + u));
                    access.write(gates + u, r);
                    finish(access, u, gates, h, n, next, y);
                };
            });
        } else if (phase == 0) {
            each(t, share, [=](T* gates, const T* h, T* m, T*, T*) {
                return [=](Index u, auto access) {
                    const Vec<T> r = sigmoid<T>(access.read(gates + u));
                    access.write(gates + u, r);
                    access.write(m + u, r * access.read(h + u));
                };
            });
        } else {
            product(2, t, share, a.m, true, a.gates + 2 * H, 3 * H);
            each(t, share, [=](T* gates, const T* h, T*, T* next, T* y) {
                return [=](Index u, auto access) {
                    finish(access, u, gates, h, tanh<T>(access.read(gates + 2 * H + u)), next, y);
                };
            });
        }
    }

    // z, and the next state between the candidate n and the state h.
    template <class Access>
    void finish(Access access, Index u, T* gates, const T* h, Vec<T> n, T* next, T* y) const {
        const Vec<T> z = sigmoid<T>(access.read(gates + s.h + u));
        const Vec<T> h_u = (T(1) - z) * n + z * access.read(h + u);
        access.write(gates + s.h + u, z);
        access.write(gates + 2 * s.h + u, n);
        access.write(next + u, h_u);
        access.write(y + u, h_u);
    }

    // make(gates, h, m, the next h, y) gives a function of the units of a row.
    template <class Make>
    void each(Index t, const Share& share, Make make) const {
        for (Index n = share.rows.first; n < share.rows.end; ++n) {
            const Index row = t * s.n + n;
            over_units<T>(share.units,
                          make(a.gates + row * 3 * s.h, a.h + row * s.h, a.m + row * s.h,
                               a.h + (row + s.n) * s.h, a.y + (n * s.t + t) * s.h));
        }
    }
};

// The rows of `gradients` hold a_r, a_z, a_n and, if reset_after, q.
template <class T>
struct Backward {
    RecurrentShape s;
    GruBackward<T> a;
    int phases;
    Split<T> split;
    PackedWeights<T> w_n, w_rz;  // w_h transposed, in two parts
    T* dm;
    Gradients<T> gradients;

    Backward(const RecurrentShape& s, const GruBackward<T>& a, int threads, Carver<T> scratch,
             Index* size = nullptr)
        : s(s),
          a(a),
          phases(a.reset_after ? 2 : 3),
          split(s, 3, threads),
          w_n({a.w_h + 2 * s.h, 1, 3 * s.h}, s.h, 1, s.h, split.unit_parts(), scratch),
          w_rz({a.w_h, 1, 3 * s.h}, 2 * s.h, 1, s.h, split.unit_parts(), scratch),
          dm(scratch.take(s.n * s.h)),
          gradients(s, a.x, a.w_x, 3, 4, a.dx, threads, scratch) {
        if (size) *size = scratch.used;
    }
    Index q() const { return (a.reset_after ? 3 : 2) * s.h; }

    // to (+)= some columns of a step's gradients times the weights, for a share's rows.
    void product(const PackedWeights<T>& w, Index column, Range chunk, Index t, const Share& share,
                 bool add, T* to) const {
        const Index first = share.rows.first;
        w.multiply(share.rows.size(),
                   {gradients.row(chunk, t, first) + column, gradients.stride, 1}, share.unit_part,
                   0, nullptr, add, to + first * s.h, s.h);
    }

    void step(int phase, Range chunk, Index t, const Share& share) const {
        const Index H = s.h;
        if (phase == 0) {
            each(chunk, t, share,
                 [&](const T* gates, const T* h, const T* m, const T* dy, T* dh, T*, T* to) {
                     const bool reset_after = a.reset_after;
                     return [=](Index u, auto access) {
                         const Vec<T> r = access.read(gates + u), z = access.read(gates + H + u);
                         const Vec<T> n = access.read(gates + 2 * H + u);
                         const Vec<T> dh_u = access.read(dy + u) + access.read(dh + u);
                         const Vec<T> a_n = dh_u * (T(1) - z) * (T(1) - n * n);
                         access.write(to + H + u, dh_u * (access.read(h + u) - n) * z * (T(1) - z));
                         access.write(to + 2 * H + u, a_n);
                         access.write(dh + u, dh_u * z);
                         if (!reset_after) return;
                         access.write(to + u, a_n * access.read(m + u) * r * (T(1) - r));
                         access.write(to + 3 * H + u, a_n * r);
                     };
                 });
        } else if (phase == 1 && !a.reset_after) {
            product(w_n, 2 * H, chunk, t, share, false, dm);
            each(chunk, t, share,
                 [&](const T* gates, const T* h, const T*, const T*, T* dh, T* dm, T* to) {
                     return [=](Index u, auto access) {
                         const Vec<T> r = access.read(gates + u), dm_u = access.read(dm + u);
                         access.write(to + u, dm_u * access.read(h + u) * r * (T(1) - r));
                         access.write(dh + u, access.read(dh + u) + dm_u * r);
                     };
                 });
        } else {
            if (a.reset_after) product(w_n, q(), chunk, t, share, true, a.dh0);
            product(w_rz, 0, chunk, t, share, true, a.dh0);
        }
    }

    // make(gates, h, m, dy, dh, dm, row of gradients) gives a function of the units of a row.
    template <class Make>
    void each(Range chunk, Index t, const Share& share, Make make) const {
        for (Index n = share.rows.first; n < share.rows.end; ++n) {
            const Index row = t * s.n + n;
            over_units<T>(share.units,
                          make(a.gates + row * 3 * s.h, a.h + row * s.h, a.m + row * s.h,
                               a.dy + (n * s.t + t) * s.h, a.dh0 + n * s.h, dm + n * s.h,
                               gradients.row(chunk, t, n)));
        }
    }

    void sums(Range chunk) const {
        const Index H = s.h, first = chunk.first * s.n * H;
        const Outer<T> products[] = {
            {gradients.x, s.d, 0, 2 * H, a.dw_x, 3 * H},
            {a.h + first, H, 0, 2 * H, a.dw_h, 3 * H},
            {gradients.x, s.d, 2 * H, H, a.dw_x + 2 * H, 3 * H},
            {(a.reset_after ? a.h : a.m) + first, H, q(), H, a.dw_h + 2 * H, 3 * H},
        };
        const ColumnSums<T> sums[] = {
            {0, 3 * H, a.db_x}, {0, 2 * H, a.db_h}, {q(), H, a.db_h + 2 * H}};
        gradients.add(chunk, products, sums);
    }
};

}  // namespace

template <class T>
Index gru_forward_scratch(const RecurrentShape& s, int threads) noexcept {
    Index size;
    Forward<T>(s, {}, threads, Carver<T>{nullptr}, &size);
    return size;
}

template <class T>
Index gru_backward_scratch(const RecurrentShape& s, int threads) noexcept {
    Index size;
    Backward<T>(s, {}, threads, Carver<T>{nullptr}, &size);
    return size;
}

template <class T>
void gru_forward(const RecurrentShape& s, const GruForward<T>& a, T* scratch,
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
void gru_backward(const RecurrentShape& s, const GruBackward<T>& a, T* scratch,
                  int threads) noexcept {
    const Backward<T> cell(s, a, threads, Carver<T>{scratch});
    std::copy_n(a.dh_n, s.n * s.h, a.dh0);
    std::fill_n(a.dw_x, s.d * 3 * s.h, T(0));
    std::fill_n(a.dw_h, s.h * 3 * s.h, T(0));
    std::fill_n(a.db_x, 3 * s.h, T(0));
    std::fill_n(a.db_h, 3 * s.h, T(0));
    run_team(threads, [&] {
        cell.w_n.pack();
        cell.w_rz.pack();
        cell.gradients.w_x.pack();
        run_backward(cell.split, cell.gradients, cell);
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index gru_forward_scratch<T>(const RecurrentShape&, int) noexcept;                    \
    template Index gru_backward_scratch<T>(const RecurrentShape&, int) noexcept;                   \
    template void gru_forward(const RecurrentShape&, const GruForward<T>&, T*, int) noexcept;      \
    template void gru_backward(const RecurrentShape&, const GruBackward<T>&, T*, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

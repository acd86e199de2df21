// The ladder of long short-term memory: one function, written again and again, each time faster.
//
//     z_i, z_f, z_g, z_o = the four blocks of x_t w_x + h_{t-1} w_h + b
//     c_t = sigmoid(z_f) c_{t-1} + sigmoid(z_i) tanh(z_g),    h_t = sigmoid(z_o) tanh(c_t)
//
// with x (N, T, D), h0 and c0 (N, H), w_x (D, 4H), w_h (H, 4H), b (4H,). The result y (N, T, H) is
// the state h after each step, so that the state before a step is found there, too. A rung is one
// file of csrc/ladder/lstm and differs from the one before by one idea. Each rung is right for every
// shape. What a library needs besides (what the way back must know, batches of a few rows) is in
// csrc/kernels/lstm.h.
#pragma once

#include <cmath>

#include "kernels/recurrent.h"

namespace diglot::ladder {

template <class T>
struct Lstm {
    RecurrentShape s;
    const T *x, *h0, *c0, *w_x, *w_h, *b;
    T* y;

    const T* input(Index n, Index t) const { return x + (n * s.t + t) * s.d; }
    T* output(Index n, Index t) const { return y + (n * s.t + t) * s.h; }
    const T* before(Index n, Index t) const { return t ? output(n, t - 1) : h0 + n * s.h; }
};

// One step of one unit, a number at a time: changes c, gives h.
template <class T>
inline T unit_step(T z_i, T z_f, T z_g, T z_o, T& c) {
    const auto sigmoid = [](T z) { return 1 / (1 + std::exp(-z)); };
    c = sigmoid(z_f) * c + sigmoid(z_i) * std::tanh(z_g);
    return sigmoid(z_o) * std::tanh(c);
}

// Elements of scratch memory for a number of threads; one thread is all that most rungs use.
#define DIGLOT_LSTM_RUNG(name)                                                                     \
    template <class T>                                                                             \
    Index lstm_##name##_scratch(const RecurrentShape& s, int threads) noexcept;                    \
    template <class T>                                                                             \
    void lstm_##name(const Lstm<T>& a, T* scratch, int threads) noexcept;
DIGLOT_LSTM_RUNG(naive)
DIGLOT_LSTM_RUNG(loop_order)
DIGLOT_LSTM_RUNG(batch)
DIGLOT_LSTM_RUNG(vector_gates)
DIGLOT_LSTM_RUNG(prepacked)
DIGLOT_LSTM_RUNG(threads)
#undef DIGLOT_LSTM_RUNG

}  // namespace diglot::ladder

// Ends a rung's file: compiles the rung for float and double.
#define DIGLOT_COMPILE_LSTM_FOR(name, T)                                                           \
    template Index lstm_##name##_scratch<T>(const RecurrentShape&, int) noexcept;                  \
    template void lstm_##name(const Lstm<T>&, T*, int) noexcept;
#define DIGLOT_COMPILE_LSTM(name)                                                                  \
    DIGLOT_COMPILE_LSTM_FOR(name, float) DIGLOT_COMPILE_LSTM_FOR(name, double)

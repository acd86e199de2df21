// Long short-term memory (recurrent.h tells how it runs):
//
//     i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of the four blocks of x_t w_x + h_{t-1} w_h + b
//     c_t = f c_{t-1} + i g,    h_t = o tanh(c_t)
//
// with x (N, T, D), w_x (D, 4H), w_h (H, 4H), b (4H,), y (N, T, H); the states h and c (T + 1, N, H),
// which begin with h0 and c0, and the gates (T, N, 4H) as they are after their functions. Backward,
// from t = T to 1, with dh_T = dh_n and dc_T = dc_n:
//
//     dh = dy_t + dh_t,    dc = dc_t + dh o (1 - tanh(c_t)^2),    dc_{t-1} = dc f
//     dz = dc g i (1 - i), dc c_{t-1} f (1 - f), dc i (1 - g^2), dh tanh(c_t) o (1 - o)
//     dh_{t-1} = dz w_h^T,    dx_t = dz w_x^T,    dw_x, dw_h, db: the sums of x^T dz, h^T dz, dz
//
// Taught step by step in csrc/ladder/lstm (docs/ladder.md), from four dot products for each unit on.
#pragma once

#include "kernels/recurrent.h"

namespace diglot {

template <class T>
struct LstmForward {
    const T *x, *h0, *c0, *w_x, *w_h, *b;
    T *y, *h_n, *c_n, *h, *c, *gates;
};

template <class T>
struct LstmBackward {
    const T *dy, *dh_n, *dc_n, *x, *w_x, *w_h, *h, *c, *gates;
    T *dx, *dh0, *dc0, *dw_x, *dw_h, *db;
};

// Elements of scratch, for so many threads.
template <class T>
Index lstm_forward_scratch(const RecurrentShape& shape, int threads) noexcept;
template <class T>
Index lstm_backward_scratch(const RecurrentShape& shape, int threads) noexcept;

template <class T>
void lstm_forward(const RecurrentShape& shape, const LstmForward<T>& arrays, T* scratch,
                  int threads) noexcept;
template <class T>
void lstm_backward(const RecurrentShape& shape, const LstmBackward<T>& arrays, T* scratch,
                   int threads) noexcept;

}  // namespace diglot

// The plain recurrent network (recurrent.h tells how it runs):
//
//     h_t = f(x_t w_x + h_{t-1} w_h + b),    f = tanh or relu
//
// with x (N, T, D), w_x (D, H), w_h (H, H), b (H,), y (N, T, H) and the states h (T + 1, N, H), of
// which h[0] is h0. Backward, from t = T to 1, with dh_T = dh_n:
//
//     dz_t = (dy_t + dh_t) f'(z_t),    dh_{t-1} = dz_t w_h^T
//     dx_t = dz_t w_x^T,    dw_x = sum_t x_t^T dz_t,    dw_h = sum_t h_{t-1}^T dz_t,    db = sum dz
#pragma once

#include "kernels/recurrent.h"

namespace diglot {

template <class T>
struct RnnForward {
    const T *x, *h0, *w_x, *w_h, *b;
    bool relu;
    T *y, *h_n, *h;
};

template <class T>
struct RnnBackward {
    const T *dy, *dh_n, *x, *w_x, *w_h, *h;
    bool relu;
    T *dx, *dh0, *dw_x, *dw_h, *db;
};

// Elements of scratch, for so many threads.
template <class T>
Index rnn_forward_scratch(const RecurrentShape& shape, int threads) noexcept;
template <class T>
Index rnn_backward_scratch(const RecurrentShape& shape, int threads) noexcept;

template <class T>
void rnn_forward(const RecurrentShape& shape, const RnnForward<T>& arrays, T* scratch,
                 int threads) noexcept;
template <class T>
void rnn_backward(const RecurrentShape& shape, const RnnBackward<T>& arrays, T* scratch,
                  int threads) noexcept;

}  // namespace diglot

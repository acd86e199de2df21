// The gated recurrent unit (recurrent.h tells how it runs):
//
//     r = sigmoid(x w_xr + b_xr + h w_hr + b_hr),    z = sigmoid(x w_xz + b_xz + h w_hz + b_hz)
//     n = tanh(x w_xn + b_xn + r m),    m = h w_hn + b_hn              if reset_after
//     n = tanh(x w_xn + b_xn + m w_hn + b_hn),    m = r h              if not
//     h_t = (1 - z) n + z h_{t-1}
//
// with x (N, T, D), w_x (D, 3H), w_h (H, 3H), b_x and b_h (3H,), y (N, T, H); the states h
// (T + 1, N, H), which begin with h0; the gates r, z, n (T, N, 3H) and m (T, N, H). Backward, from
// t = T to 1, with dh_T = dh_n, a_r, a_z, a_n the gradients of what the functions are applied to:
//
//     dh = dy_t + dh_t,    a_n = dh (1 - z) (1 - n^2),    a_z = dh (h_{t-1} - n) z (1 - z)
//     if reset_after:  q = a_n r,    a_r = a_n m r (1 - r),    dm = 0,    dh_{t-1} = q w_hn^T + ...
//     if not:          q = a_n,      dm = a_n w_hn^T,    a_r = dm h r (1 - r),    ... = dm r + ...
//     ... = dh z + a_r w_hr^T + a_z w_hz^T
//     dx_t = (a_r, a_z, a_n) w_x^T
//     dw_x, dw_h: the sums of x^T (a_r, a_z, a_n), h^T (a_r, a_z), and (h or m)^T q
#pragma once

#include "kernels/recurrent.h"

namespace diglot {

template <class T>
struct GruForward {
    const T *x, *h0, *w_x, *w_h, *b_x, *b_h;
    bool reset_after;
    T *y, *h_n, *h, *gates, *m;
};

template <class T>
struct GruBackward {
    const T *dy, *dh_n, *x, *w_x, *w_h, *h, *gates, *m;
    bool reset_after;
    T *dx, *dh0, *dw_x, *dw_h, *db_x, *db_h;
};

// Elements of scratch, for so many threads.
template <class T>
Index gru_forward_scratch(const RecurrentShape& shape, int threads) noexcept;
template <class T>
Index gru_backward_scratch(const RecurrentShape& shape, int threads) noexcept;

template <class T>
void gru_forward(const RecurrentShape& shape, const GruForward<T>& arrays, T* scratch,
                 int threads) noexcept;
template <class T>
void gru_backward(const RecurrentShape& shape, const GruBackward<T>& arrays, T* scratch,
                  int threads) noexcept;

}  // namespace diglot

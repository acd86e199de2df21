// The optimizers' steps, in place: one pass over the parameters, their gradients and their state.
// Where weight_decay is set, g = grad + weight_decay * param stands for the gradient.
//
//     sgd:           param -= lr g
//     sgd_momentum:  v = momentum v + lr g;  param -= v    (nesterov: param -= momentum v + lr g)
//     adagrad:       s += g^2;  param -= lr g / (sqrt s + eps)
//     rmsprop:       s = decay s + (1 - decay) g^2;  param -= lr g / (sqrt s + eps)
//     adam:          m = beta1 m + (1 - beta1) g;  s = beta2 s + (1 - beta2) g^2
//                    param -= lr (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + eps)
//                    (decoupled: param -= lr weight_decay param first, and g = grad)
#pragma once

#include "kernels/view.h"

namespace diglot {

template <class T>
void sgd_inplace(View<T, 1> param, View<const T, 1> grad, double lr, double weight_decay) noexcept;

template <class T>
void sgd_momentum_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> velocity, double lr,
                          double momentum, bool nesterov, double weight_decay) noexcept;

template <class T>
void adagrad_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> sum_squares, double lr,
                     double eps, double weight_decay) noexcept;

template <class T>
void rmsprop_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> mean_squares, double lr,
                     double decay, double eps, double weight_decay) noexcept;

struct AdamSettings {
    double lr, beta1, beta2, eps, weight_decay;
    bool decoupled;
    Index step;  // counts from 1
};

template <class T>
void adam_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> mean, View<T, 1> mean_squares,
                  const AdamSettings& settings) noexcept;

}  // namespace diglot

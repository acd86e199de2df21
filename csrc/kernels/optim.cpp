#include "kernels/optim.h"

#include <cmath>

#include "kernels/elementwise.h"

namespace diglot {

namespace {

// update(i) for every element. The loop is plain, so the compiler writes the vector instructions,
// the square root's among them.
template <class Update>
void for_each_element(Index size, Update update) noexcept {
    const Index blocks = elementwise_blocks(size);
#pragma omp parallel for num_threads(team_size(blocks, size)) schedule(static)
    for (Index block = 0; block < blocks; ++block) {
        const Index end = std::min(size, (block + 1) * elementwise_block);
#pragma omp simd
        for (Index i = block * elementwise_block; i < end; ++i) update(i);
    }
}

}  // namespace

template <class T>
void sgd_inplace(View<T, 1> param, View<const T, 1> grad, double lr, double weight_decay) noexcept {
    const T rate = T(lr), decay = T(weight_decay);
    T* const p = param.data;
    const T* const g = grad.data;
    for_each_element(param.size(), [=](Index i) { p[i] -= rate * (g[i] + decay * p[i]); });
}

template <class T>
void sgd_momentum_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> velocity, double lr,
                          double momentum, bool nesterov, double weight_decay) noexcept {
    const T rate = T(lr), inertia = T(momentum), decay = T(weight_decay);
    T *const p = param.data, *const v = velocity.data;
    const T* const g = grad.data;
    if (nesterov)
        for_each_element(param.size(), [=](Index i) {
            const T step = rate * (g[i] + decay * p[i]);
            v[i] = inertia * v[i] + step;
            p[i] -= inertia * v[i] + step;
        });
    else
        for_each_element(param.size(), [=](Index i) {
            v[i] = inertia * v[i] + rate * (g[i] + decay * p[i]);
            p[i] -= v[i];
        });
}

template <class T>
void adagrad_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> sum_squares, double lr,
                     double eps, double weight_decay) noexcept {
    const T rate = T(lr), tiny = T(eps), decay = T(weight_decay);
    T *const p = param.data, *const s = sum_squares.data;
    const T* const grads = grad.data;
    for_each_element(param.size(), [=](Index i) {
        const T g = grads[i] + decay * p[i];
        s[i] += g * g;
        p[i] -= rate * g / (std::sqrt(s[i]) + tiny);
    });
}

template <class T>
void rmsprop_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> mean_squares, double lr,
                     double decay, double eps, double weight_decay) noexcept {
    const T rate = T(lr), kept = T(decay), fresh = T(1 - decay), tiny = T(eps);
    const T shrink = T(weight_decay);
    T *const p = param.data, *const s = mean_squares.data;
    const T* const grads = grad.data;
    for_each_element(param.size(), [=](Index i) {
        const T g = grads[i] + shrink * p[i];
        s[i] = kept * s[i] + fresh * g * g;
        p[i] -= rate * g / (std::sqrt(s[i]) + tiny);
    });
}

template <class T>
void adam_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> mean, View<T, 1> mean_squares,
                  const AdamSettings& a) noexcept {
    const T beta1 = T(a.beta1), beta2 = T(a.beta2), eps = T(a.eps);
    const T fresh1 = T(1 - a.beta1), fresh2 = T(1 - a.beta2);
    // The corrections as factors: one division an element instead of three.
    const T rate = T(a.lr / (1 - std::pow(a.beta1, double(a.step))));
    const T correction = T(1 / (1 - std::pow(a.beta2, double(a.step))));
    const T shrink = a.decoupled ? T(a.lr * a.weight_decay) : T(0);
    const T decay = a.decoupled ? T(0) : T(a.weight_decay);
    T *const p = param.data, *const m = mean.data, *const s = mean_squares.data;
    const T* const grads = grad.data;
    for_each_element(param.size(), [=](Index i) {
        const T before = p[i] - shrink * p[i];
        const T g = grads[i] + decay * before;
        m[i] = beta1 * m[i] + fresh1 * g;
        s[i] = beta2 * s[i] + fresh2 * g * g;
        p[i] = before - rate * m[i] / (std::sqrt(s[i] * correction) + eps);
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void sgd_inplace(View<T, 1>, View<const T, 1>, double, double) noexcept;              \
    template void sgd_momentum_inplace(View<T, 1>, View<const T, 1>, View<T, 1>, double, double,   \
                                       bool, double) noexcept;                                     \
    template void adagrad_inplace(View<T, 1>, View<const T, 1>, View<T, 1>, double, double,        \
                                  double) noexcept;                                                \
    template void rmsprop_inplace(View<T, 1>, View<const T, 1>, View<T, 1>, double, double,        \
                                  double, double) noexcept;                                        \
    template void adam_inplace(View<T, 1>, View<const T, 1>, View<T, 1>, View<T, 1>,               \
                               const AdamSettings&) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

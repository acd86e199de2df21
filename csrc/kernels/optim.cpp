#include "kernels/optim.h"

#include <array>
#include <cmath>

#include "kernels/elementwise.h"

namespace diglot {

namespace {

// update(p, g, s) on registers of the parameters, their gradients and each of the states, for
// first <= i < end. p and s come back changed.
template <class T, std::size_t States, class Update>
[[gnu::flatten]] inline void update_block(Index first, Index end, T* param, const T* grad,
                                          const std::array<T*, States>& states, Update update) {
    const auto step = [&](Index i, auto read, auto write) {
        Vec<T> p = read(param + i), s[States + 1];
        for (int k = 0; k < int(States); ++k) s[k] = read(states[k] + i);
        update(p, read(grad + i), s);
        write(param + i, p);
        for (int k = 0; k < int(States); ++k) write(states[k] + i, s[k]);
    };
    Index i = first;
    for (; i + lanes<T> <= end; i += lanes<T>)
        step(i, [](const T* from) { return load(from); }, [](T* to, Vec<T> v) { store(to, v); });
    const Index rest = end - i;
    if (rest)
        step(
            i, [rest](const T* from) { return load_part(from, rest, T(0)); },
            [rest](T* to, Vec<T> v) { store_part(to, v, rest); });
}

template <class T, std::size_t States, class Update>
void update_all(View<T, 1> param, View<const T, 1> grad, std::array<T*, States> states,
                Update update) noexcept {
    const Index size = param.size();
    share_out(elementwise_blocks(size), size, [&](Index block) {
        const Index first = block * elementwise_block;
        update_block(first, std::min(size, first + elementwise_block), param.data, grad.data,
                     states, update);
    });
}

}  // namespace

template <class T>
void sgd_inplace(View<T, 1> param, View<const T, 1> grad, double lr, double weight_decay) noexcept {
    const T rate = T(lr), decay = T(weight_decay);
    update_all(param, grad, std::array<T*, 0>{},
               [=](Vec<T>& p, Vec<T> g, Vec<T>*) { p -= rate * (g + decay * p); });
}

template <class T>
void sgd_momentum_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> velocity, double lr,
                          double momentum, bool nesterov, double weight_decay) noexcept {
    const T rate = T(lr), inertia = T(momentum), decay = T(weight_decay);
    const std::array<T*, 1> states{velocity.data};
    if (nesterov)
        update_all(param, grad, states, [=](Vec<T>& p, Vec<T> g, Vec<T>* v) {
            const Vec<T> step = rate * (g + decay * p);
            v[0] = inertia * v[0] + step;
            p -= inertia * v[0] + step;
        });
    else
        update_all(param, grad, states, [=](Vec<T>& p, Vec<T> g, Vec<T>* v) {
            v[0] = inertia * v[0] + rate * (g + decay * p);
            p -= v[0];
        });
}

template <class T>
void adagrad_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> sum_squares, double lr,
                     double eps, double weight_decay) noexcept {
    const T rate = T(lr), tiny = T(eps), decay = T(weight_decay);
    const std::array<T*, 1> states{sum_squares.data};
    update_all(param, grad, states, [=](Vec<T>& p, Vec<T> grad, Vec<T>* s) {
        const Vec<T> g = grad + decay * p;
        s[0] += g * g;
        p -= rate * g / (square_root<T>(s[0]) + tiny);
    });
}

template <class T>
void rmsprop_inplace(View<T, 1> param, View<const T, 1> grad, View<T, 1> mean_squares, double lr,
                     double decay, double eps, double weight_decay) noexcept {
    const T rate = T(lr), kept = T(decay), fresh = T(1 - decay), tiny = T(eps);
    const T shrink = T(weight_decay);
    const std::array<T*, 1> states{mean_squares.data};
    update_all(param, grad, states, [=](Vec<T>& p, Vec<T> grad, Vec<T>* s) {
        const Vec<T> g = grad + shrink * p;
        s[0] = kept * s[0] + fresh * g * g;
        p -= rate * g / (square_root<T>(s[0]) + tiny);
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
    const std::array<T*, 2> states{mean.data, mean_squares.data};
    update_all(param, grad, states, [=](Vec<T>& p, Vec<T> grad, Vec<T>* s) {
        const Vec<T> before = p - shrink * p, g = grad + decay * before;
        s[0] = beta1 * s[0] + fresh1 * g;
        s[1] = beta2 * s[1] + fresh2 * g * g;
        p = before - rate * s[0] / (square_root<T>(s[1] * correction) + eps);
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

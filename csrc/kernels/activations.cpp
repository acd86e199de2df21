#include "kernels/activations.h"

#include "kernels/elementwise.h"
#include "kernels/normal.h"
#include "kernels/softmax_row.h"
#include "kernels/vector_math.h"

namespace diglot {

namespace {
constexpr double memory_cost = 0.5, exp_cost = 2, normal_cost = 4;  // see team_size
}

template <class T>
void sigmoid_forward(View<const T, 1> x, View<T, 1> y) noexcept {
    map<T>(x, y, exp_cost, [](Vec<T> v) { return sigmoid<T>(v); });
}

template <class T>
void sigmoid_backward(View<const T, 1> dy, View<const T, 1> y, View<T, 1> dx) noexcept {
    map<T>(dy, y, dx, memory_cost, [](Vec<T> g, Vec<T> s) { return g * s * (T(1) - s); });
}

template <class T>
void tanh_forward(View<const T, 1> x, View<T, 1> y) noexcept {
    map<T>(x, y, exp_cost, [](Vec<T> v) { return tanh<T>(v); });
}

template <class T>
void tanh_backward(View<const T, 1> dy, View<const T, 1> y, View<T, 1> dx) noexcept {
    map<T>(dy, y, dx, memory_cost, [](Vec<T> g, Vec<T> t) { return g * (T(1) - t * t); });
}

template <class T>
void relu_forward(View<const T, 1> x, View<T, 1> y) noexcept {
    map<T>(x, y, memory_cost, [](Vec<T> v) { return v <= T(0) ? Vec<T>{} : v; });
}

template <class T>
void relu_backward(View<const T, 1> dy, View<const T, 1> y, View<T, 1> dx) noexcept {
    map<T>(dy, y, dx, memory_cost, [](Vec<T> g, Vec<T> r) { return r <= T(0) ? Vec<T>{} : g; });
}

template <class T>
void leaky_relu_forward(View<const T, 1> x, double negative_slope, View<T, 1> y) noexcept {
    const T slope = static_cast<T>(negative_slope);
    map<T>(x, y, memory_cost, [slope](Vec<T> v) { return v > T(0) ? v : v * slope; });
}

template <class T>
void leaky_relu_backward(View<const T, 1> dy, View<const T, 1> y, double negative_slope,
                         View<T, 1> dx) noexcept {
    const T slope = static_cast<T>(negative_slope);
    map<T>(dy, y, dx, memory_cost,
           [slope](Vec<T> g, Vec<T> r) { return r > T(0) ? g : g * slope; });
}

template <class T>
void gelu_forward(View<const T, 1> x, View<T, 1> y) noexcept {
    map<T>(x, y, normal_cost, [](Vec<T> v) { return gelu<T>(v); });
}

template <class T>
void gelu_backward(View<const T, 1> dy, View<const T, 1> x, View<T, 1> dx) noexcept {
    map<T>(dy, x, dx, normal_cost, [](Vec<T> g, Vec<T> v) { return g * gelu_slope<T>(v); });
}

template <class T>
void softmax_forward(View<const T, 2> x, View<T, 2> y) noexcept {
    const Index rows = x.shape[0], count = x.shape[1];
    share_out(rows, exp_cost * rows * count,
              [&](Index r) { softmax_row(x.at(r), count, y.at(r)); });
}

template <class T>
void softmax_backward(View<const T, 2> dy, View<const T, 2> y, View<T, 2> dx) noexcept {
    const Index rows = y.shape[0], count = y.shape[1];
    share_out(rows, memory_cost * rows * count, [&](Index r) {
        const T *g = dy.at(r), *p = y.at(r);
        T* to = dx.at(r);
        const Index rest = count % lanes<T>, whole = count - rest;
        const Vec<T> last_g = load_part(g + whole, rest, T(0));
        const Vec<T> last_p = load_part(p + whole, rest, T(0));
        Vec<T> sums = last_g * last_p;
        for (Index i = 0; i < whole; i += lanes<T>) sums += load(g + i) * load(p + i);
        const T sum = total<T>(sums);
        for (Index i = 0; i < whole; i += lanes<T>)
            store<T>(to + i, load(p + i) * (load(g + i) - sum));
        if (rest) store_part<T>(to + whole, last_p * (last_g - sum), rest);
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void sigmoid_forward(View<const T, 1>, View<T, 1>) noexcept;                          \
    template void sigmoid_backward(View<const T, 1>, View<const T, 1>, View<T, 1>) noexcept;       \
    template void tanh_forward(View<const T, 1>, View<T, 1>) noexcept;                             \
    template void tanh_backward(View<const T, 1>, View<const T, 1>, View<T, 1>) noexcept;          \
    template void relu_forward(View<const T, 1>, View<T, 1>) noexcept;                             \
    template void relu_backward(View<const T, 1>, View<const T, 1>, View<T, 1>) noexcept;          \
    template void leaky_relu_forward(View<const T, 1>, double, View<T, 1>) noexcept;               \
    template void leaky_relu_backward(View<const T, 1>, View<const T, 1>, double,                  \
                                      View<T, 1>) noexcept;                                        \
    template void gelu_forward(View<const T, 1>, View<T, 1>) noexcept;                             \
    template void gelu_backward(View<const T, 1>, View<const T, 1>, View<T, 1>) noexcept;          \
    template void softmax_forward(View<const T, 2>, View<T, 2>) noexcept;                          \
    template void softmax_backward(View<const T, 2>, View<const T, 2>, View<T, 2>) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

// gelu, x Phi(x), and its slope on Vec<T>: the normal distribution at a register of places. gelu
// stays within 2 units in the last place, in the far left tail, too.
//
// With t = |x| and the tail's part of the result, b(t) = t Phi(-t):
//
//     gelu(x) = max(x, 0) - b(t),                gelu'(x) = 1 - b'(t) for x > 0, else b'(t)
//     b(t) = e^(-t^2/2) t G(t),                  b'(t) = e^(-t^2/2) (G(t) - t / sqrt(2 pi))
//
// with G from a table. Where a rounding error would count more than once, it is caught and put back:
// that of t^2, which counts t^2 times, and that of e^(-t^2/2) G.
#pragma once

#include "kernels/lanes.h"
#include "kernels/normal_table.h"
#include "kernels/vector_math.h"

namespace diglot {

template <class T>
struct NormalTail {
    Vec<T> t;     // |x|, up to where the tail rounds to 0
    IntVec<T> n;  // e^(-t^2/2) = 2^n (1 + expm1_r)
    Vec<T> expm1_r;
    Vec<T> first, others;  // G(t) = first + others, the small part not yet added

    explicit NormalTail(Vec<T> x) {
        using M = MathConstants<T>;
        using Table = NormalTable<T>;
        t = at_most(abs<T>(x), Table::end);
        const Vec<T> square = t * t;
        const ReducedExp<T> e(square * T(-0.5), product_error<T>(t, t, square) * T(-0.5));
        n = e.n;
        expm1_r = e.expm1_r;

        const IntVec<T> piece =
            (bits<T>(t + T(1)) >> (M::mantissa_bits - 1)) - 2 * M::exponent_bias;
        const Vec<T> d = t - lookup<Table::pieces>(Table::centre, piece);
        Vec<T> sum = lookup<Table::pieces>(Table::coefficient[Table::degree], piece);
#pragma GCC unroll 32
        for (int k = Table::degree - 1; k > 0; --k)
            sum = sum * d + lookup<Table::pieces>(Table::coefficient[k], piece);
        others = sum * d;
        first = lookup<Table::pieces>(Table::coefficient[0], piece);
    }
};

template <class T>
inline Vec<T> gelu(Vec<T> x) {
    const NormalTail<T> tail(x);
    // (1 + expm1_r) G = product + rest
    const Vec<T> change = tail.expm1_r * (tail.first + tail.others) + tail.others;
    const Vec<T> product = tail.first + change;
    const Vec<T> rest = (tail.first - product) + change;
    const Vec<T> whole = tail.t * product;
    const Vec<T> error = product_error<T>(tail.t, product, whole);
    const Vec<T> bump = scale<T>(whole + (rest * tail.t + error), tail.n);
    return (x > T(0) ? x : x * T(0)) - bump;  // -inf * 0 is NaN, as the formula says
}

template <class T>
inline Vec<T> gelu_slope(Vec<T> x) {
    constexpr T inverse_sqrt_2pi = T(0.39894228040143267794);
    const NormalTail<T> tail(x);
    const Vec<T> bracket = (tail.first - tail.t * inverse_sqrt_2pi) + tail.others;
    const Vec<T> slope = scale<T>(bracket + tail.expm1_r * bracket, tail.n);
    return (x > T(0) ? T(1) - slope : slope) + x * T(0);  // NaN at both infinities
}

}  // namespace diglot

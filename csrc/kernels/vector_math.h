// exp, tanh, the logistic function and the normal distribution's tail on Vec<T>, without a call to
// a scalar library function per element. Each takes any value, NaN and infinities included. Over
// the whole range of float the error stays within 2.5 units in the last place (within 10 for the
// normal distribution's tail).
#pragma once

#include "kernels/simd.h"

namespace diglot {

template <class T>
struct MathConstants;

template <>
struct MathConstants<float> {
    static constexpr float log2_e = 1.442695041f;
    // ln 2 in two parts: n * ln2_high is exact for the n that occur (Cody & Waite 1980).
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr float rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float exp_min = -104.0f, exp_max = 89.0f;
    static constexpr int taylor_degree = 7;
    static constexpr int mantissa_bits = 23, exponent_bias = 127;
    static constexpr std::int32_t upper_half = ~0xfff;  // the leading 12 bits of a mantissa
    static constexpr float tanh_is_one = 10.0f;
    // (1 + 2z) exp(z^2) erfc(z) as a polynomial in (z - centre)/(z + centre), 0 <= z <= tail_max.
    static constexpr float tail_centre = 2.0f, tail_max = 11.0f;
    static constexpr float tail[] = {1.276978382f,      -0.09276381352f,  -0.1660304774f,
                                     0.1640508436f,     -0.05421856297f,  -0.008029536340f,
                                     0.008713559545f,   0.001250119847f,  -0.001432145482f,
                                     -0.0004019996748f, 0.0001796296024f, 8.477311897e-5f};
};

template <>
struct MathConstants<double> {
    static constexpr double log2_e = 1.44269504088896340736;
    static constexpr double ln2_high = 6.93147180369123816490e-01;
    static constexpr double ln2_low = 1.90821492927058770002e-10;
    static constexpr double rounder = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double exp_min = -746.0, exp_max = 710.0;
    static constexpr int taylor_degree = 13;
    static constexpr int mantissa_bits = 52, exponent_bias = 1023;
    static constexpr std::int64_t upper_half = ~0x7ffffffLL;
    static constexpr double tanh_is_one = 20.0;
    static constexpr double tail_centre = 4.0, tail_max = 28.0;
    static constexpr double tail[] = {
        1.232995118625552507,     -0.1396211168405628935,     0.01537965210262074130,
        0.06809705425473732390,   -0.1010390660363521317,     0.09373283499679411589,
        -0.06633036581152938409,  0.03716751556249286597,     -0.01619773405911500708,
        0.005031969755895426114,  -0.0007577733414133300446,  -0.0001992555075561495214,
        0.0001506222439483029924, -0.00002440316924497407495, -0.00001122478913515470071,
        5.717887284632185202e-6,  3.013504994487539477e-7,    -8.351619688696847075e-7,
        6.270727157198310878e-8,  1.153494374575415729e-7,    -7.715418614417830130e-9,
        -1.367098986334738244e-8, -1.820609868030868334e-9};
};

// x clamped from above and below; a NaN stays.
template <class T>
inline Vec<T> clamp(Vec<T> x, T low, T high) {
    x = x < low ? broadcast(low) : x;
    return x > high ? broadcast(high) : x;
}

// 2^n for integers n within the range of normal numbers.
template <class T>
inline Vec<T> power_of_two(IntVec<T> n) {
    using M = MathConstants<T>;
    return from_bits<T>((n + M::exponent_bias) << M::mantissa_bits);
}

// x = n ln 2 + r with |r| <= ln(2)/2, and e^r - 1 by Taylor's polynomial: r + r^2/2! + r^3/3! + ...
template <class T>
struct ReducedExp {
    IntVec<T> n;
    Vec<T> expm1_r;

    explicit ReducedExp(Vec<T> x) {
        using M = MathConstants<T>;
        const Vec<T> shifted = x * M::log2_e + M::rounder;
        const Vec<T> n_as_real = shifted - M::rounder;
        n = bits<T>(shifted) - bits<T>(broadcast(M::rounder));
        const Vec<T> r = (x - n_as_real * M::ln2_high) - n_as_real * M::ln2_low;
        Vec<T> sum = broadcast(inverse_factorial(M::taylor_degree));
        for (int k = M::taylor_degree - 1; k >= 2; --k) sum = sum * r + inverse_factorial(k);
        expm1_r = sum * (r * r) + r;
    }

    static constexpr T inverse_factorial(int k) {
        double factorial = 1;
        for (int i = 2; i <= k; ++i) factorial *= i;
        return static_cast<T>(1 / factorial);
    }
};

template <class T>
inline Vec<T> exp(Vec<T> x) {
    using M = MathConstants<T>;
    const ReducedExp<T> e(clamp(x, M::exp_min, M::exp_max));
    // 2^n in two factors: their product may be subnormal or overflow, each alone does neither.
    const IntVec<T> half = e.n >> 1;
    return (e.expm1_r + T(1)) * power_of_two<T>(half) * power_of_two<T>(e.n - half);
}

// tanh |x| = (e^2|x| - 1) / (e^2|x| + 1), from e^2|x| - 1, which keeps its accuracy near 0.
template <class T>
inline Vec<T> tanh(Vec<T> x) {
    using M = MathConstants<T>;
    const ReducedExp<T> e(clamp(abs<T>(x), T(0), M::tanh_is_one) * T(2));
    const Vec<T> scale = power_of_two<T>(e.n);
    const Vec<T> expm1 = e.expm1_r * scale + (scale - T(1));
    return copy_sign<T>(expm1 / (expm1 + T(2)), x);
}

// 1 / (1 + e^-x), with the exponential of a negative number only: nothing overflows, and the left
// tail keeps its accuracy down to the subnormal numbers.
template <class T>
inline Vec<T> sigmoid(Vec<T> x) {
    const Vec<T> z = exp<T>(-abs<T>(x));
    return (x < T(0) ? z : broadcast(T(1))) / (z + T(1));
}

// The normal distribution at x: density phi(x), and Phi(x) = integral of phi up to x.
template <class T>
struct Normal {
    Vec<T> density, cumulative;

    explicit Normal(Vec<T> x) {
        using M = MathConstants<T>;
        constexpr T inverse_sqrt_2 = T(0.70710678118654752440);
        constexpr T inverse_sqrt_2pi = T(0.39894228040143267794);
        const Vec<T> z = clamp(abs<T>(x) * inverse_sqrt_2, T(0), M::tail_max);
        // e^(-x^2/2), with the rounding error of x^2 put back: it would count |x|^2 times.
        const Vec<T> bounded = clamp(abs<T>(x), T(0), M::tail_max * T(1.5));
        const Vec<T> square = bounded * bounded;
        const Vec<T> high = from_bits<T>(bits<T>(bounded) & M::upper_half);
        const Vec<T> low = bounded - high;
        const Vec<T> error = ((high * high - square) + high * low * T(2)) + low * low;
        const Vec<T> bell = exp<T>(square * T(-0.5)) * (T(1) - error * T(0.5));
        const Vec<T> t = (z - M::tail_centre) / (z + M::tail_centre);
        constexpr int degree = sizeof M::tail / sizeof M::tail[0] - 1;
        Vec<T> sum = broadcast(M::tail[degree]);
        for (int k = degree - 1; k >= 0; --k) sum = sum * t + M::tail[k];
        const Vec<T> tail = bell * sum / (z * T(4) + T(2));  // Phi(-|x|)
        density = bell * inverse_sqrt_2pi;
        cumulative = x > T(0) ? T(1) - tail : tail;
    }
};

}  // namespace diglot

// exp, tanh and the logistic function on Vec<T>, without a call to a scalar library function per
// element. Each takes any value, NaN and infinities included, and stays within 2 units in the last
// place, with or without an instruction that fuses a product and a sum.
#pragma once

#include "kernels/lanes.h"
#include "kernels/tanh_table.h"

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
    static constexpr int mantissa_bits = 23, exponent_bias = 127;
    // (e^r - 1 - r) / r^2 for |r| <= ln(2)/2, (2^d - 1) / d for |d| <= 1/2, and (tanh(x)/x - 1) / x^2
    // as a polynomial in x^2 for |x| <= 0.55: the polynomials that Chebyshev's points give.
    static constexpr float exp_terms[] = {0.5f, 0.166665759f, 0.0416665533f, 8.36335268e-3f,
                                          1.39264005e-3f};
    static constexpr float exp2_terms[] = {0.693147188f,   0.240226508f,   0.0555035711f,
                                           0.00961808256f, 0.00133908634f, 0.000154531629f};
    static constexpr float tanh_terms[] = {-0.33333332f, 0.133331137f, -0.0539094288f,
                                           0.0213093887f, -6.61022783e-3f};
    static constexpr float tanh_is_one = 10.0f;
};

template <>
struct MathConstants<double> {
    static constexpr double log2_e = 1.44269504088896340736;
    static constexpr double ln2_high = 6.93147180369123816490e-01;
    static constexpr double ln2_low = 1.90821492927058770002e-10;
    static constexpr double rounder = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double exp_min = -746.0, exp_max = 710.0;
    static constexpr int mantissa_bits = 52, exponent_bias = 1023;
    static constexpr double exp_terms[] = {
        0.50000000000000011,   0.16666666666666667,   0.041666666666623131,  8.3333333333299851e-3,
        1.3888888917710368e-3, 1.984126986343555e-4,  2.4801520526480561e-5, 2.7557267868262006e-6,
        2.7620453391695056e-7, 2.5100666142918374e-8,
    };
    static constexpr double exp2_terms[] = {
        0.69314718055994531,   0.24022650695910098,   0.055504108664821594,   0.0096181291076068885,
        1.3333558146416935e-3, 1.540353044173605e-4,  1.5252733829836118e-5,  1.321544258792169e-6,
        1.0178062445845774e-7, 7.0725859492692237e-9, 4.4549605981865184e-10,
    };
    static constexpr double tanh_terms[] = {
        -0.33333333333333333,  0.13333333333332715,    -0.053968253967434015,
        0.021869488493666942,  -8.8632343978143548e-3, 3.5921103786890239e-3,
        -1.455661830100716e-3, 5.8893605200740578e-4,  -2.3463474108872371e-4,
        8.5113136855776715e-5, -2.0602765376366342e-5,
    };
    static constexpr double tanh_is_one = 20.0;
};

// x clamped from above, or from above and below; a NaN stays.
template <class T>
inline Vec<T> at_most(Vec<T> x, T high) {
    return x > high ? broadcast(high) : x;
}

template <class T>
inline Vec<T> clamp(Vec<T> x, T low, T high) {
    return at_most(x < low ? broadcast(low) : x, high);
}

// c[0] + c[1] x + c[2] x^2 + ...
template <class T, int Count>
inline Vec<T> polynomial(Vec<T> x, const T (&c)[Count]) {
    Vec<T> sum = broadcast(c[Count - 1]);
#pragma GCC unroll 16
    for (int k = Count - 2; k >= 0; --k) sum = sum * x + c[k];
    return sum;
}

// 2^n for integers n within the range of normal numbers.
template <class T>
inline Vec<T> power_of_two(IntVec<T> n) {
    using M = MathConstants<T>;
    return from_bits<T>((n + M::exponent_bias) << M::mantissa_bits);
}

// v 2^n in two steps: the result may be subnormal or overflow, the factors do neither.
template <class T>
inline Vec<T> scale(Vec<T> v, IntVec<T> n) {
    const IntVec<T> half = n >> 1;
    return v * power_of_two<T>(half) * power_of_two<T>(n - half);
}

// x + correction = n ln 2 + r with |r| <= ln(2)/2, and e^r - 1 = r + r^2/2! + r^3/3! + ... The
// correction is what x has lost by rounding.
template <class T>
struct ReducedExp {
    IntVec<T> n;
    Vec<T> expm1_r;

    explicit ReducedExp(Vec<T> x, Vec<T> correction = Vec<T>{}) {
        using M = MathConstants<T>;
        const Vec<T> shifted = x * M::log2_e + M::rounder;
        const Vec<T> n_as_real = shifted - M::rounder;
        n = bits<T>(shifted) - bits<T>(broadcast(M::rounder));
        const Vec<T> r = (x - n_as_real * M::ln2_high) - (n_as_real * M::ln2_low - correction);
        expm1_r = polynomial<T>(r, M::exp_terms) * (r * r) + r;
    }
};

template <class T>
inline Vec<T> exp(Vec<T> x) {
    using M = MathConstants<T>;
    const ReducedExp<T> e(clamp(x, M::exp_min, M::exp_max));
    return scale<T>(e.expm1_r + T(1), e.n);
}

// 1 / (1 + e^-x), where 1 + e^-x = (1 + 2^n) + 2^n (e^r - 1) is rounded once. Dividend and
// divisor carry a factor 2^(-n/2), so that nothing overflows in the left tail.
template <class T>
inline Vec<T> sigmoid(Vec<T> x) {
    using M = MathConstants<T>;
    const ReducedExp<T> e(clamp(-x, M::exp_min, -M::exp_min));
    const IntVec<T> half = e.n >> 1;
    const Vec<T> one = power_of_two<T>(-half), power = power_of_two<T>(e.n - half);
    const Vec<T> sum = one + power, lost = one - (sum - power);  // all of 1 where 2^n is large
    return one / ((e.expm1_r * power + lost) + sum);
}

// An odd polynomial near 0; beyond, 1 - 2/(e^2|x| + 1), where the subtraction no longer magnifies
// the fraction's error: the fraction is the smaller part. So its power may come the short way, as
// 2^(n + d) without the care that ReducedExp takes. NaN goes with the polynomial: what is added to
// an exponent may make a number of it.
template <class T>
inline Vec<T> tanh_by_formula(Vec<T> x) {
    using M = MathConstants<T>;
    constexpr T doublings = 2 * M::log2_e;  // e^2x = 2^(doublings x)
    const Vec<T> size = at_most(abs<T>(x), M::tanh_is_one), square = size * size;
    const Vec<T> shifted = size * doublings + M::rounder;
    const Vec<T> d = size * doublings - (shifted - M::rounder);
    const Vec<T> power_of_d = polynomial<T>(d, M::exp2_terms) * d + T(1);
    const IntVec<T> n_as_exponent = bits<T>(shifted) << M::mantissa_bits;
    const Vec<T> power = from_bits<T>(bits<T>(power_of_d) + n_as_exponent);
    const Vec<T> far = T(1) - T(2) / (power + T(1));
    const Vec<T> near = polynomial<T>(square, M::tanh_terms) * square * size + size;
    return copy_sign<T>(size >= T(0.55) ? far : near, x);
}

// Half the work, where a register holds half the table: each lane's polynomial.
inline Vec<float> tanh_by_table(Vec<float> x) {
    using Table = TanhTable;
    const Vec<float> size = at_most(abs<float>(x), Table::end);
    const IntVec<float> place = (bits<float>(size) >> 21) - Table::first_piece;
    const IntVec<float> piece = place < 0 ? IntVec<float>{} : place;
    const Vec<float> d = size - lookup<Table::pieces>(Table::centre, piece);
    Vec<float> sum = lookup<Table::pieces>(Table::coefficient[Table::degree], piece);
#pragma GCC unroll 8
    for (int k = Table::degree - 1; k >= 0; --k)
        sum = sum * d + lookup<Table::pieces>(Table::coefficient[k], piece);
    return copy_sign<float>(sum, x);
}

template <class T>
inline Vec<T> tanh(Vec<T> x) {
    if constexpr (looks_up<T, TanhTable::pieces>)
        return tanh_by_table(x);
    else
        return tanh_by_formula<T>(x);
}

}  // namespace diglot

// Vec<T>: one register of this build's width, written with the vector extensions of GCC and Clang:
// + - * / < and ?: work lane by lane. A kernel is written once, for every instruction set.
//
// Only kernels include this header: the width differs between builds, and the bindings, which are
// compiled once for all of them, must not depend on it.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#include "kernels/view.h"

#if !defined(__GNUC__)
#error "diglot's kernels need the vector extensions of GCC or Clang (on Windows: clang-cl)"
#endif

#if defined(__AVX512F__)
#include <immintrin.h>  // for the masks of load_part and store_part alone
#endif

namespace diglot {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;  // SSE, NEON
#endif

template <class T>
struct VecTypes;
template <>
struct VecTypes<float> {
    typedef float Value __attribute__((vector_size(vector_bytes)));
    typedef std::int32_t Int __attribute__((vector_size(vector_bytes)));
};
template <>
struct VecTypes<double> {
    typedef double Value __attribute__((vector_size(vector_bytes)));
    typedef std::int64_t Int __attribute__((vector_size(vector_bytes)));
};

template <class T>
using Vec = typename VecTypes<T>::Value;
template <class T>
using IntVec = typename VecTypes<T>::Int;  // integers as wide as T; comparisons give them (0 or -1)

template <class T>
constexpr Index lanes = vector_bytes / sizeof(T);

template <class T>
inline Vec<T> load(const T* from) {  // any alignment
    Vec<T> v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <class T>
inline void store(T* to, Vec<T> v) {
    std::memcpy(to, &v, sizeof v);
}

template <class T>
inline Vec<T> broadcast(T value) {
    return value - Vec<T>{};  // x - 0 is x, bit for bit, so the compiler drops the subtraction
}

// The first `count` < lanes elements, the others filled.
template <class T>
inline Vec<T> load_part(const T* from, Index count, T fill) {
#if defined(__AVX512F__)
    const unsigned first = (1u << count) - 1;
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), first, from);
    else
        return (Vec<T>)_mm512_mask_loadu_pd(_mm512_set1_pd(fill), first, from);
#else
    T buffer[lanes<T>];
    for (Index i = 0; i < lanes<T>; ++i) buffer[i] = i < count ? from[i] : fill;
    return load(buffer);
#endif
}

template <class T>
inline void store_part(T* to, Vec<T> v, Index count) {
#if defined(__AVX512F__)
    const unsigned first = (1u << count) - 1;
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(to, first, (__m512)v);
    else
        _mm512_mask_storeu_pd(to, first, (__m512d)v);
#else
    T buffer[lanes<T>];
    store(buffer, v);
    for (Index i = 0; i < count; ++i) to[i] = buffer[i];
#endif
}

template <class T>
inline IntVec<T> bits(Vec<T> v) {
    return (IntVec<T>)v;
}

template <class T>
inline Vec<T> from_bits(IntVec<T> v) {
    return (Vec<T>)v;
}

template <class T>
inline Vec<T> abs(Vec<T> v) {
    return from_bits<T>(bits<T>(v) & ~bits<T>(-Vec<T>{}));  // -0 is the sign bit alone
}

// Magnitude of the first, sign of the second.
template <class T>
inline Vec<T> copy_sign(Vec<T> magnitude, Vec<T> sign_of) {
    const IntVec<T> sign = bits<T>(-Vec<T>{});
    return from_bits<T>((bits<T>(magnitude) & ~sign) | (bits<T>(sign_of) & sign));
}

// Two registers' numbers in units of `Unit` consecutive ones, seen in blocks of `Block`: of each
// block, half the units of a and of b in turn (zip), beginning with unit First.
template <class T, int First, int Block, int... I>
inline Vec<T> zip(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
    constexpr int count = sizeof...(I);
    return __builtin_shufflevector(a, b,
                                   (I / Block * Block + First + I % Block / 2 + I % 2 * count)...);
}

// Every second unit of 16 bytes, of a and then of b, beginning with unit First.
template <class T, int First, int... I>
inline Vec<T> unzip(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
    constexpr int unit = 16 / sizeof(T);
    return __builtin_shufflevector(a, b, ((2 * (I / unit) + First) * unit + I % unit)...);
}

// The numbers of `Rows` registers, the rows of a matrix, in the order of its columns. Zipping the
// first half of the rows with the second turns the bits of each number's place round by one, and
// log2(Rows) rounds turn (row, column) into (column, row).
template <class T, int Rows, int Block = int(lanes<T>)>
inline void interleave(Vec<T>* v) {
    constexpr std::make_integer_sequence<int, int(lanes<T>)> places{};
#pragma GCC unroll 4
    for (int round = 1; round < Rows; round *= 2) {
        Vec<T> zipped[Rows];
#pragma GCC unroll 8
        for (int r = 0; r < Rows / 2; ++r) {
            zipped[2 * r] = zip<T, 0, Block>(v[r], v[r + Rows / 2], places);
            zipped[2 * r + 1] = zip<T, Block / 2, Block>(v[r], v[r + Rows / 2], places);
        }
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) v[r] = zipped[r];
    }
}

// Transposes a square of lanes x lanes numbers: first squares within units of 16 bytes, which every
// processor shuffles fastest, and then a square of such units.
template <class T>
inline void transpose(Vec<T> (&v)[lanes<T>]) {
    constexpr int size = lanes<T>, unit = 16 / sizeof(T), units = size / unit;
    constexpr std::make_integer_sequence<int, size> places{};
#pragma GCC unroll 8
    for (int u = 0; u < units; ++u) interleave<T, unit, unit>(v + u * unit);
#pragma GCC unroll 4
    for (int round = 1; round < units; round *= 2) {
        Vec<T> unzipped[size];
#pragma GCC unroll 16
        for (int r = 0; r < size; ++r) {
            const int u = r / unit, place = r % unit, pair = u % (units / 2) * 2 * unit + place;
            unzipped[r] = u < units / 2 ? unzip<T, 0>(v[pair], v[pair + unit], places)
                                        : unzip<T, 1>(v[pair], v[pair + unit], places);
        }
#pragma GCC unroll 16
        for (int r = 0; r < size; ++r) v[r] = unzipped[r];
    }
}

}  // namespace diglot

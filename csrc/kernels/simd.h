// Vec<T>: one register of this build's width, written with the vector extensions of GCC and Clang:
// + - * / < and ?: work lane by lane. A kernel is written once, for every instruction set.
//
// Only kernels include this header: the width differs between builds, and the bindings, which are
// compiled once for all of them, must not depend on it.
#pragma once

#include <cstdint>
#include <cstring>

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

}  // namespace diglot

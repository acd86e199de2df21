// Vec<T>: one register of this build's width, written with the vector extensions of GCC and Clang:
// + - * / < and ?: work lane by lane. A kernel is written once, for every instruction set.
//
// Only kernels include this header: the width differs between builds, and the bindings, which are
// compiled once for all of them, must not depend on it.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/view.h"

#if !defined(__GNUC__)
#error "diglot's kernels need the vector extensions of GCC or Clang (on Windows: clang-cl)"
#endif

#if defined(__AVX__)
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

#if defined(__AVX__) && !defined(__AVX512F__)
// The sign bit of the first `count` lanes is set.
template <class T>
inline __m256i first_lanes(Index count) {
    using Lane = std::remove_reference_t<decltype(IntVec<T>{}[0])>;
    IntVec<T> lane;
    for (Index i = 0; i < lanes<T>; ++i) lane[i] = static_cast<Lane>(i);
    return (__m256i)(lane < static_cast<Lane>(count) - IntVec<T>{});
}
#endif

// The first `count` < lanes elements, the others filled.
template <class T>
inline Vec<T> load_part(const T* from, Index count, T fill) {
#if defined(__AVX512F__)
    const unsigned first = (1u << count) - 1;
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), first, from);
    else
        return (Vec<T>)_mm512_mask_loadu_pd(_mm512_set1_pd(fill), first, from);
#elif defined(__AVX__)
    const __m256i first = first_lanes<T>(count);
    Vec<T> v;
    if constexpr (sizeof(T) == 4)
        v = (Vec<T>)_mm256_maskload_ps(from, first);
    else
        v = (Vec<T>)_mm256_maskload_pd(from, first);
    return (IntVec<T>)first ? v : broadcast(fill);
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
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 4)
        _mm256_maskstore_ps(to, first_lanes<T>(count), (__m256)v);
    else
        _mm256_maskstore_pd(to, first_lanes<T>(count), (__m256d)v);
#else
    T buffer[lanes<T>];
    store(buffer, v);
    for (Index i = 0; i < count; ++i) to[i] = buffer[i];
#endif
}

// Lanes 0, 2, 4, ... of a, then those of b.
template <class T>
inline Vec<T> every_second(Vec<T> a, Vec<T> b) {
    if constexpr (lanes<T> == 16)
        return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28,
                                       30);
    else if constexpr (lanes<T> == 8)
        return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
    else if constexpr (lanes<T> == 4)
        return __builtin_shufflevector(a, b, 0, 2, 4, 6);
    else
        return __builtin_shufflevector(a, b, 0, 2);
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

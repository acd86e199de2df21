// Vec<T>: one register of this build's width, written with the vector extensions of GCC and Clang:
// + - * / < and ?: work lane by lane. A kernel is written once, for every instruction set.
//
// Only kernels include this header: the width differs between builds, and the bindings, which are
// compiled once for all of them, must not depend on it.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/view.h"

#if !defined(__GNUC__)
#error "diglot's kernels need the vector extensions of GCC or Clang (on Windows: clang-cl)"
#endif

#if defined(__SSE2__)
#include <immintrin.h>  // for masks, streams, square roots, exact products
#elif defined(__aarch64__)
#include <arm_neon.h>
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

// Stores to an aligned address past the caches: the old contents are not fetched. end_streaming()
// before another thread may read.
template <class T>
inline void stream(T* to, Vec<T> v) {
#if defined(__AVX512F__)
    _mm512_stream_si512((__m512i*)to, (__m512i)v);
#elif defined(__AVX2__)
    _mm256_stream_si256((__m256i*)to, (__m256i)v);
#elif defined(__SSE2__)
    _mm_stream_si128((__m128i*)to, (__m128i)v);
#else
    store(to, v);
#endif
}

inline void end_streaming() {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

template <class T>
inline Vec<T> broadcast(T value) {
    return value - Vec<T>{};  // x - 0 is x, bit for bit, so the compiler drops the subtraction
}

// An integer in all lanes; 0, 1, 2, ... in the lanes.
template <class T>
inline IntVec<T> broadcast_integer(Index value) {
    using Integer = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    return IntVec<T>{} + static_cast<Integer>(value);
}

template <class T>
inline IntVec<T> lane_numbers() {
    IntVec<T> numbers;
    for (Index lane = 0; lane < lanes<T>; ++lane) numbers[lane] = lane;
    return numbers;
}

// The first `count` elements, 0 <= count <= lanes, the others filled.
template <class T>
inline Vec<T> load_part(const T* from, Index count, T fill) {
#if defined(__AVX512F__)
    const unsigned first = (1u << count) - 1;
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), first, from);
    else
        return (Vec<T>)_mm512_mask_loadu_pd(_mm512_set1_pd(fill), first, from);
#elif defined(__AVX2__)
    const IntVec<T> first = lane_numbers<T>() < broadcast_integer<T>(count);
    Vec<T> v;
    if constexpr (sizeof(T) == 4)
        v = (Vec<T>)_mm256_maskload_ps(from, (__m256i)first);
    else
        v = (Vec<T>)_mm256_maskload_pd(from, (__m256i)first);
    return first ? v : broadcast(fill);
#elif defined(__aarch64__)
    if (count == lanes<T>) return load(from);
    Vec<T> v = broadcast(fill);
    if constexpr (sizeof(T) == 4) {  // a pair, a single one
        if (count & 2) v = (Vec<T>)vcombine_f32(vld1_f32(from), vget_low_f32((float32x4_t)v));
        if (count == 3) v = (Vec<T>)vld1q_lane_f32(from + 2, (float32x4_t)v, 2);
        if (count == 1) v = (Vec<T>)vld1q_lane_f32(from, (float32x4_t)v, 0);
    } else {
        if (count) v = (Vec<T>)vld1q_lane_f64(from, (float64x2_t)v, 0);
    }
    return v;
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
#elif defined(__AVX2__)
    const IntVec<T> first = lane_numbers<T>() < broadcast_integer<T>(count);
    if constexpr (sizeof(T) == 4)
        _mm256_maskstore_ps(to, (__m256i)first, (__m256)v);
    else
        _mm256_maskstore_pd(to, (__m256i)first, (__m256d)v);
#elif defined(__aarch64__)
    if (count == lanes<T>) return store<T>(to, v);
    if constexpr (sizeof(T) == 4) {
        if (count & 2) vst1_f32(to, vget_low_f32((float32x4_t)v));
        if (count == 3) vst1q_lane_f32(to + 2, (float32x4_t)v, 2);
        if (count == 1) vst1q_lane_f32(to, (float32x4_t)v, 0);
    } else {
        if (count) vst1q_lane_f64(to, (float64x2_t)v, 0);
    }
#else
    T buffer[lanes<T>];
    store(buffer, v);
    for (Index i = 0; i < count; ++i) std::memcpy(to + i, buffer + i, sizeof(T));
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

// Is every lane of a comparison's result true?
template <class T>
inline bool all(IntVec<T> v) {
#if defined(__AVX512DQ__)
    return _mm512_movepi32_mask((__m512i)v) == 0xffff;
#elif defined(__AVX2__)
    return _mm256_movemask_epi8((__m256i)v) == -1;
#elif defined(__aarch64__)
    return vminvq_u32((uint32x4_t)v) != 0;
#else
    IntVec<T> both = v;
    for (Index lane = 1; lane < lanes<T>; ++lane) both[0] &= v[lane];
    return both[0] != 0;
#endif
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

template <class T>
inline Vec<T> square_root(Vec<T> v) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);
    else
        return (Vec<T>)_mm512_maskz_sqrt_pd(0xff, (__m512d)v);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm256_sqrt_ps((__m256)v);
    else
        return (Vec<T>)_mm256_sqrt_pd((__m256d)v);
#elif defined(__SSE2__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm_sqrt_ps((__m128)v);
    else
        return (Vec<T>)_mm_sqrt_pd((__m128d)v);
#elif defined(__aarch64__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)vsqrtq_f32((float32x4_t)v);
    else
        return (Vec<T>)vsqrtq_f64((float64x2_t)v);
#else
    for (Index lane = 0; lane < lanes<T>; ++lane) v[lane] = std::sqrt(v[lane]);
    return v;
#endif
}

// What `product` = a * b, rounded, lacks to the exact product.
template <class T>
inline Vec<T> product_error(Vec<T> a, Vec<T> b, Vec<T> product) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_fmsub_ps((__m512)a, (__m512)b, (__m512)product);
    else
        return (Vec<T>)_mm512_fmsub_pd((__m512d)a, (__m512d)b, (__m512d)product);
#elif defined(__FMA__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm256_fmsub_ps((__m256)a, (__m256)b, (__m256)product);
    else
        return (Vec<T>)_mm256_fmsub_pd((__m256d)a, (__m256d)b, (__m256d)product);
#elif defined(__aarch64__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)vfmaq_f32((float32x4_t)-product, (float32x4_t)a, (float32x4_t)b);
    else
        return (Vec<T>)vfmaq_f64((float64x2_t)-product, (float64x2_t)a, (float64x2_t)b);
#else
    // Dekker 1971: halves of the mantissas, whose products are exact.
    const IntVec<T> upper_half = IntVec<T>{} - (sizeof(T) == 4 ? 1 << 12 : 1 << 27);
    const Vec<T> a_high = from_bits<T>(bits<T>(a) & upper_half), a_low = a - a_high;
    const Vec<T> b_high = from_bits<T>(bits<T>(b) & upper_half), b_low = b - b_high;
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
#endif
}

// Words of 32 bits, each in the lower half of a 64-bit lane, times a word: the whole products. What
// the upper halves hold is ignored.
typedef std::uint64_t WordVec __attribute__((vector_size(vector_bytes)));

inline WordVec word_product(WordVec words, std::uint32_t factor) {
    const WordVec factors = WordVec{} + factor;
#if defined(__AVX512F__)
    return (WordVec)_mm512_maskz_mul_epu32(0xff, (__m512i)words, (__m512i)factors);
#elif defined(__AVX2__)
    return (WordVec)_mm256_mul_epu32((__m256i)words, (__m256i)factors);
#elif defined(__SSE2__)
    return (WordVec)_mm_mul_epu32((__m128i)words, (__m128i)factors);
#elif defined(__aarch64__)
    return (WordVec)vmull_u32(vmovn_u64((uint64x2_t)words), vmovn_u64((uint64x2_t)factors));
#else
    return (words & 0xffffffff) * factors;
#endif
}

}  // namespace diglot

// Numbers that change lanes, on Vec<T>: tables, every second number, pairs, integers of another
// width, sums over the lanes.
#pragma once

#include <utility>

#include "kernels/simd.h"

namespace diglot {

// Whether a register can look up `Used` numbers by itself; only GCC shuffles by variable indices.
#if defined(__clang__)
template <class T, int Used>
constexpr bool looks_up = false;
#else
template <class T, int Used>
constexpr bool looks_up = Used <= lanes<T> || Used == 2 * lanes<T>;
#endif

// table[index] in each lane, for a table with at least a register's numbers, of which the first
// `Used` matter, a power of two. An index beyond them gives one of the table's numbers.
template <int Used, class T, int Size>
inline Vec<T> lookup(const T (&table)[Size], IntVec<T> index) {
    static_assert(Used <= Size && lanes<T> <= Size);
#if !defined(__clang__)  // only GCC shuffles by variable indices
    if constexpr (Used <= lanes<T>)
        return __builtin_shuffle(load(table), index);
    else if constexpr (Used == 2 * lanes<T>)
        return __builtin_shuffle(load(table), load(table + lanes<T>), index);
#endif
    T values[lanes<T>];
    for (Index lane = 0; lane < lanes<T>; ++lane) values[lane] = table[index[lane] & (Used - 1)];
    return load(values);
}

// from[0], from[2], from[4], ...: the even numbers of one register, the odd ones of the next, which
// begins one place early. So nothing is read beyond the last number taken.
template <class T, int... I>
inline Vec<T> every_second(Vec<T> first, Vec<T> second, std::integer_sequence<int, I...>) {
    constexpr int size = lanes<T>;
    return __builtin_shufflevector(first, second, (I < size / 2 ? 2 * I : 2 * I + 1)...);
}

// `count` of them, 0 < count <= lanes.
template <class T>
inline Vec<T> every_second(const T* from, Index count) {
    constexpr std::make_integer_sequence<int, lanes<T>> places{};
    constexpr Index step = lanes<T> - 1;
    if (count == lanes<T>) return every_second<T>(load(from), load(from + step), places);
    const Index span = 2 * count - 1;
    const Index first = span < lanes<T> ? span : lanes<T>, second = span < step ? 0 : span - step;
    return every_second<T>(load_part(from, first, T(0)), load_part(from + step, second, T(0)),
                           places);
}

// from[0], from[3], from[6], ...: of three registers, the last of which begins two places early.
template <class T, int... I>
inline Vec<T> every_third(Vec<T> a, Vec<T> b, Vec<T> c, std::integer_sequence<int, I...>) {
    constexpr int size = lanes<T>;
    const Vec<T> left = __builtin_shufflevector(a, b, (3 * I < 2 * size ? 3 * I : 0)...);
    return __builtin_shufflevector(left, c, (3 * I < 2 * size ? I : 3 * I - size + 2)...);
}

template <class T>
inline Vec<T> every_third(const T* from, Index count) {
    constexpr std::make_integer_sequence<int, lanes<T>> places{};
    constexpr Index size = lanes<T>, step = 2 * size - 2;
    if (count == size)
        return every_third<T>(load(from), load(from + size), load(from + step), places);
    const auto part = [&](Index first) {
        const Index left = 3 * count - 2 - first;
        return load_part(from + first, left < 0 ? 0 : left < size ? left : size, T(0));
    };
    return every_third<T>(part(0), part(size), part(step), places);
}

// a[0], b[0], a[1], b[1], ...: `count` pairs, 0 < count <= lanes.
template <class T, int... I>
inline void store_pairs(T* to, Vec<T> a, Vec<T> b, Index count, std::integer_sequence<int, I...>) {
    constexpr int size = lanes<T>;
    const Vec<T> low = __builtin_shufflevector(a, b, (I / 2 + I % 2 * size)...);
    const Vec<T> high = __builtin_shufflevector(a, b, (size / 2 + I / 2 + I % 2 * size)...);
    if (count == size) {
        store<T>(to, low);
        store<T>(to + size, high);
    } else {
        store_part<T>(to, low, 2 * count < size ? 2 * count : size);
        store_part<T>(to + size, high, 2 * count < size ? 0 : 2 * count - size);
    }
}

template <class T>
inline void store_pairs(T* to, Vec<T> a, Vec<T> b, Index count) {
    store_pairs<T>(to, a, b, count, std::make_integer_sequence<int, lanes<T>>{});
}

// 32-bit integers in memory, as wide as T in the register: `count` of them, 0 < count <= lanes.
template <class T>
struct NarrowInts {
    typedef std::int32_t Vector __attribute__((vector_size(lanes<T> * sizeof(std::int32_t))));
};

template <class T>
inline IntVec<T> load_ints(const std::int32_t* from, Index count) {
    if constexpr (sizeof(T) == 4) {
        const auto* const as_reals = reinterpret_cast<const T*>(from);
        return bits<T>(count == lanes<T> ? load(as_reals) : load_part(as_reals, count, T(0)));
    } else {
        typename NarrowInts<T>::Vector narrow = {};
        if (count == lanes<T>)
            std::memcpy(&narrow, from, sizeof narrow);
        else
            for (Index i = 0; i < count; ++i) narrow[i] = from[i];
        return __builtin_convertvector(narrow, IntVec<T>);
    }
}

template <class T>
inline void store_ints(std::int32_t* to, IntVec<T> v, Index count) {
    if constexpr (sizeof(T) == 4) {
        auto* const as_reals = reinterpret_cast<T*>(to);
        if (count == lanes<T>)
            store<T>(as_reals, from_bits<T>(v));
        else
            store_part<T>(as_reals, from_bits<T>(v), count);
    } else {
        const auto narrow = __builtin_convertvector(v, typename NarrowInts<T>::Vector);
        if (count == lanes<T>)
            std::memcpy(to, &narrow, sizeof narrow);
        else
            for (Index i = 0; i < count; ++i) to[i] = narrow[i];
    }
}

// All lanes combined by op, in pairs, then pairs of pairs: an order that the width alone decides.
template <class T, int Distance, class Op, int... I>
inline T combine(Vec<T> v, Op op, std::integer_sequence<int, I...> places) {
    v = op(v, __builtin_shufflevector(v, v, (I ^ Distance)...));
    if constexpr (Distance == 1)
        return v[0];
    else
        return combine<T, Distance / 2>(v, op, places);
}

template <class T>
inline T largest(Vec<T> v) {
    return combine<T, lanes<T> / 2>(
        v, [](Vec<T> a, Vec<T> b) { return a > b ? a : b; },
        std::make_integer_sequence<int, lanes<T>>{});
}

template <class T>
inline T total(Vec<T> v) {
    return combine<T, lanes<T> / 2>(
        v, [](Vec<T> a, Vec<T> b) { return a + b; }, std::make_integer_sequence<int, lanes<T>>{});
}

// Of each block of 2 * Distance lanes, the sums of a's halves and then of b's.
template <class T, int Distance, int... I>
inline Vec<T> fold(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
    constexpr int size = lanes<T>, block = 2 * Distance;
    return __builtin_shufflevector(
               a, b, (I / block * block + I % Distance + I % block / Distance * size)...) +
           __builtin_shufflevector(
               a, b,
               (I / block * block + I % Distance + I % block / Distance * size + Distance)...);
}

// The totals of `Count` <= lanes registers, each in its lane: the sums of total(), bit
// for bit, with half of the shuffles.
template <class T, int Count, int Distance = 1>
inline Vec<T> totals(const Vec<T>* v) {
    if constexpr (Count <= 0)
        return Vec<T>{};
    else if constexpr (Distance == lanes<T>)
        return v[0];
    else
        return fold<T, Distance>(totals<T, Count, 2 * Distance>(v),
                                 totals<T, Count - Distance, 2 * Distance>(v + Distance),
                                 std::make_integer_sequence<int, lanes<T>>{});
}

}  // namespace diglot

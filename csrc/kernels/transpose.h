// Transposition in registers, by shuffles of two registers at a time. A matrix that lies in memory the
// other way round is packed with it at the speed of a copy (gemm.h).
#pragma once

#include <utility>

#include "kernels/simd.h"

namespace diglot {

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
    constexpr int half = units > 1 ? units / 2 : 1;  // of one unit, which needs no round
    constexpr std::make_integer_sequence<int, size> places{};
#pragma GCC unroll 8
    for (int u = 0; u < units; ++u) interleave<T, unit, unit>(v + u * unit);
#pragma GCC unroll 4
    for (int round = 1; round < units; round *= 2) {
        Vec<T> unzipped[size];
#pragma GCC unroll 16
        for (int r = 0; r < size; ++r) {
            const int u = r / unit, place = r % unit, pair = u % half * 2 * unit + place;
            unzipped[r] = u < half ? unzip<T, 0>(v[pair], v[pair + unit], places)
                                   : unzip<T, 1>(v[pair], v[pair + unit], places);
        }
#pragma GCC unroll 16
        for (int r = 0; r < size; ++r) v[r] = unzipped[r];
    }
}

}  // namespace diglot

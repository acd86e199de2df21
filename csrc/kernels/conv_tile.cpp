#include "kernels/conv_tile.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace diglot::conv {

namespace {

template <class T>
struct Outputs {
    const T* bias;
    bool accumulate;
    T* y;
    Index stride, columns;
};

// V is a register, or half of one: then a tile has one vector, and its columns fit it.
template <class V, class T>
inline V load_as(const T* from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <class V, class T>
inline V broadcast_as(T value) {
    return value - V{};
}

template <class V, class T>
inline V load_part_as(const T* from, Index count) {
    const Vec<T> v = load_part(from, count, T(0));
    return load_as<V>(reinterpret_cast<const T*>(&v));
}

template <class V, class T>
inline void store_part_as(T* to, V part, Index count) {
    Vec<T> v = {};
    std::memcpy(&v, &part, sizeof part);
    store_part<T>(to, v, count);
}

template <class T, class V, int Filters, int Vectors>
void tile(const Taps& taps, const T* weights, const T* source, const Outputs<T>& out) noexcept {
    constexpr Index width = sizeof(V) / sizeof(T);
    V sum[Filters][Vectors];
#pragma GCC unroll 16
    for (int f = 0; f < Filters; ++f) {
        const V start = broadcast_as<V>(out.bias ? out.bias[f] : T(0));
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) sum[f][v] = start;
    }
    if (out.accumulate)
#pragma GCC unroll 16
        for (int f = 0; f < Filters; ++f)
#pragma GCC unroll 16
            for (int v = 0; v < Vectors; ++v) {
                const T* from = out.y + f * out.stride + v * width;
                const Index count = out.columns - v * width;
                sum[f][v] = count >= width ? load_as<V>(from) : load_part_as<V>(from, count);
            }
    for (Index channel = 0; channel < taps.channels; ++channel) {
        for (Index t = 0; t < taps.count; ++t) {
            const T* const from = source + taps.offsets[t];
            if constexpr (Filters > Vectors) {
                V x[Vectors];
#pragma GCC unroll 16
                for (int v = 0; v < Vectors; ++v) x[v] = load_as<V>(from + v * width);
#pragma GCC unroll 16
                for (int f = 0; f < Filters; ++f) {
                    const V w = broadcast_as<V>(weights[f]);
#pragma GCC unroll 16
                    for (int v = 0; v < Vectors; ++v) sum[f][v] += w * x[v];
                }
            } else {
                V w[Filters];
#pragma GCC unroll 16
                for (int f = 0; f < Filters; ++f) w[f] = broadcast_as<V>(weights[f]);
#pragma GCC unroll 16
                for (int v = 0; v < Vectors; ++v) {
                    const V x = load_as<V>(from + v * width);
#pragma GCC unroll 16
                    for (int f = 0; f < Filters; ++f) sum[f][v] += w[f] * x;
                }
            }
            weights += Filters;
        }
        source += taps.channel_stride;
    }
#pragma GCC unroll 16
    for (int f = 0; f < Filters; ++f)
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) {
            T* const to = out.y + f * out.stride + v * width;
            const Index count = out.columns - v * width;
            if (count >= width)
                std::memcpy(to, &sum[f][v], sizeof(V));
            else
                store_part_as<V>(to, sum[f][v], count);
        }
}

template <class T>
using TileFunction = void (*)(const Taps&, const T*, const T*, const Outputs<T>&) noexcept;

// As many vectors as the registers hold sums for: twice as many for half the filters.
template <class T>
constexpr int most_vectors(int filters) {
    constexpr int most_filters = Tile<T>::filters;
    const int times = filters <= most_filters / 4 ? 4 : filters <= most_filters / 2 ? 2 : 1;
    return times * Tile<T>::vectors;
}

template <class T, int Filters, int... V>
constexpr auto tiles_of(std::integer_sequence<int, V...>) {
    constexpr int most = most_vectors<T>(1);
    return std::array<TileFunction<T>, most>{tile<T, Vec<T>, Filters, V + 1>...};
}

// tiles[f - 1][v - 1]: the edges run the same code as the middle, smaller.
template <class T, int... F>
constexpr auto tile_table(std::integer_sequence<int, F...>) {
    return std::array<std::array<TileFunction<T>, most_vectors<T>(1)>, sizeof...(F)>{
        tiles_of<T, F + 1>(std::make_integer_sequence<int, most_vectors<T>(F + 1)>())...};
}

// The end of a strip that fills at most half of a register. Where registers have 512 bits, halves
// take half of the time on processors that compute them in two turns, and no longer on others.
template <class T, int... F>
constexpr auto half_tile_table(std::integer_sequence<int, F...>) {
    typedef T Half __attribute__((vector_size(vector_bytes / 2)));
    return std::array<TileFunction<T>, sizeof...(F)>{tile<T, Half, F + 1, 1>...};
}

constexpr bool has_halves = vector_bytes == 64;

}  // namespace

template <class T>
void strip_of_outputs(const Taps& taps, Index filters, Index positions, const T* weights,
                      const T* source, const T* bias, bool accumulate, T* y,
                      Index y_stride) noexcept {
    static constexpr auto table =
        tile_table<T>(std::make_integer_sequence<int, Tile<T>::filters>());
    const auto& tiles = table[filters - 1];
    static constexpr auto half_tiles =
        half_tile_table<T>(std::make_integer_sequence<int, Tile<T>::filters>());
    const Index most = most_vectors<T>(static_cast<int>(filters));
    // Few filters would leave a tile of half a register waiting for its own sums.
    const bool halves = has_halves && most == Tile<T>::vectors;
    const Index rest = positions % lanes<T>;
    const Index half = halves && 2 * rest <= lanes<T> ? rest : 0;
    Index p = 0;
    while (p < positions - half) {
        const Index left = ceil_div(positions - half - p, lanes<T>);
        // A tile of one vector does less with each weight it reads: 3 + 1 is cut 2 + 2.
        const Index vectors = left <= most ? left : left == most + 1 ? ceil_div(left, 2) : most;
        const Index columns = std::min(vectors * lanes<T>, positions - half - p);
        tiles[vectors - 1](taps, weights, source + p, {bias, accumulate, y + p, y_stride, columns});
        p += columns;
    }
    if (half > 0)
        half_tiles[filters - 1](taps, weights, source + p,
                                {bias, accumulate, y + p, y_stride, half});
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void strip_of_outputs(const Taps&, Index, Index, const T*, const T*, const T*, bool,  \
                                   T*, Index) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::conv

#include "kernels/conv_tile.h"

#include <algorithm>
#include <array>
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

template <class T, int Filters, int Vectors>
void tile(const Taps& taps, const T* weights, const T* source, const Outputs<T>& out) noexcept {
    Vec<T> sum[Filters][Vectors];
#pragma GCC unroll 16
    for (int f = 0; f < Filters; ++f) {
        const Vec<T> start = broadcast(out.bias ? out.bias[f] : T(0));
#pragma GCC unroll 16
        for (int v = 0; v < Vectors; ++v) sum[f][v] = start;
    }
    if (out.accumulate)
#pragma GCC unroll 16
        for (int f = 0; f < Filters; ++f)
#pragma GCC unroll 16
            for (int v = 0; v < Vectors; ++v) {
                const T* from = out.y + f * out.stride + v * lanes<T>;
                const Index count = out.columns - v * lanes<T>;
                sum[f][v] = count >= lanes<T> ? load(from) : load_part(from, count, T(0));
            }
    for (Index channel = 0; channel < taps.channels; ++channel) {
        for (Index t = 0; t < taps.count; ++t) {
            const T* const from = source + taps.offsets[t];
            if constexpr (Filters > Vectors) {
                Vec<T> x[Vectors];
#pragma GCC unroll 16
                for (int v = 0; v < Vectors; ++v) x[v] = load(from + v * lanes<T>);
#pragma GCC unroll 16
                for (int f = 0; f < Filters; ++f) {
                    const Vec<T> w = broadcast(weights[f]);
#pragma GCC unroll 16
                    for (int v = 0; v < Vectors; ++v) sum[f][v] += w * x[v];
                }
            } else {
                Vec<T> w[Filters];
#pragma GCC unroll 16
                for (int f = 0; f < Filters; ++f) w[f] = broadcast(weights[f]);
#pragma GCC unroll 16
                for (int v = 0; v < Vectors; ++v) {
                    const Vec<T> x = load(from + v * lanes<T>);
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
            T* const to = out.y + f * out.stride + v * lanes<T>;
            const Index count = out.columns - v * lanes<T>;
            if (count >= lanes<T>)
                store<T>(to, sum[f][v]);
            else
                store_part<T>(to, sum[f][v], count);
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
    return std::array<TileFunction<T>, most>{tile<T, Filters, V + 1>...};
}

// tiles[f - 1][v - 1]: the edges run the same code as the middle, smaller.
template <class T, int... F>
constexpr auto tile_table(std::integer_sequence<int, F...>) {
    return std::array<std::array<TileFunction<T>, most_vectors<T>(1)>, sizeof...(F)>{
        tiles_of<T, F + 1>(std::make_integer_sequence<int, most_vectors<T>(F + 1)>())...};
}

}  // namespace

template <class T>
void strip_of_outputs(const Taps& taps, Index filters, Index positions, const T* weights,
                      const T* source, const T* bias, bool accumulate, T* y,
                      Index y_stride) noexcept {
    static constexpr auto table =
        tile_table<T>(std::make_integer_sequence<int, Tile<T>::filters>());
    const auto& tiles = table[filters - 1];
    const Index most = most_vectors<T>(static_cast<int>(filters));
    for (Index p = 0; p < positions;) {
        const Index left = ceil_div(positions - p, lanes<T>);
        // A tile of one vector does less with each weight it reads: 3 + 1 is cut 2 + 2.
        const Index vectors = left <= most ? left : left == most + 1 ? ceil_div(left, 2) : most;
        const Index columns = std::min(vectors * lanes<T>, positions - p);
        tiles[vectors - 1](taps, weights, source + p, {bias, accumulate, y + p, y_stride, columns});
        p += columns;
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void strip_of_outputs(const Taps&, Index, Index, const T*, const T*, const T*, bool,  \
                                   T*, Index) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::conv

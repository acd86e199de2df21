#include "kernels/conv_sums.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/lanes.h"

namespace diglot::conv {

namespace {

template <class T, int Count>
inline void store_totals(T* to, const Vec<T>* sums) {
    store<T>(to, totals<T, std::min<int>(Count, lanes<T>)>(sums));
    if constexpr (Count > lanes<T>)
        store_totals<T, Count - lanes<T>>(to + lanes<T>, sums + lanes<T>);
}

template <class T, int Filters, int Taps>
void tile(const Correlation<T>& c, const Index* offsets, const T* dy, T* sums,
          Index stride) noexcept {
    Vec<T> sum[Filters][Taps] = {};
    const auto step = [&](const T* dy_at, const T* source_at, auto load_some) {
        Vec<T> d[Filters];
#pragma GCC unroll 16
        for (int f = 0; f < Filters; ++f) d[f] = load_some(dy_at + f * c.dy_filter);
#pragma GCC unroll 16
        for (int t = 0; t < Taps; ++t) {
            const Vec<T> x = load_some(source_at + offsets[t]);
#pragma GCC unroll 16
            for (int f = 0; f < Filters; ++f) sum[f][t] += d[f] * x;
        }
    };
    for (Index n = 0; n < c.images; ++n) {
        const T* dy_at = dy + n * c.dy_image;
        const T* source_at = c.source + n * c.source_image;
        Index left = c.positions;
        for (; left >= lanes<T>; left -= lanes<T>, dy_at += lanes<T>, source_at += lanes<T>)
            step(dy_at, source_at, [](const T* from) { return load(from); });
        if (left > 0)
            step(dy_at, source_at, [=](const T* from) { return load_part(from, left, T(0)); });
    }
    T all[round_up(Filters * Taps, lanes<T>)];
    store_totals<T, Filters * Taps>(all, &sum[0][0]);
    for (int f = 0; f < Filters; ++f)
        for (int t = 0; t < Taps; ++t) sums[f * stride + t] += all[f * Taps + t];
}

template <class T>
using TileFunction = void (*)(const Correlation<T>&, const Index*, const T*, T*, Index) noexcept;

template <class T, int... I>
constexpr auto tile_table(std::integer_sequence<int, I...>) {
    constexpr int taps = SumTile<T>::taps;
    return std::array<TileFunction<T>, sizeof...(I)>{tile<T, 1 + I / taps, 1 + I % taps>...};
}

}  // namespace

template <class T>
void correlate(const Correlation<T>& c, Index filters, Index taps, T* sums, Index stride) noexcept {
    using Most = SumTile<T>;
    static constexpr auto table =
        tile_table<T>(std::make_integer_sequence<int, Most::filters * Most::taps>());
    for (Index f = 0; f < filters; f += Most::filters)
        for (Index t = 0; t < taps; t += Most::taps) {
            const Index rows = std::min(Most::filters, filters - f);
            const Index columns = std::min(Most::taps, taps - t);
            table[(rows - 1) * Most::taps + columns - 1](c, c.offsets + t, c.dy + f * c.dy_filter,
                                                         sums + f * stride + t, stride);
        }
}

template <class T>
T sum(const T* values, Index count) noexcept {
    Vec<T> sums[4] = {};
    Index i = 0;
    for (; i + 4 * lanes<T> <= count; i += 4 * lanes<T>)
        for (int k = 0; k < 4; ++k) sums[k] += load(values + i + k * lanes<T>);
    for (; i + lanes<T> <= count; i += lanes<T>) sums[0] += load(values + i);
    if (i < count) sums[1] += load_part(values + i, count - i, T(0));
    return total<T>((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void correlate(const Correlation<T>&, Index, Index, T*, Index) noexcept;              \
    template T sum(const T*, Index) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::conv

#include "kernels/gemm.h"

#include <array>
#include <utility>

namespace diglot::gemm {

namespace {

// The micro-kernel. `Rows` and `Vectors` are constants, so the sums live in registers.
template <class T, int Rows, int Vectors>
void tile(Index depth, Strided<T> a, const T* panel, Index columns, T* c, Index c_stride,
          bool accumulate) noexcept {
    Vec<T> sum[Rows][Vectors] = {};
    for (Index k = 0; k < depth; ++k) {
        Vec<T> b[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) b[v] = load(panel + v * lanes<T>);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
            const Vec<T> a_rk = broadcast(a.data[r * a.row_stride]);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) sum[r][v] += a_rk * b[v];
        }
        a.data += a.column_stride;
        panel += Vectors * lanes<T>;
    }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            T* to = c + r * c_stride + v * lanes<T>;
            const Index count = columns - v * lanes<T>;
            if (count >= lanes<T>)
                store<T>(to, accumulate ? load(to) + sum[r][v] : sum[r][v]);
            else
                store_part<T>(to, accumulate ? load_part(to, count, T(0)) + sum[r][v] : sum[r][v],
                              count);
        }
    }
}

template <class T>
using TileFunction = void (*)(Index, Strided<T>, const T*, Index, T*, Index, bool) noexcept;

// tile<T, rows, vectors> for every size up to the largest: an edge runs the same code, smaller.
template <class T, int... I>
constexpr auto tile_table(std::integer_sequence<int, I...>) {
    constexpr int vectors = Tile<T>::vectors;
    return std::array<TileFunction<T>, sizeof...(I)>{tile<T, 1 + I / vectors, 1 + I % vectors>...};
}

}  // namespace

template <class T>
void panel_times_block(Index rows, Index depth, Strided<T> a, const T* panel, Index columns, T* c,
                       Index c_stride, bool accumulate) noexcept {
    static constexpr auto table =
        tile_table<T>(std::make_integer_sequence<int, Tile<T>::rows * Tile<T>::vectors>());
    const Index vectors = (columns + lanes<T> - 1) / lanes<T>;
    table[(rows - 1) * Tile<T>::vectors + vectors - 1](depth, a, panel, columns, c, c_stride,
                                                       accumulate);
}

template <class T>
void pack_rows(T* packed, Strided<T> a, Index rows, Index depth) noexcept {
    for (Index i = 0; i < rows; i += Tile<T>::rows) {
        const Index count = std::min(Tile<T>::rows, rows - i);
        const Strided<T> strip = a.from(i, 0);
        if (a.row_stride == 1 && count == Tile<T>::rows) {  // a transpose: its rows are columns
            for (Index k = 0; k < depth; ++k, packed += Tile<T>::rows)
                std::copy_n(strip.data + k * strip.column_stride, Tile<T>::rows, packed);
            continue;
        }
        for (Index k = 0; k < depth; ++k)
            for (Index r = 0; r < count; ++r)
                *packed++ = strip.data[r * strip.row_stride + k * strip.column_stride];
    }
}

template <class T>
void PackStrided<T>::operator()(T* packed, Index first_row, Index depth) const noexcept {
    for (Index j = 0; j < columns; j += Tile<T>::columns) {
        const Panel<T> panel = Panel<T>::at(j, columns);
        const Strided<T> from = b.from(first_row, j);
        T* to = packed + j * depth;
        if (from.column_stride == 1) {
            for (Index k = 0; k < depth; ++k) {
                const T* row = from.data + k * from.row_stride;
                Index column = 0;
                for (; column + lanes<T> <= panel.count; column += lanes<T>)
                    store(to + column, load(row + column));
                if (column < panel.count)
                    store(to + column, load_part(row + column, panel.count - column, T(0)));
                to += panel.width;
            }
        } else {
            for (Index column = 0; column < panel.width; ++column)
                for (Index k = 0; k < depth; ++k)
                    to[k * panel.width + column] =
                        column < panel.count
                            ? from.data[k * from.row_stride + column * from.column_stride]
                            : T(0);
        }
    }
}

template <class T>
Index scratch_size(Index m, Index n, Index k) noexcept {
    const Index depth = std::min(k, Block<T>::depth);
    const Index columns = round_up(std::min(n, Block<T>::width), lanes<T>);
    return (columns + std::min(m, Block<T>::height)) * depth + lanes<T>;
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template struct PackStrided<T>;                                                                \
    template void panel_times_block(Index, Index, Strided<T>, const T*, Index, T*, Index,          \
                                    bool) noexcept;                                                \
    template void pack_rows(T*, Strided<T>, Index, Index) noexcept;                                \
    template Index scratch_size<T>(Index, Index, Index) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::gemm

#include "kernels/gemm.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kernels/transpose.h"

namespace diglot::gemm {

// ---- the micro-kernel ---------------------------------------------------------------------------

namespace {

// Where the columns of a packed block of B go: panels Tile::columns wide, the last one only as many
// vectors as it needs. Panel p begins at p * Tile::columns * depth; its rows are `width` apart.
template <class T>
struct Panel {
    Index count, width;  // columns, and columns rounded up to vectors

    static Panel at(Index begin, Index columns) {
        const Index count = std::min(Tile<T>::columns, columns - begin);
        return {count, round_up(count, lanes<T>)};
    }
};

// A block of B as the tiles read it: its first columns in place, the others from packed panels.
template <class T>
struct BlockOfB {
    const T* packed;
    Strided<T> in_place;
    Index in_place_columns;
};

// The inner dimension in runs of nearly equal depth, at most Block::depth: 288 is cut 144 + 144.
template <class T>
struct Runs {
    Index k, count;

    explicit Runs(Index inner)
        : k(inner), count(std::max<Index>(1, ceil_div(inner, Block<T>::depth))) {}
    Index begin(Index run) const { return k * run / count; }
    Index depth(Index run) const { return begin(run + 1) - begin(run); }
};

// One tile of C and what goes into it.
template <class T>
struct TileTask {
    Index depth;
    Strided<T> a;
    const T* b;
    Index b_stride;
    T* c;
    Index c_stride, columns;
    bool accumulate;
    const T* column_bias;  // may be null
};

// Adds what is there already and the bias to a tile's sums, and writes them. The last vector of a
// row is whole or not; the others always are.
template <bool Whole, class T, int Rows, int Vectors>
inline void finish(const TileTask<T>& task, Vec<T> (&sum)[Rows][Vectors]) {
    const Index rest = task.columns - (Vectors - 1) * lanes<T>;
    const auto read = [=](const T* from, int v) {
        return Whole || v + 1 < Vectors ? load(from + v * lanes<T>)
                                        : load_part(from + v * lanes<T>, rest, T(0));
    };
    if (task.accumulate)
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) sum[r][v] += read(task.c + r * task.c_stride, v);
    if (task.column_bias)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            const Vec<T> bias = read(task.column_bias, v);
#pragma GCC unroll 16
            for (int r = 0; r < Rows; ++r) sum[r][v] += bias;
        }
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
        T* const to = task.c + r * task.c_stride;
#pragma GCC unroll 4
        for (int v = 0; v + 1 < Vectors; ++v) store<T>(to + v * lanes<T>, sum[r][v]);
        if (Whole)
            store<T>(to + (Vectors - 1) * lanes<T>, sum[r][Vectors - 1]);
        else
            store_part<T>(to + (Vectors - 1) * lanes<T>, sum[r][Vectors - 1], rest);
    }
}

// `Rows` and `Vectors` are constants, so the sums live in registers.
template <class T, int Rows, int Vectors>
void tile(const TileTask<T>& task) noexcept {
    Vec<T> sum[Rows][Vectors] = {};
    const T *a = task.a.data, *b = task.b;
    const Index row_stride = task.a.row_stride, column_stride = task.a.column_stride;
    const Index b_stride = task.b_stride;
    for (Index k = task.depth; k > 0; --k) {
        Vec<T> b_k[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) b_k[v] = load(b + v * lanes<T>);
#pragma GCC unroll 16
        for (int r = 0; r < Rows; ++r) {
            const Vec<T> a_rk = broadcast(a[r * row_stride]);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) sum[r][v] += a_rk * b_k[v];
        }
        a += column_stride;
        b += b_stride;
    }
    if (task.columns == Vectors * lanes<T>)
        finish<true, T, Rows, Vectors>(task, sum);
    else
        finish<false, T, Rows, Vectors>(task, sum);
}

template <class T>
using TileFunction = void (*)(const TileTask<T>&) noexcept;

// tile<T, rows, vectors> for every size up to the largest: an edge runs the same code, smaller.
template <class T, int... I>
constexpr auto tile_table(std::integer_sequence<int, I...>) {
    constexpr int vectors = Tile<T>::vectors;
    return std::array<TileFunction<T>, sizeof...(I)>{tile<T, 1 + I / vectors, 1 + I % vectors>...};
}

// The rows of C in strips of nearly equal height: 9 rows are cut 5 + 4, not 8 + 1.
template <class T>
struct Strips {
    Index rows, count;

    explicit Strips(Index m) : rows(m), count(ceil_div(m, Tile<T>::rows)) {}
    Index begin(Index strip) const { return rows * strip / count; }
    Index height(Index strip) const { return begin(strip + 1) - begin(strip); }
};

// Rows of a packed strip, whatever it holds: a power of two, to be transposed in registers.
template <class T>
constexpr Index packed_height = Tile<T>::rows <= 4 ? 4 : 8;

// C[0..m) [0..n) (+)= A B for one block of each. A is packed if `packed_a` is, and in place else.
template <class T>
void multiply_block(Index m, Index n, Index depth, Strided<T> a, const T* packed_a, BlockOfB<T> b,
                    T* c, Index c_stride, bool accumulate, const T* column_bias) noexcept {
    static constexpr auto table =
        tile_table<T>(std::make_integer_sequence<int, Tile<T>::rows * Tile<T>::vectors>());
    const Strips<T> strips(m);
    for (Index s = 0; s < strips.count; ++s) {
        const Index i = strips.begin(s), rows = strips.height(s);
        const Strided<T> strip =
            packed_a ? Strided<T>{packed_a + s * packed_height<T> * depth, 1, packed_height<T>}
                     : a.from(i, 0);
        for (Index j = 0; j < n; j += Tile<T>::columns) {
            const Panel<T> panel = Panel<T>::at(j, n);
            const bool in_place = j < b.in_place_columns;
            const TileTask<T> task{depth,
                                   strip,
                                   in_place ? b.in_place.data + j : b.packed + j * depth,
                                   in_place ? b.in_place.row_stride : panel.width,
                                   c + i * c_stride + j,
                                   c_stride,
                                   panel.count,
                                   accumulate,
                                   column_bias ? column_bias + j : nullptr};
            table[(rows - 1) * Tile<T>::vectors + panel.width / lanes<T> - 1](task);
        }
    }
}

}  // namespace

// ---- packing ------------------------------------------------------------------------------------

namespace {

template <class T>
Index packed_rows_size(Index rows, Index depth) noexcept {
    return ceil_div(rows, Tile<T>::rows) * packed_height<T> * depth;
}

// `lanes` columns of a strip whose rows are consecutive in memory.
template <class T>
inline void pack_square(T* to, Strided<T> strip, Index count) {
    constexpr int height = packed_height<T>, part = std::min<Index>(height, lanes<T>);
#pragma GCC unroll 2
    for (int first = 0; first < height; first += part) {
        Vec<T> block[part];
#pragma GCC unroll 8
        for (int r = 0; r < part; ++r)  // rows that are missing repeat the last one
            block[r] = load(strip.data + std::min<Index>(first + r, count - 1) * strip.row_stride);
        if constexpr (part == lanes<T>)
            transpose<T>(block);
        else
            interleave<T, part>(block);
#pragma GCC unroll 8
        for (int r = 0; r < part; ++r) {
            const int place = r * lanes<T> / part * height + r * lanes<T> % part + first;
            store<T>(to + place, block[r]);
        }
    }
}

template <class T>
void pack_rows(T* packed, Strided<T> a, Index rows, Index depth) noexcept {
    constexpr Index height = packed_height<T>;
    const Strips<T> strips(rows);
    for (Index s = 0; s < strips.count; ++s) {
        const Index count = strips.height(s);
        const Strided<T> strip = a.from(strips.begin(s), 0);
        T* const to = packed + s * height * depth;
        Index k = 0;
        if (a.column_stride == 1)
            for (; k + lanes<T> <= depth; k += lanes<T>)
                pack_square(to + k * height, strip.from(0, k), count);
        else if (a.row_stride == 1 && count == Tile<T>::rows)
            for (; k < depth; ++k)
                std::copy_n(strip.data + k * a.column_stride, Tile<T>::rows, to + k * height);
        for (; k < depth; ++k)
            for (Index r = 0; r < count; ++r)
                to[k * height + r] = strip.data[r * a.row_stride + k * a.column_stride];
    }
}

// Columns of a row-major matrix: whole vectors, and the last one filled with zeros.
template <class T>
void copy_panel(T* to, Strided<T> from, Panel<T> panel, Index depth) {
    for (Index k = 0; k < depth; ++k, to += panel.width) {
        const T* row = from.data + k * from.row_stride;
        Index column = 0;
        for (; column + lanes<T> <= panel.count; column += lanes<T>)
            store(to + column, load(row + column));
        if (column < panel.count)
            store(to + column, load_part(row + column, panel.count - column, T(0)));
    }
}

// Columns of a transposed matrix, each consecutive in memory: squares of lanes x lanes.
template <class T>
void transpose_panel(T* to, Strided<T> from, Panel<T> panel, Index depth) {
    for (Index column = 0; column < panel.width; column += lanes<T>) {
        const Index count = std::min(lanes<T>, panel.count - column);
        for (Index k = 0; k < depth; k += lanes<T>) {
            const Index run = std::min(lanes<T>, depth - k);
            Vec<T> square[lanes<T>];
            for (Index c = 0; c < lanes<T>; ++c) {
                const T* at = from.data + (column + c) * from.column_stride + k;
                square[c] = c >= count        ? Vec<T>{}
                            : run == lanes<T> ? load(at)
                                              : load_part(at, run, T(0));
            }
            transpose<T>(square);
            for (Index r = 0; r < run; ++r)
                store<T>(to + (k + r) * panel.width + column, square[r]);
        }
    }
}

template <class T>
void gather_panel(T* to, Strided<T> from, Panel<T> panel, Index depth) {
    for (Index k = 0; k < depth; ++k, to += panel.width)
        for (Index column = 0; column < panel.width; ++column)
            to[column] = column < panel.count
                             ? from.data[k * from.row_stride + column * from.column_stride]
                             : T(0);
}

// Packs a part of B, depth x columns, from its first element on.
template <class T>
void pack_columns(T* packed, Strided<T> b, Index columns, Index depth) noexcept {
    for (Index j = 0; j < columns; j += Tile<T>::columns) {
        const Panel<T> panel = Panel<T>::at(j, columns);
        const Strided<T> from = b.from(0, j);
        T* to = packed + j * depth;
        if (b.column_stride == 1)
            copy_panel(to, from, panel, depth);
        else if (b.row_stride == 1)
            transpose_panel(to, from, panel, depth);
        else
            gather_panel(to, from, panel, depth);
    }
}

}  // namespace

// ---- the product --------------------------------------------------------------------------------

namespace {

// Packing A costs more than it gives where few panels of B read it.
template <class T>
bool a_in_place(Index n) {
    return n <= 8 * Tile<T>::columns;
}

// Packing B costs more than it gives where few strips of A read it. The last panel is packed all the
// same if it does not fill its vectors; so is a transposed B, whose rows are not consecutive.
template <class T>
bool b_in_place(Strided<T> b, Index m) {
    return b.column_stride == 1 && m <= 128;
}

template <class T>
Index block_height(Index n) {
    return n <= Block<T>::width ? Block<T>::height : Block<T>::tall_height;
}

}  // namespace

template <class T>
void multiply(Index m, Index n, Index k, Strided<T> a, Strided<T> b, const T* column_bias, T* c,
              Index c_stride, T* scratch, bool add) noexcept {
    const Index most_rows = block_height<T>(n), width = std::min(n, Block<T>::width);
    T* const packed_b = scratch;
    T* const packed_a = scratch + round_up(width, lanes<T>) * std::min(k, Block<T>::depth);
    const bool pack_a = !a_in_place<T>(n), in_place = b_in_place(b, m);
    const Runs<T> runs(k);
    for (Index run = 0; run < runs.count; ++run) {
        const Index row = runs.begin(run), depth = runs.depth(run);
        const bool last = run + 1 == runs.count;
        for (Index i = 0; i < m; i += most_rows) {
            const Index rows = std::min(most_rows, m - i);
            if (pack_a) pack_rows(packed_a, a.from(i, row), rows, depth);
            for (Index j = 0; j < n; j += width) {
                const Index columns = std::min(width, n - j);
                // The columns before `first` are read in place.
                const Index panels = columns / Tile<T>::columns * Tile<T>::columns;
                const Index first = !in_place ? 0 : columns % lanes<T> == 0 ? columns : panels;
                if (i == 0 || width < n)
                    pack_columns(packed_b + first * depth, b.from(row, j + first), columns - first,
                                 depth);
                multiply_block(rows, columns, depth, a.from(i, row), pack_a ? packed_a : nullptr,
                               BlockOfB<T>{packed_b, b.from(row, j), first}, c + i * c_stride + j,
                               c_stride, add || run > 0,
                               last && column_bias ? column_bias + j : nullptr);
            }
        }
    }
}

// Run by run, the panels of all columns.
template <class T>
Index packed_size(Index n, Index k) noexcept {
    return round_up(n, lanes<T>) * k;
}

template <class T>
void pack(Strided<T> b, Index n, Index k, Index first, Index end, T* packed) noexcept {
    const Runs<T> runs(k);
    for (Index run = 0; run < runs.count; ++run) {
        const Index row = runs.begin(run), depth = runs.depth(run);
        pack_columns(packed + round_up(n, lanes<T>) * row + first * depth, b.from(row, first),
                     end - first, depth);
    }
}

template <class T>
void multiply_packed(Index m, Index n, Index k, Strided<T> a, const T* packed, const T* column_bias,
                     bool add, T* c, Index c_stride) noexcept {
    const Runs<T> runs(k);
    for (Index run = 0; run < runs.count; ++run) {
        const Index row = runs.begin(run), depth = runs.depth(run);
        const T* const panels = packed + round_up(n, lanes<T>) * row;
        const bool last = run + 1 == runs.count;
        for (Index j = 0; j < n; j += Block<T>::width)
            multiply_block<T>(m, std::min(Block<T>::width, n - j), depth, a.from(0, row), nullptr,
                              {panels + j * depth, {}, 0}, c + j, c_stride, add || run > 0,
                              last && column_bias ? column_bias + j : nullptr);
    }
}

template <class T>
Index scratch_size(Index m, Index n, Index k) noexcept {
    const Index depth = std::min(k, Block<T>::depth), width = std::min(n, Block<T>::width);
    const Index height = std::min(m, block_height<T>(n));
    return round_up(width, lanes<T>) * depth + packed_rows_size<T>(height, depth) + lanes<T>;
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index scratch_size<T>(Index, Index, Index) noexcept;                                  \
    template void multiply(Index, Index, Index, Strided<T>, Strided<T>, const T*, T*, Index, T*,   \
                           bool) noexcept;                                                         \
    template Index packed_size<T>(Index, Index) noexcept;                                          \
    template void pack(Strided<T>, Index, Index, Index, Index, T*) noexcept;                       \
    template void multiply_packed(Index, Index, Index, Strided<T>, const T*, const T*, bool, T*,   \
                                  Index) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::gemm

// Rung 5, across rows: a tile goes on in the next row where one row of outputs ends.
//
// In the copy with its border, row follows row without a gap, and every shift is the same for all
// of them. So outputs are counted along the padded image: the few that fall on its border are
// computed, too, and thrown away. Of a padded row of 16, that is 2 (with 3 x 3 weights); rung 4
// threw away 18 of 32. And as rows do not matter any more, the tile may be as wide as the registers
// allow.
//
// The price is at the end of a tile, which has to be taken apart into rows. Measured with AVX-512:
// 1.8 times at 14 x 14 with 256 channels, 1.02 at 56 x 56, nothing at 28 x 28, where 28 of 32 lanes
// were used already; and a loss (0.8 times) with a single channel, whose tiles end after 25 steps.
#include <cstring>

#include "ladder/conv2d.h"
#include "ladder/edges.h"
#include "ladder/matmul.h"
#include "ladder/padded_image.h"

namespace diglot::ladder {

namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr Index tile_rows = 8, tile_vectors = 3;  // filters, and registers of outputs
#else
constexpr Index tile_rows = 4, tile_vectors = 3;
#endif
template <class T>
constexpr Index tile_columns = tile_vectors * lanes<T>;

// Weights times pixels for one tile of outputs, `taps` products each: from position `first` on,
// counted along rows of `pitch`, of which the outputs' `ow` exist.
template <class T>
void tile(Index taps, const T* image, const Index* offsets, Matrix<const T> w, const T* b,
          Index first, Index pitch, Index ow, Matrix<T> y) {
    const T* w_row[tile_rows];
    Vec<T> sum[tile_rows][tile_vectors];
    for (Index r = 0; r < tile_rows; ++r) {
        const Index o = std::min(r, y.rows - 1);
        w_row[r] = w.row(o);
        for (Index v = 0; v < tile_vectors; ++v) sum[r][v] = broadcast(b ? b[o] : T(0));
    }
    for (Index k = 0; k < taps; ++k) {
        Vec<T> x_k[tile_vectors];
        for (Index v = 0; v < tile_vectors; ++v)
            x_k[v] = load(image + first + offsets[k] + v * lanes<T>);
        for (Index r = 0; r < tile_rows; ++r)
            for (Index v = 0; v < tile_vectors; ++v) sum[r][v] += broadcast(w_row[r][k]) * x_k[v];
    }
    T outputs[tile_rows][tile_columns<T> + lanes<T>];  // room for a register's load past the end
    for (Index r = 0; r < tile_rows; ++r) std::memcpy(outputs[r], sum[r], sizeof sum[r]);
    const Index last = std::min(first + tile_columns<T>, ceil_div(y.columns, ow) * pitch);
    for (Index p = first, next; p < last; p = next) {
        const Index i = p / pitch, j = p % pitch;
        next = std::min(last, (i + 1) * pitch);
        const Index count = std::min(next - p, ow - j);
        for (Index q = 0; q < count; q += lanes<T>)
            for (Index r = 0; r < tile_rows && r < y.rows; ++r)
                store_some<T>(y.row(r) + i * ow + j + q, load(outputs[r] + p - first + q),
                              count - q);
    }
}

}  // namespace

template <class T>
Index conv2d_across_rows_scratch(const ConvShape& s, int) noexcept {
    return PaddedImage(s).size<T>() + PaddedImage::offsets_size<T>(s);
}

template <class T>
void conv2d_across_rows(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                        View<T, 4> y, T* image, int) noexcept {
    const PaddedImage padded(s);
    Index* const offsets = reinterpret_cast<Index*>(image + padded.size<T>());
    padded.write_offsets(s, offsets);
    for (Index n = 0; n < s.n; ++n)
        for (Index group = 0; group < s.groups; ++group) {
            padded.copy(s, x.at(n, group * s.group_channels()), image);
            const Index end = (group + 1) * s.group_filters();
            for (Index o = group * s.group_filters(); o < end; o += tile_rows)
                for (Index p = 0; p < (s.oh - 1) * padded.pitch + s.ow; p += tile_columns<T>)
                    tile<T>(s.patch(), image, offsets, {w.at(o), end - o, s.patch(), s.patch()},
                            b ? b + o : b, p, padded.pitch, s.ow,
                            {y.at(n, o), end - o, s.positions(), s.positions()});
        }
}

DIGLOT_COMPILE_CONV2D(across_rows)

}  // namespace diglot::ladder

// Rung 4, direct: the tile reads the image itself; there are no patches.
//
// In the matrix of patches one row differs from another by a shift of the image. So nothing needs
// to be written down: the pixels for a weight (c, u, v) are the image, read from another place on,
// and that place is one number for each weight, the same for all tiles. It takes a border of real
// zeros around the image (padded_image.h): one copy of each pixel, instead of KH*KW. A tile is 8
// filters x 2 registers of outputs, as in the matrix product; the pixels of a tile, and the weights
// of its filters, are in the first-level cache.
//
// Measured with AVX-512: 1.1 times with 64 channels of 56 x 56, 1.4 with one channel of 28 x 28 and
// 5 x 5 weights. Its weak spot: a tile lies within one row of outputs. Of 32 lanes, a row of 28
// uses 28, one of 14 uses 14: with 256 channels of 14 x 14 it has 0.7 times the speed of rung 3.
#include "ladder/conv2d.h"
#include "ladder/edges.h"
#include "ladder/matmul.h"
#include "ladder/padded_image.h"

namespace diglot::ladder {

namespace {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr Index tile_rows = 8, tile_vectors = 2;  // filters, and registers of outputs in a row
#else
constexpr Index tile_rows = 4, tile_vectors = 2;
#endif
template <class T>
constexpr Index tile_columns = tile_vectors * lanes<T>;

// Weights times pixels for one tile of outputs, `taps` products each.
template <class T>
void tile(Index taps, const T* image, const Index* offsets, Matrix<const T> w, const T* b,
          Matrix<T> y) {
    const T* w_row[tile_rows];
    Vec<T> sum[tile_rows][tile_vectors];
    for (Index r = 0; r < tile_rows; ++r) {
        const Index o = std::min(r, y.rows - 1);
        w_row[r] = w.row(o);
        for (Index v = 0; v < tile_vectors; ++v) sum[r][v] = broadcast(b ? b[o] : T(0));
    }
    for (Index k = 0; k < taps; ++k) {
        Vec<T> x_k[tile_vectors];
        for (Index v = 0; v < tile_vectors; ++v) x_k[v] = load(image + offsets[k] + v * lanes<T>);
        for (Index r = 0; r < tile_rows; ++r)
            for (Index v = 0; v < tile_vectors; ++v) sum[r][v] += broadcast(w_row[r][k]) * x_k[v];
    }
    for (Index r = 0; r < tile_rows && r < y.rows; ++r)
        for (Index v = 0; v < tile_vectors; ++v)
            store_some<T>(y.row(r) + v * lanes<T>, sum[r][v], y.columns - v * lanes<T>);
}

}  // namespace

template <class T>
Index conv2d_direct_scratch(const ConvShape& s, int) noexcept {
    return PaddedImage(s).size<T>() + PaddedImage::offsets_size<T>(s);
}

template <class T>
void conv2d_direct(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                   View<T, 4> y, T* image, int) noexcept {
    const PaddedImage padded(s);
    Index* const offsets = reinterpret_cast<Index*>(image + padded.size<T>());
    padded.write_offsets(s, offsets);
    for (Index n = 0; n < s.n; ++n)
        for (Index group = 0; group < s.groups; ++group) {
            padded.copy(s, x.at(n, group * s.group_channels()), image);
            const Index end = (group + 1) * s.group_filters();
            for (Index o = group * s.group_filters(); o < end; o += tile_rows)
                for (Index i = 0; i < s.oh; ++i)
                    for (Index j = 0; j < s.ow; j += tile_columns<T>)
                        tile<T>(s.patch(), image + i * padded.pitch + j, offsets,
                                {w.at(o), end - o, s.patch(), s.patch()}, b ? b + o : b,
                                {y.at(n, o, i, j), end - o, s.ow - j, s.positions()});
        }
}

DIGLOT_COMPILE_CONV2D(direct)

}  // namespace diglot::ladder

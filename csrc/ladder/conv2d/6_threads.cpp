// Rung 6, threads: each thread takes the next image that nobody has.
//
// Images need nothing of each other. Each thread has its own padded copy, and the weights are
// shared. With groups, a task is one group of one image. A single image keeps a single thread busy:
// a library has to cut images, too.
#include <cstring>

#include "kernels/parallel.h"
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
Index conv2d_threads_scratch(const ConvShape& s, int threads) noexcept {
    return threads * PaddedImage(s).size<T>() + PaddedImage::offsets_size<T>(s);
}

template <class T>
void conv2d_threads(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                    View<T, 4> y, T* scratch, int threads) noexcept {
    const PaddedImage padded(s);
    Index* const offsets = reinterpret_cast<Index*>(scratch + threads * padded.size<T>());
    padded.write_offsets(s, offsets);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (Index task = 0; task < s.n * s.groups; ++task) {
        const Index n = task / s.groups, group = task % s.groups;
        T* const image = scratch + thread_index() * padded.size<T>();
        padded.copy(s, x.at(n, group * s.group_channels()), image);
        const Index end = (group + 1) * s.group_filters();
        for (Index o = group * s.group_filters(); o < end; o += tile_rows)
            for (Index p = 0; p < (s.oh - 1) * padded.pitch + s.ow; p += tile_columns<T>)
                tile<T>(s.patch(), image, offsets, {w.at(o), end - o, s.patch(), s.patch()},
                        b ? b + o : b, p, padded.pitch, s.ow,
                        {y.at(n, o), end - o, s.positions(), s.positions()});
    }
}

DIGLOT_COMPILE_CONV2D(threads)

}  // namespace diglot::ladder

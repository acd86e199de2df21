#include "kernels/winograd.h"

#include <cmath>

namespace diglot::conv {

namespace {

constexpr Index out_tile = 4, in_tile = 6, points = in_tile * in_tile;

// B' x, G x and A' x, each along one axis. V is a number or a register of them.
template <class V>
inline void transform_input(const V x[in_tile], V to[in_tile]) {
    const V even = x[4] - 4 * x[2], odd = x[3] - 4 * x[1];
    const V even2 = x[4] - x[2], odd2 = 2 * (x[3] - x[1]);
    to[0] = even + 4 * x[0] - x[2];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = even2 + odd2;
    to[4] = even2 - odd2;
    to[5] = 4 * x[1] - 5 * x[3] + x[5];
}

template <class V>
inline void transform_filter(const V g[3], V to[in_tile]) {
    const V outer = g[0] + g[2], far = (g[0] + 4 * g[2]) / 24, middle = g[1] / 12;
    to[0] = g[0] / 4;
    to[1] = (outer + g[1]) / -6;
    to[2] = (outer - g[1]) / -6;
    to[3] = far + middle;
    to[4] = far - middle;
    to[5] = g[2];
}

template <class V>
inline void transform_output(const V m[in_tile], V to[out_tile]) {
    const V sum = m[1] + m[2], difference = m[1] - m[2];
    const V far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    to[0] = m[0] + sum + far_sum;
    to[1] = difference + 2 * far_difference;
    to[2] = sum + 4 * far_sum;
    to[3] = difference + 8 * far_difference + m[5];
}

// One axis: outputs that lie `dilation` apart, in tiles of 4, seen through a window of 6.
struct TileAxis {
    Index dilation;
    Axis outputs;

    explicit TileAxis(const Axis& axis) : dilation(std::abs(axis.shift_step)), outputs(axis) {}
    Index pixels(Index phase) const { return ceil_div(outputs.outputs - phase, dilation); }
    Index tiles() const { return ceil_div(pixels(0), out_tile); }  // enough for every phase
    Axis window(Index phase) const {
        return {tiles(), outputs.size, out_tile * dilation, in_tile, outputs.lowest() + phase,
                dilation};
    }
};

// The tiles of a block in one image, and their place among all of the block.
struct Tiles {
    Index row, rows, columns;
    Index count() const { return rows * columns; }
};

template <class T>
void transform_images(const Planes& planes, const Tiles& tiles, const T* memory, T* to,
                      Index point_stride) noexcept {
    Index offset[in_tile][in_tile];
    for (Index r = 0; r < in_tile; ++r)
        for (Index s = 0; s < in_tile; ++s) offset[r][s] = planes.offset(r, s);
    for (Index p = 0; p < tiles.count(); p += lanes<T>) {
        Vec<T> half[in_tile][in_tile];
#pragma GCC unroll 6
        for (Index s = 0; s < in_tile; ++s) {
            Vec<T> column[in_tile], transformed[in_tile];
#pragma GCC unroll 6
            for (Index r = 0; r < in_tile; ++r) column[r] = load(memory + offset[r][s] + p);
            transform_input(column, transformed);
#pragma GCC unroll 6
            for (Index r = 0; r < in_tile; ++r) half[r][s] = transformed[r];
        }
        for (Index r = 0; r < in_tile; ++r) {
            Vec<T> transformed[in_tile];
            transform_input(half[r], transformed);
#pragma GCC unroll 6
            for (Index s = 0; s < in_tile; ++s)
                store(to + (r * in_tile + s) * point_stride + p, transformed[s]);
        }
    }
}

// Where a tile's outputs go: pixels `step` apart, clipped at the image's end.
struct OutputGrid {
    Index width, step_rows, step_columns;  // of the image
    Index rows, columns;                   // pixels of this phase
};

// Writes row r of the outputs of lanes<T> tiles: they lie as [column in the tile][tile].
template <class T>
void write_row(const T outputs[out_tile][lanes<T>], const Tiles& tiles, Index p, Index r,
               const OutputGrid& grid, T* y) noexcept {
    constexpr Index width = out_tile * lanes<T>;
    T line[width];
    for (Index tile = 0; tile < lanes<T>; ++tile)
        for (Index s = 0; s < out_tile; ++s) line[tile * out_tile + s] = outputs[s][tile];
    const Index count = std::min(lanes<T>, tiles.count() - p);
    for (Index done = 0; done < count;) {
        const Index i = (p + done) / tiles.columns, j = (p + done) % tiles.columns;
        const Index run = std::min(count - done, tiles.columns - j);
        const Index row = (tiles.row + i) * out_tile + r;
        const Index pixels = std::min(run * out_tile, grid.columns - j * out_tile);
        if (row < grid.rows && pixels > 0) {
            const T* from = line + done * out_tile;
            T* to = y + row * grid.step_rows * grid.width + j * out_tile * grid.step_columns;
            if (grid.step_columns == 1)
                std::copy_n(from, pixels, to);
            else
                for (Index k = 0; k < pixels; ++k) to[k * grid.step_columns] = from[k];
        }
        done += run;
    }
}

// Returns whether all results are finite.
template <class T>
bool transform_products(const Tiles& tiles, const OutputGrid& grid, const T* products,
                        Index point_stride, T bias, T* y) noexcept {
    Vec<T> finite = {};  // 0 * y is NaN where y is infinite or NaN
    for (Index p = 0; p < tiles.count(); p += lanes<T>) {
        Vec<T> half[out_tile][in_tile];
#pragma GCC unroll 6
        for (Index s = 0; s < in_tile; ++s) {
            Vec<T> column[in_tile], transformed[out_tile];
#pragma GCC unroll 6
            for (Index r = 0; r < in_tile; ++r)
                column[r] = load(products + (r * in_tile + s) * point_stride + p);
            transform_output(column, transformed);
#pragma GCC unroll 4
            for (Index r = 0; r < out_tile; ++r) half[r][s] = transformed[r];
        }
        const Index count = tiles.count() - p;
        for (Index r = 0; r < out_tile; ++r) {
            Vec<T> transformed[out_tile];
            T outputs[out_tile][lanes<T>];
            transform_output(half[r], transformed);
#pragma GCC unroll 4
            for (Index s = 0; s < out_tile; ++s) {
                const Vec<T> value = transformed[s] + bias;
                store(outputs[s], value);
                finite += count >= lanes<T> ? 0 * value : load_part(outputs[s], count, T(0)) * 0;
            }
            write_row<T>(outputs, tiles, p, r, grid, y);
        }
    }
    T sum = 0;
    for (Index lane = 0; lane < lanes<T>; ++lane) sum += finite[lane];
    return sum == 0;
}

template <class T>
Planes tile_planes(const Pass& pass, const WinogradPlan& plan) {
    const Axis rows = TileAxis(pass.rows).window(0), columns = TileAxis(pass.columns).window(0);
    return Planes(rows, columns, plan.tile_rows, columns.outputs);
}

}  // namespace

namespace {

// Tiles whose transformed inputs fit in the cache.
template <class T>
Index most_tiles(const Pass& pass) {
    constexpr Index transformed_bytes = 640 * 1024;
    return std::max(lanes<T>, Index(transformed_bytes / sizeof(T)) / (points * pass.channels));
}

}  // namespace

template <class T>
bool suits_winograd(const Pass& pass) noexcept {
    constexpr Index least = 32, most_channels = 384, most_weights = 512 * 256;
    const auto three = [](const Axis& axis) { return axis.taps == 3 && axis.stride == 1; };
    if (!three(pass.rows) || !three(pass.columns) || pass.channels < least ||
        pass.filters < least || pass.channels > most_channels ||
        pass.channels * pass.filters > most_weights)
        return false;
    // A grid that leaves most of a register empty, or whose rows do not fit the cache, gains nothing.
    const Index rows = TileAxis(pass.rows).tiles(), columns = TileAxis(pass.columns).tiles();
    return 2 * rows * columns >= lanes<T> && columns <= 2 * most_tiles<T>(pass);
}

template <class T>
WinogradPlan WinogradPlan::of(const Pass& pass, Index images, int threads) noexcept {
    constexpr Index product_bytes = 192 * 1024;
    const Index most_tiles = conv::most_tiles<T>(pass);
    const TileAxis rows(pass.rows), columns(pass.columns);
    const Index height = rows.tiles(), width = columns.tiles();
    WinogradPlan plan{rows.dilation * columns.dilation, 1, height, 0, 0};
    const Index grids = images * plan.phases;
    if (height * width > most_tiles)
        plan.tile_rows = std::max<Index>(1, most_tiles / width);
    else
        plan.grids = std::clamp<Index>(most_tiles / (height * width), 1,
                                       std::max<Index>(1, ceil_div(grids, 2 * threads)));
    plan.tile_rows = ceil_div(height, ceil_div(height, plan.tile_rows));
    plan.tile_stride = round_up(plan.grids * plan.tile_rows * width + lanes<T>, lanes<T>);
    const Strips strips = Strips::of<T>(pass.filters);
    const Index fit = Index(product_bytes / sizeof(T)) / (points * plan.tile_stride);
    plan.filters = std::max<Index>(1, fit / strips.height) * strips.height;
    return plan;
}

template <class T>
Index winograd_shared_size(const Pass& pass) noexcept {
    return whole_lines(points * pass.filters * pass.channels);
}

template <class T>
Index winograd_thread_size(const Pass& pass, const WinogradPlan& plan) noexcept {
    return whole_lines(tile_planes<T>(pass, plan).channel() + lanes<T>) +
           whole_lines(points * pass.channels * plan.tile_stride) +
           whole_lines(points * plan.filters * plan.tile_stride);
}

template <class T>
void transform_filters(const Pass& pass, const Weights<T>& w, Index first,
                       T* transformed) noexcept {
    constexpr Index most = Tile<T>::filters;
    const Index filters = Strips::of<T>(pass.filters).rows(first);
    // A negative step of the taps is a filter that is turned around.
    const Index u_first = pass.rows.shift_step < 0 ? 2 : 0, u_step = 1 - u_first;
    const Index v_first = pass.columns.shift_step < 0 ? 2 : 0, v_step = 1 - v_first;
    for (Index c = 0; c < pass.channels; ++c) {
        const T* const from = w.data + first * w.filter + c * w.channel;
        T* const to = transformed + (first * pass.channels + c * filters);
        T g[3][3][most] = {}, half[in_tile][3][most];
        for (Index u = 0; u < 3; ++u)
            for (Index v = 0; v < 3; ++v)
                for (Index f = 0; f < filters; ++f)
                    g[u][v][f] = from[f * w.filter + (u_first + u * u_step) * w.u +
                                      (v_first + v * v_step) * w.v];
        for (Index v = 0; v < 3; ++v)
            for (Index f = 0; f < most; ++f) {
                const T column[3] = {g[0][v][f], g[1][v][f], g[2][v][f]};
                T point[in_tile];
                transform_filter(column, point);
                for (Index r = 0; r < in_tile; ++r) half[r][v][f] = point[r];
            }
        for (Index r = 0; r < in_tile; ++r) {
            T point[in_tile][most];
            for (Index f = 0; f < most; ++f) {
                const T row[3] = {half[r][0][f], half[r][1][f], half[r][2][f]};
                T one[in_tile];
                transform_filter(row, one);
                for (Index s = 0; s < in_tile; ++s) point[s][f] = one[s];
            }
            for (Index s = 0; s < in_tile; ++s)
                std::copy_n(point[s], filters,
                            to + (r * in_tile + s) * pass.filters * pass.channels);
        }
    }
}

Index winograd_blocks(const Pass& pass, const WinogradPlan& plan, Index images) noexcept {
    return ceil_div(images * plan.phases, plan.grids) *
           ceil_div(TileAxis(pass.rows).tiles(), plan.tile_rows);
}

Index winograd_image(const Pass& pass, const WinogradPlan& plan, Index block, Index grid) noexcept {
    const Index bands = ceil_div(TileAxis(pass.rows).tiles(), plan.tile_rows);
    return (block / bands * plan.grids + grid) / plan.phases;
}

template <class T>
void winograd_block(const Pass& pass, const WinogradPlan& plan, Index images, Index block,
                    const WinogradArrays<T>& a, const T* transformed, bool* finite,
                    T* scratch) noexcept {
    const TileAxis rows(pass.rows), columns(pass.columns);
    const Index bands = ceil_div(rows.tiles(), plan.tile_rows);
    const Index first_grid = block / bands * plan.grids;
    const Index last_grid = std::min(images * plan.phases, first_grid + plan.grids);
    const Index first_row = block % bands * plan.tile_rows;
    const Tiles tiles{first_row, std::min(plan.tile_rows, rows.tiles() - first_row),
                      columns.tiles()};
    const Band band{first_row, tiles.rows, 0, tiles.columns};
    T* const copied = scratch;
    T* const inputs = copied + whole_lines(tile_planes<T>(pass, plan).channel() + lanes<T>);
    T* const products = inputs + whole_lines(points * pass.channels * plan.tile_stride);

    // Grids follow each other, and whole registers are written: the next one's overwrite the rest.
    for (Index c = 0; c < pass.channels; ++c)
        for (Index grid = first_grid; grid < last_grid; ++grid) {
            const Index phase = grid % plan.phases;
            const Planes planes(rows.window(phase / columns.dilation),
                                columns.window(phase % columns.dilation), plan.tile_rows,
                                tiles.columns);
            planes.fill(a.image + grid / plan.phases * a.image_stride + c * pass.plane(), band,
                        copied);
            transform_images(planes, tiles, copied,
                             inputs + c * plan.tile_stride + (grid - first_grid) * tiles.count(),
                             pass.channels * plan.tile_stride);
        }
    const Index zero = 0, count = (last_grid - first_grid) * tiles.count();
    const Taps taps{pass.channels, plan.tile_stride, 1, &zero};
    const Strips strips = Strips::of<T>(pass.filters);
    std::fill_n(finite, plan.grids, true);
    for (Index f = 0; f < pass.filters; f += plan.filters) {
        const Index end = std::min(pass.filters, f + plan.filters);
        for (Index point = 0; point < points; ++point)
            for (Index strip = f; strip < end; strip += strips.height)
                strip_of_outputs<T>(taps, strips.rows(strip), count,
                                    transformed + (point * pass.filters + strip) * pass.channels,
                                    inputs + point * pass.channels * plan.tile_stride, nullptr,
                                    false,
                                    products + ((strip - f) * points + point) * plan.tile_stride,
                                    points * plan.tile_stride);
        for (Index filter = f; filter < end; ++filter)
            for (Index grid = first_grid; grid < last_grid; ++grid) {
                const Index phase = grid % plan.phases;
                const Index row = phase / columns.dilation, column = phase % columns.dilation;
                const OutputGrid pixels{pass.columns.outputs, rows.dilation, columns.dilation,
                                        rows.pixels(row), columns.pixels(column)};
                finite[grid - first_grid] &= transform_products(
                    tiles, pixels,
                    products + (filter - f) * points * plan.tile_stride +
                        (grid - first_grid) * tiles.count(),
                    plan.tile_stride, a.bias ? a.bias[filter] : T(0),
                    a.y + grid / plan.phases * a.y_stride + filter * pass.positions() +
                        row * pass.columns.outputs + column);
            }
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template bool suits_winograd<T>(const Pass&) noexcept;                                         \
    template WinogradPlan WinogradPlan::of<T>(const Pass&, Index, int) noexcept;                   \
    template Index winograd_shared_size<T>(const Pass&) noexcept;                                  \
    template Index winograd_thread_size<T>(const Pass&, const WinogradPlan&) noexcept;             \
    template void transform_filters(const Pass&, const Weights<T>&, Index, T*) noexcept;           \
    template void winograd_block(const Pass&, const WinogradPlan&, Index, Index,                   \
                                 const WinogradArrays<T>&, const T*, bool*, T*) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::conv

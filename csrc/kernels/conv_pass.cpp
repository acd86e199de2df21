#include "kernels/conv_pass.h"

namespace diglot::conv {

namespace {
constexpr Index planes_bytes = 384 * 1024;  // leaves room for weights and outputs in 1 MiB
constexpr Index wide_enough = 192;          // outputs of a band: four tiles of the widest build
}  // namespace

template <class T>
Cut Cut::of(const Pass& pass, Index least_bands) {
    constexpr Index budget = planes_bytes / sizeof(T);
    const Index height = pass.rows.outputs, width = pass.columns.outputs;
    const auto channel = [&](Index rows, Index columns) {
        return Planes(pass.rows, pass.columns, rows, columns).channel();
    };
    Cut cut{};
    cut.columns = width;
    cut.rows = std::min(height, ceil_div(wide_enough, width));
    if (channel(cut.rows, width) > budget) {
        cut.rows = 1;
        while (cut.columns > lanes<T> && channel(1, cut.columns) > budget)
            cut.columns = ceil_div(cut.columns, 2);
    }
    const Index affordable = budget / std::max<Index>(1, channel(cut.rows, cut.columns));
    const Index all = std::max<Index>(1, pass.channels);
    const Index blocks = ceil_div(all, std::clamp<Index>(affordable, 1, all));
    cut.channels = ceil_div(all, blocks);
    if (blocks == 1 && cut.columns == width) {  // as tall as fits, but enough bands for the threads
        const Index tallest = std::max(cut.rows, height / std::max<Index>(1, least_bands));
        while (cut.rows < tallest && pass.channels * channel(cut.rows + 1, width) <= budget)
            ++cut.rows;
    }
    // Bands as equal as can be, or a little taller to end with whole registers: 28 rows of 28 are
    // cut 8 + 8 + 8 + 4 rather than 4 x 7, whose 196 outputs leave a quarter of a register.
    const Index even = ceil_div(height, ceil_div(height, cut.rows));
    const Index whole = round_up(even, lanes<T> / std::gcd(width, lanes<T>));
    cut.rows = whole <= cut.rows ? whole : even;
    cut.row_bands = ceil_div(height, cut.rows);
    cut.column_bands = ceil_div(width, cut.columns);
    return cut;
}

template <class T>
void pack_strips(const Pass& pass, const Weights<T>& w, Index first, Index end,
                 T* packed) noexcept {
    const Strips strips = Strips::of<T>(pass.filters);
    const Index taps = pass.taps(), depth = pass.depth();
    // Line by line of what lies together in memory: a filter's weights, or a tap's of all filters.
    if (w.v == 1 && w.u == pass.columns.taps && w.channel == taps) {
        constexpr Index line = 64 / sizeof(T);
        for (Index f = first; f < end; f += strips.height)
            for (Index d = 0, rows = strips.rows(f); d < depth; d += line)
                for (Index r = 0; r < rows; ++r)
                    for (Index i = d; i < std::min(d + line, depth); ++i)
                        packed[f * depth + i * rows + r] = w.data[(f + r) * w.filter + i];
        return;
    }
    Index d = 0;
    for (Index c = 0; c < pass.channels; ++c)
        for (Index u = 0; u < pass.rows.taps; ++u)
            for (Index v = 0; v < pass.columns.taps; ++v, ++d)
                for (Index f = first; f < end; f += strips.height) {
                    const T* const from = w.data + f * w.filter + c * w.channel + u * w.u + v * w.v;
                    const Index rows = strips.rows(f);
                    T* const to = packed + f * depth + d * rows;
                    for (Index r = 0; r < rows; ++r) to[r] = from[r * w.filter];
                }
}

void fill_offsets(const Pass& pass, const Cut& cut, Index* offsets) noexcept {
    const Planes planes = cut.planes(pass);
    for (Index u = 0; u < pass.rows.taps; ++u)
        for (Index v = 0; v < pass.columns.taps; ++v)
            *offsets++ = planes.offset(u, v);  // in place, it is the same
}

template <class T>
void convolve_band(const Pass& pass, const Cut& cut, const Band& band, Source<T> source,
                   const T* packed, const Index* offsets, const T* bias, T* y, Index y_stride,
                   T* planes_memory) noexcept {
    const Index plane = pass.rows.size * pass.columns.size;
    // The last register of a row of outputs is read whole, a little beyond the image.
    const bool in_place = pass.reads_in_place() && band.columns == pass.columns.outputs &&
                          source.image_end - source.image >= pass.channels * plane + lanes<T>;
    const Planes planes = cut.planes(pass);
    const Strips strips = Strips::of<T>(pass.filters);
    const Index block = in_place ? pass.channels : cut.channels;
    Index c = 0;
    do {  // once even if there are no channels: the outputs are the bias
        const Taps taps{std::min(block, pass.channels - c), in_place ? plane : planes.channel(),
                        pass.taps(), offsets};
        const T* from = source.image + c * plane + band.row * pass.columns.size;
        if (!in_place) {
            for (Index i = 0; i < taps.channels; ++i)
                planes.fill(source.image + (c + i) * plane, band,
                            planes_memory + i * planes.channel());
            from = planes_memory;
        }
        for (Index f = 0; f < pass.filters; f += strips.height)
            strip_of_outputs(taps, strips.rows(f), band.outputs(),
                             packed + f * pass.depth() + c * taps.count * strips.rows(f), from,
                             bias ? bias + f : nullptr, c > 0, y + f * y_stride, y_stride);
        c += block;
    } while (c < pass.channels);
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Cut Cut::of<T>(const Pass&, Index);                                                   \
    template void pack_strips(const Pass&, const Weights<T>&, Index, Index, T*) noexcept;          \
    template void convolve_band(const Pass&, const Cut&, const Band&, Source<T>, const T*,         \
                                const Index*, const T*, T*, Index, T*) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::conv

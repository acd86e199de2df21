#include "kernels/conv.h"

#include <numeric>

#include "kernels/conv_pass.h"
#include "kernels/parallel.h"

namespace diglot {

int conv2d_threads(const ConvShape& s) noexcept {
    return team_size(get_num_threads(), s.multiply_adds() / 16);
}

// ---- forward: a task is a band of outputs of one image and one group ----------------------------

namespace {

using conv::Cut, conv::Pass;

Pass forward_pass(const ConvShape& s) {
    return {s.group_channels(),
            s.group_filters(),
            {s.oh, s.h, s.stride.height, s.kh, -s.padding.height, s.dilation.height},
            {s.ow, s.w, s.stride.width, s.kw, -s.padding.width, s.dilation.width}};
}

// Bands per image, so that the threads find some tasks each even if there is one image.
Index least_bands(const ConvShape& s, int threads) {
    return threads == 1 ? 1 : ceil_div(4 * threads, std::max<Index>(1, s.n * s.groups));
}

template <class T>
Index offsets_size(const ConvShape& s) {
    return whole_lines(ceil_div(s.window() * sizeof(Index), sizeof(T)));
}

// What all threads read: where the taps are, and the packed weights of all groups.
template <class T>
Index shared_size(const ConvShape& s) {
    return offsets_size<T>(s) + whole_lines(s.oc * s.patch());
}

// Called by all threads of a team: they share the work, and wait for each other.
template <class T>
void prepare(const ConvShape& s, const Pass& pass, const Cut& cut, const conv::Weights<T>& weights,
             Index group_stride, Index* offsets, T* packed) noexcept {
    const conv::Strips strips = conv::Strips::of<T>(pass.filters);
    const Index count = ceil_div(pass.filters, strips.height);
#pragma omp for schedule(static)
    for (Index i = 0; i < s.groups * count; ++i) {
        const Index group = i / count, first = i % count * strips.height;
        if (i == 0) conv::fill_offsets(pass, cut, offsets);
        conv::pack_strip<T>(pass, weights.from(group * group_stride), first,
                            packed + (group * pass.filters + first) * pass.depth());
    }
}

}  // namespace

template <class T>
Index conv2d_forward_scratch(const ConvShape& s, int threads) noexcept {
    const Pass pass = forward_pass(s);
    const Cut cut = Cut::of<T>(pass, least_bands(s, threads));
    return shared_size<T>(s) + threads * cut.planes_size<T>(pass);
}

template <class T>
void conv2d_forward(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                    View<T, 4> y, T* scratch, int threads) noexcept {
    const Pass pass = forward_pass(s);
    const Cut cut = Cut::of<T>(pass, least_bands(s, threads));
    const Index bands = cut.row_bands * cut.column_bands, tasks = s.n * s.groups * bands;
    Index* const offsets = reinterpret_cast<Index*>(scratch);
    T* const packed = scratch + offsets_size<T>(s);
    T* const planes = scratch + shared_size<T>(s);

#pragma omp parallel num_threads(threads)
    {
        prepare<T>(s, pass, cut, {w.data, s.patch(), s.window(), s.kw, 1},
                   pass.filters * s.patch(), offsets, packed);
#pragma omp for schedule(dynamic)
        for (Index task = 0; task < tasks; ++task) {
            const Band band = cut.band(pass, task % bands);
            const Index group = task / bands % s.groups, n = task / (bands * s.groups);
            const Index filter = group * pass.filters;
            conv::convolve_band<T>(pass, cut, band,
                                   {x.at(n, group * pass.channels), x.data + x.size()},
                                   packed + filter * pass.depth(), offsets,
                                   b ? b + filter : nullptr,
                                   y.at(n, filter, band.row, band.column), s.positions(),
                                   planes + thread_index() * cut.planes_size<T>(pass));
        }
    }
}

// ---- input gradient: a task is a band of one image and one group, phase after phase -------------

namespace {

// The pixels of one axis that have the same place, `first`, between two windows, and the elements
// of the window that reach them: every `step`th one from `tap` on.
struct Phase {
    Index first, tap, step;
    Axis axis;

    Phase(Index first, Index size, Index outputs, Index taps, Index stride, Index padding,
          Index dilation)
        : first(first), tap(0), step(stride / std::gcd(stride, dilation)) {
        const Index most = std::min(step, taps);
        while (tap < most && (first + padding - tap * dilation) % stride != 0) ++tap;
        const Index count = tap < most ? ceil_div(taps - tap, step) : 0;
        axis = {ceil_div(size - first, stride),
                outputs,
                1,
                count,
                (first + padding - tap * dilation) / stride,
                -dilation * step / stride};
    }
};

struct InputPhase {
    Phase row, column;
    Pass pass;
    Cut cut;

    static Index count(const ConvShape& s) {
        return std::min(s.stride.height, s.h) * std::min(s.stride.width, s.w);
    }

    template <class T>
    static InputPhase at(const ConvShape& s, Index index, int threads) {
        const Index columns = std::min(s.stride.width, s.w);
        const Phase row(index / columns, s.h, s.oh, s.kh, s.stride.height, s.padding.height,
                        s.dilation.height);
        const Phase column(index % columns, s.w, s.ow, s.kw, s.stride.width, s.padding.width,
                           s.dilation.width);
        const Pass pass{s.group_filters(), s.group_channels(), row.axis, column.axis};
        return {row, column, pass, Cut::of<T>(pass, least_bands(s, threads))};
    }

    // Channels and filters have changed places; taps count the phase's own.
    template <class T>
    conv::Weights<T> weights(const ConvShape& s, const T* w) const {
        return {w + row.tap * s.kw + column.tap, s.window(), s.patch(), row.step * s.kw,
                column.step};
    }

    // The pixels of a phase lie apart in dx, so they are put together in scratch first.
    template <class T>
    Index gathered_size(const ConvShape& s) const {
        if (s.stride.height == 1 && s.stride.width == 1) return 0;
        return whole_lines(pass.filters * cut.rows * cut.columns);
    }
};

// dx at every stride-th pixel of a band = what has been gathered of it.
template <class T>
void scatter(const ConvShape& s, const InputPhase& phase, const Band& band, const T* gathered,
             T* channel) noexcept {
    for (Index c = 0; c < phase.pass.filters; ++c, channel += s.h * s.w)
        for (Index i = 0; i < band.rows; ++i, gathered += band.columns) {
            T* const to = channel + ((band.row + i) * s.stride.height + phase.row.first) * s.w +
                          band.column * s.stride.width + phase.column.first;
            for (Index j = 0; j < band.columns; ++j) to[j * s.stride.width] = gathered[j];
        }
}

template <class T>
Index input_thread_scratch(const ConvShape& s, int threads) {
    Index most = 0;
    for (Index index = 0; index < InputPhase::count(s); ++index) {
        const InputPhase phase = InputPhase::at<T>(s, index, threads);
        most = std::max(most, phase.cut.planes_size<T>(phase.pass) + phase.gathered_size<T>(s));
    }
    return most;
}

}  // namespace

template <class T>
Index conv2d_backward_input_scratch(const ConvShape& s, int threads) noexcept {
    return shared_size<T>(s) + threads * input_thread_scratch<T>(s, threads);
}

template <class T>
void conv2d_backward_input(const ConvShape& s, View<const T, 4> dy, View<const T, 4> w,
                           View<T, 4> dx, T* scratch, int threads) noexcept {
    const Index per_thread = input_thread_scratch<T>(s, threads);
    Index* const offsets = reinterpret_cast<Index*>(scratch);
    T* const packed = scratch + offsets_size<T>(s);
    T* const thread_scratch = scratch + shared_size<T>(s);

#pragma omp parallel num_threads(threads)
    for (Index index = 0; index < InputPhase::count(s); ++index) {
        const InputPhase phase = InputPhase::at<T>(s, index, threads);
        const Pass& pass = phase.pass;
        const Cut& cut = phase.cut;
        const Index bands = cut.row_bands * cut.column_bands, tasks = s.n * s.groups * bands;
        const Index gathered = phase.gathered_size<T>(s);
        prepare<T>(s, pass, cut, phase.weights<T>(s, w.data), s.group_filters() * s.patch(),
                   offsets, packed);
#pragma omp for schedule(dynamic)
        for (Index task = 0; task < tasks; ++task) {
            const Band band = cut.band(pass, task % bands);
            const Index group = task / bands % s.groups, n = task / (bands * s.groups);
            T* const mine = thread_scratch + thread_index() * per_thread;
            T* const image = dx.at(n, group * pass.filters);
            const conv::Source<T> source{dy.at(n, group * pass.channels), dy.data + dy.size()};
            const T* const group_weights = packed + group * pass.filters * pass.depth();
            if (gathered == 0) {
                conv::convolve_band<T>(pass, cut, band, source, group_weights, offsets, nullptr,
                                       image + band.row * s.w + band.column, s.h * s.w, mine);
            } else {
                conv::convolve_band<T>(pass, cut, band, source, group_weights, offsets, nullptr,
                                       mine, band.outputs(), mine + gathered);
                scatter(s, phase, band, mine, image);
            }
        }
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index conv2d_forward_scratch<T>(const ConvShape&, int) noexcept;                      \
    template Index conv2d_backward_input_scratch<T>(const ConvShape&, int) noexcept;               \
    template void conv2d_forward(const ConvShape&, View<const T, 4>, View<const T, 4>, const T*,   \
                                 View<T, 4>, T*, int) noexcept;                                    \
    template void conv2d_backward_input(const ConvShape&, View<const T, 4>, View<const T, 4>,      \
                                        View<T, 4>, T*, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

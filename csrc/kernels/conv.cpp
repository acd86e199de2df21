#include "kernels/conv.h"

#include <algorithm>
#include <atomic>
#include <numeric>

#include "kernels/parallel.h"
#include "kernels/winograd.h"

namespace diglot {

namespace {
std::atomic<bool> winograd{true};
}  // namespace

void set_winograd(bool enabled) noexcept { winograd.store(enabled, std::memory_order_relaxed); }

bool get_winograd() noexcept { return winograd.load(std::memory_order_relaxed); }

int conv2d_threads(const ConvShape& s) noexcept {
    return team_size(get_num_threads(), s.multiply_adds() / 16);
}

namespace {

using conv::Cut, conv::Pass, conv::WinogradPlan;

// ---- one pass over all images and groups --------------------------------------------------------

// Where a pass writes: every `step`th pixel of images of this width.
template <class T>
struct Target {
    T* data;
    Index image, group, channel;  // strides
    Index width;
    Pair step;

    bool dense() const { return step.height == 1 && step.width == 1; }
    T* at(Index n, Index g, const Band& band) const {
        return data + n * image + g * group + band.row * step.height * width +
               band.column * step.width;
    }
};

template <class T>
struct Job {
    Pass pass;
    Index images, groups;
    conv::Weights<T> weights;
    Index weights_group;  // stride
    View<const T, 4> source;
    const T* bias;  // may be null
    Target<T> target;

    const T* image(Index n, Index group) const { return source.at(n, group * pass.channels); }
    const T* group_bias(Index group) const { return bias ? bias + group * pass.filters : nullptr; }
};

// Bands per image, so that the threads find some tasks each even if there is one image.
Index least_bands(const ConvShape& s, int threads) {
    return threads == 1 ? 1 : ceil_div(4 * threads, std::max<Index>(1, s.n * s.groups));
}

template <class T>
Index offsets_size(const Pass& pass) {
    return whole_lines(ceil_div(pass.taps() * sizeof(Index), sizeof(T)));
}

// What all threads read: where the taps are, and the packed weights of all groups.
template <class T>
Index direct_shared(const ConvShape& s, const Pass& pass) {
    return offsets_size<T>(pass) + whole_lines(s.groups * pass.filters * pass.depth());
}

// The outputs of a band, where they are put together in scratch first.
template <class T>
Index gathered_size(const Pass& pass, const Cut& cut, bool gather) {
    return gather ? whole_lines(pass.filters * cut.rows * cut.columns) : 0;
}

template <class T>
Index direct_scratch(const ConvShape& s, const Pass& pass, bool gather, int threads) {
    const Cut cut = Cut::of<T>(pass, least_bands(s, threads));
    return direct_shared<T>(s, pass) +
           threads * (cut.planes_size<T>(pass) + gathered_size<T>(pass, cut, gather));
}

template <class T>
void scatter(const Pass& pass, const Band& band, const T* gathered, const Target<T>& target,
             T* channel) noexcept {
    for (Index c = 0; c < pass.filters; ++c, channel += target.channel)
        for (Index i = 0; i < band.rows; ++i, gathered += band.columns) {
            T* const to = channel + i * target.step.height * target.width;
            for (Index j = 0; j < band.columns; ++j) to[j * target.step.width] = gathered[j];
        }
}

// A task is a band of outputs of one image and one group; `wanted` says of which images. Where the
// outputs are gathered in scratch, `finish(group, band, gathered, y)` brings them to their places.
template <class T, class Wanted, class Finish>
void convolve_directly(const ConvShape& s, const Job<T>& job, const Wanted& wanted, bool gather,
                       const Finish& finish, T* scratch, int threads) noexcept {
    const Pass& pass = job.pass;
    const Cut cut = Cut::of<T>(pass, least_bands(s, threads));
    const conv::Strips strips = conv::Strips::of<T>(pass.filters);
    const Index strip_count = ceil_div(pass.filters, strips.height);
    const Index bands = cut.row_bands * cut.column_bands, tasks = job.images * job.groups * bands;
    const Index chunk = 1 + tasks / (32 * threads);  // handing out a task takes its time as well
    const Index gathered = gathered_size<T>(pass, cut, gather);
    Index* const offsets = reinterpret_cast<Index*>(scratch);
    T* const packed = scratch + offsets_size<T>(pass);
    T* const thread_scratch = scratch + direct_shared<T>(s, pass);
    conv::fill_offsets(pass, cut, offsets);

#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (Index i = 0; i < job.groups * strip_count; ++i) {
            const Index group = i / strip_count, first = i % strip_count * strips.height;
            conv::pack_strip<T>(pass, job.weights.from(group * job.weights_group), first,
                                packed + (group * pass.filters + first) * pass.depth());
        }
        T* const mine = thread_scratch + thread_index() * (cut.planes_size<T>(pass) + gathered);
#pragma omp for schedule(dynamic, chunk)
        for (Index task = 0; task < tasks; ++task) {
            const Index group = task / bands % job.groups, n = task / (bands * job.groups);
            if (!wanted(n)) continue;
            const Band band = cut.band(pass, task % bands);
            T* const y = job.target.at(n, group, band);
            conv::convolve_band<T>(pass, cut, band,
                                   {job.image(n, group), job.source.data + job.source.size()},
                                   packed + group * pass.filters * pass.depth(), offsets,
                                   job.group_bias(group), gathered ? mine : y,
                                   gathered ? band.outputs() : job.target.channel, mine + gathered);
            if (gathered) finish(group, band, mine, y);
        }
    }
}

const auto all = [](Index) { return true; };
const auto nothing = [](const auto&...) {};

template <class T>
Index winograd_flags(const Pass& pass, const WinogradPlan& plan, Index images) {
    return whole_lines(conv::winograd_blocks(pass, plan, images) * plan.grids);
}

// A task is a block of tiles; images whose results are not all finite are convolved again.
template <class T>
void convolve_by_winograd(const ConvShape& s, const Job<T>& job, T* scratch, int threads) noexcept {
    const Pass& pass = job.pass;
    const WinogradPlan plan = WinogradPlan::of<T>(pass, job.images, threads);
    const conv::Strips strips = conv::Strips::of<T>(pass.filters);
    const Index blocks = conv::winograd_blocks(pass, plan, job.images);
    const conv::WinogradArrays<T> arrays{job.source.data, job.source.shape[1] * pass.plane(),
                                         job.target.data, job.target.image, job.bias};
    bool* const finite = reinterpret_cast<bool*>(scratch);
    T* const transformed = scratch + winograd_flags<T>(pass, plan, job.images);
    T* const thread_scratch = transformed + conv::winograd_shared_size<T>(pass);

#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (Index first = 0; first < pass.filters; first += strips.height)
            conv::transform_filters(pass, job.weights, first, transformed);
#pragma omp for schedule(dynamic)
        for (Index block = 0; block < blocks; ++block)
            conv::winograd_block(
                pass, plan, job.images, block, arrays, transformed, finite + block * plan.grids,
                thread_scratch + thread_index() * conv::winograd_thread_size<T>(pass, plan));
    }
    const Index grids = blocks * plan.grids;
    if (std::all_of(finite, finite + grids, [](bool all) { return all; })) return;
    const auto wanted = [&](Index n) {
        for (Index grid = 0; grid < grids; ++grid)
            if (!finite[grid] &&
                conv::winograd_image(pass, plan, grid / plan.grids, grid % plan.grids) == n)
                return true;
        return false;
    };
    convolve_directly(s, job, wanted, false, nothing, transformed, threads);
}

// ---- one output channel -------------------------------------------------------------------------
//
// A tile of one filter loads as much as it computes. So where a pass has a single output channel
// (the input gradient of a grey image), each column v of the window becomes a filter of its own,
// which reads the source without a shift; then their rows are added, each shifted by its v:
//
//     y[i, j] = sum over v of z[v, i, j + shift(v)],   z[v, i, j] = sum over (c, u) of ...

bool by_columns(const Pass& pass) {
    constexpr Index least_channels = 8, whole_rows = 16 * 1024;
    return pass.filters == 1 && pass.columns.taps > 2 && pass.columns.stride == 1 &&
           pass.channels >= least_channels &&
           pass.columns.size * (pass.rows.span() + 1) <= whole_rows;
}

Pass column_pass(const Pass& pass) {
    const Index size = pass.columns.size;
    return {pass.channels, pass.columns.taps, pass.rows, {size, size, 1, 1, 0, 1}};
}

template <class T>
void add_shifted_rows(const Pass& pass, const Band& band, const T* columns, T bias,
                      const Target<T>& target, T* y) noexcept {
    const Index outputs = pass.columns.outputs;
    for (Index i = 0; i < band.rows; ++i, y += target.step.height * target.width) {
        for (Index j = 0; j < outputs; ++j) y[j * target.step.width] = bias;
        for (Index v = 0; v < pass.columns.taps; ++v) {
            const Index shift = pass.columns.shift(v);
            const Inside inside(shift, 1, band.columns, outputs);
            const T* const from = columns + (v * band.rows + i) * band.columns + shift;
            if (target.step.width == 1)
                for (Index j = inside.first; j < inside.end; ++j) y[j] += from[j];
            else
                for (Index j = inside.first; j < inside.end; ++j)
                    y[j * target.step.width] += from[j];
        }
    }
}

// ---- which way -----------------------------------------------------------------------------------

bool by_winograd(const ConvShape& s, const Pass& pass) {
    return s.winograd && s.groups == 1 && conv::suits_winograd(pass);
}

template <class T>
Index convolve_scratch(const ConvShape& s, const Pass& pass, bool dense, int threads) {
    if (by_columns(pass)) return direct_scratch<T>(s, column_pass(pass), true, threads);
    const Index direct = direct_scratch<T>(s, pass, !dense, threads);
    if (!by_winograd(s, pass)) return direct;
    const WinogradPlan plan = WinogradPlan::of<T>(pass, s.n, threads);
    return winograd_flags<T>(pass, plan, s.n) +
           std::max(direct, conv::winograd_shared_size<T>(pass) +
                                threads * conv::winograd_thread_size<T>(pass, plan));
}

template <class T>
void convolve(const ConvShape& s, const Job<T>& job, T* scratch, int threads) noexcept {
    if (by_columns(job.pass)) {
        Job<T> columns = job;
        columns.pass = column_pass(job.pass);
        columns.weights.filter = job.weights.v;
        columns.bias = nullptr;
        const auto add = [&](Index group, const Band& band, const T* gathered, T* y) {
            const T bias = job.bias ? job.bias[group] : T(0);
            add_shifted_rows(job.pass, band, gathered, bias, job.target, y);
        };
        convolve_directly(s, columns, all, true, add, scratch, threads);
    } else if (by_winograd(s, job.pass)) {
        convolve_by_winograd(s, job, scratch, threads);
    } else {
        const auto scattered = [&](Index, const Band& band, const T* gathered, T* y) {
            scatter(job.pass, band, gathered, job.target, y);
        };
        convolve_directly(s, job, all, !job.target.dense(), scattered, scratch, threads);
    }
}

// ---- the forward pass ---------------------------------------------------------------------------

Pass forward_pass(const ConvShape& s) {
    return {s.group_channels(),
            s.group_filters(),
            {s.oh, s.h, s.stride.height, s.kh, -s.padding.height, s.dilation.height},
            {s.ow, s.w, s.stride.width, s.kw, -s.padding.width, s.dilation.width}};
}

// ---- the input gradient: one pass for each phase ------------------------------------------------

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
    Pass pass;  // channels and filters have changed places

    static Index count(const ConvShape& s) {
        return std::min(s.stride.height, s.h) * std::min(s.stride.width, s.w);
    }
    static InputPhase at(const ConvShape& s, Index index) {
        const Index columns = std::min(s.stride.width, s.w);
        const Phase row(index / columns, s.h, s.oh, s.kh, s.stride.height, s.padding.height,
                        s.dilation.height);
        const Phase column(index % columns, s.w, s.ow, s.kw, s.stride.width, s.padding.width,
                           s.dilation.width);
        return {row, column, {s.group_filters(), s.group_channels(), row.axis, column.axis}};
    }
};

}  // namespace

template <class T>
Index conv2d_forward_scratch(const ConvShape& s, int threads) noexcept {
    return convolve_scratch<T>(s, forward_pass(s), true, threads);
}

template <class T>
void conv2d_forward(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                    View<T, 4> y, T* scratch, int threads) noexcept {
    const Index filters = s.oc * s.positions(), group = s.group_filters();
    const Job<T> job{forward_pass(s),
                     s.n,
                     s.groups,
                     {w.data, s.patch(), s.window(), s.kw, 1},
                     group * s.patch(),
                     x,
                     b,
                     {y.data, filters, group * s.positions(), s.positions(), s.ow, {1, 1}}};
    convolve(s, job, scratch, threads);
}

template <class T>
Index conv2d_backward_input_scratch(const ConvShape& s, int threads) noexcept {
    const bool dense = s.stride.height == 1 && s.stride.width == 1;
    Index most = 0;
    for (Index index = 0; index < InputPhase::count(s); ++index)
        most =
            std::max(most, convolve_scratch<T>(s, InputPhase::at(s, index).pass, dense, threads));
    return most;
}

template <class T>
void conv2d_backward_input(const ConvShape& s, View<const T, 4> dy, View<const T, 4> w,
                           View<T, 4> dx, T* scratch, int threads) noexcept {
    const Index image = s.c * s.h * s.w, group = s.group_channels() * s.h * s.w;
    for (Index index = 0; index < InputPhase::count(s); ++index) {
        const auto [row, column, pass] = InputPhase::at(s, index);
        const Job<T> job{
            pass,
            s.n,
            s.groups,
            {w.data + row.tap * s.kw + column.tap, s.window(), s.patch(), row.step * s.kw,
             column.step},
            s.group_filters() * s.patch(),
            dy,
            nullptr,
            {dx.data + row.first * s.w + column.first, image, group, s.h * s.w, s.w, s.stride}};
        convolve(s, job, scratch, threads);
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

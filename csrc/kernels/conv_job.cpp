#include "kernels/conv_job.h"

#include <algorithm>

#include "kernels/depthwise.h"
#include "kernels/team.h"
#include "kernels/winograd.h"

namespace diglot::conv {

namespace {

// ---- directly -----------------------------------------------------------------------------------

// Bands per image, so that the threads find some tasks each even if there is one image.
Index least_bands(const Batch& batch, int threads) {
    return threads == 1 ? 1
                        : ceil_div(4 * threads, std::max<Index>(1, batch.images * batch.groups));
}

template <class T>
Index offsets_size(const Pass& pass) {
    return whole_lines(ceil_div(pass.taps() * sizeof(Index), sizeof(T)));
}

// What all threads read: where the taps are, and the packed weights of all groups.
template <class T>
Index direct_shared(const Pass& pass, const Batch& batch) {
    return offsets_size<T>(pass) + whole_lines(batch.groups * pass.filters * pass.depth());
}

// The outputs of a band, where they are put together in scratch first.
template <class T>
Index gathered_size(const Pass& pass, const Cut& cut, bool gather) {
    return gather ? whole_lines(pass.filters * cut.rows * cut.columns) : 0;
}

template <class T>
Index direct_scratch(const Pass& pass, const Batch& batch, bool gather, int threads) {
    const Cut cut = Cut::of<T>(pass, least_bands(batch, threads));
    return direct_shared<T>(pass, batch) +
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
void convolve_directly(const Job<T>& job, const Wanted& wanted, bool gather, const Finish& finish,
                       T* scratch, int threads) noexcept {
    const Pass& pass = job.pass;
    const Batch& batch = job.batch;
    const Cut cut = Cut::of<T>(pass, least_bands(batch, threads));
    const Index pack = 8 * Strips::of<T>(pass.filters).height;  // filters packed together
    const Index packs = ceil_div(pass.filters, pack);
    const Index bands = cut.row_bands * cut.column_bands,
                tasks = job.batch.images * job.batch.groups * bands;
    const Index gathered = gathered_size<T>(pass, cut, gather);
    Index* const offsets = reinterpret_cast<Index*>(scratch);
    T* const packed = scratch + offsets_size<T>(pass);
    T* const thread_scratch = scratch + direct_shared<T>(pass, batch);
    fill_offsets(pass, cut, offsets);

    run_team(threads, [&] {
#pragma omp for schedule(static)
        for (Index i = 0; i < job.batch.groups * packs; ++i) {
            const Index group = i / packs, first = i % packs * pack;
            pack_strips<T>(pass, job.weights.from(group * job.weights_group), first,
                           std::min(first + pack, pass.filters),
                           packed + group * pass.filters * pass.depth());
        }
        T* const mine = thread_scratch + thread_index() * (cut.planes_size<T>(pass) + gathered);
        const Index chunk = chunk_size(tasks, threads);
#pragma omp for schedule(dynamic, chunk)
        for (Index task = 0; task < tasks; ++task) {
            const Index group = task / bands % job.batch.groups,
                        n = task / (bands * job.batch.groups);
            if (!wanted(n)) continue;
            const Band band = cut.band(pass, task % bands);
            T* const y = job.target.at(n, group, band);
            convolve_band<T>(pass, cut, band,
                             {job.image(n, group), job.source.data + job.source.size()},
                             packed + group * pass.filters * pass.depth(), offsets,
                             job.group_bias(group), gathered ? mine : y,
                             gathered ? band.outputs() : job.target.channel, mine + gathered);
            if (gathered) finish(group, band, mine, y);
        }
    });
}

const auto all = [](Index) { return true; };
const auto nothing = [](const auto&...) {};

template <class T>
Index winograd_flags(const Pass& pass, const WinogradPlan& plan, Index images) {
    return whole_lines(winograd_blocks(pass, plan, images) * plan.grids + images);
}

// A task is a block of tiles; images whose results are not all finite are convolved again.
template <class T>
void convolve_by_winograd(const Job<T>& job, T* scratch, int threads) noexcept {
    const Pass& pass = job.pass;
    const WinogradPlan plan = WinogradPlan::of<T>(pass, job.batch.images, threads);
    const Strips strips = Strips::of<T>(pass.filters);
    const Index blocks = winograd_blocks(pass, plan, job.batch.images);
    const WinogradArrays<T> arrays{job.source.data, job.source.shape[1] * pass.plane(),
                                   job.target.data, job.target.image, job.bias};
    bool* const finite = reinterpret_cast<bool*>(scratch);
    T* const transformed = scratch + winograd_flags<T>(pass, plan, job.batch.images);
    T* const thread_scratch = transformed + winograd_shared_size<T>(pass);

    run_team(threads, [&] {
#pragma omp for schedule(static)
        for (Index first = 0; first < pass.filters; first += strips.height)
            transform_filters(pass, job.weights, first, transformed);
#pragma omp for schedule(dynamic)
        for (Index block = 0; block < blocks; ++block)
            winograd_block(pass, plan, job.batch.images, block, arrays, transformed,
                           finite + block * plan.grids,
                           thread_scratch + thread_index() * winograd_thread_size<T>(pass, plan));
    });
    const Index grids = blocks * plan.grids;
    if (std::all_of(finite, finite + grids, [](bool all) { return all; })) return;
    bool* const again = finite + grids;  // for each image
    std::fill_n(again, job.batch.images, false);
    for (Index grid = 0; grid < grids; ++grid)
        if (!finite[grid])
            again[winograd_image(pass, plan, grid / plan.grids, grid % plan.grids)] = true;
    const auto wanted = [=](Index n) { return again[n]; };
    convolve_directly(job, wanted, false, nothing, transformed, threads);
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

template <class T>
bool by_winograd(const Pass& pass, const Batch& batch) {
    return batch.winograd && batch.groups == 1 && suits_winograd<T>(pass);
}

bool by_depthwise(const Pass& pass, bool dense) { return dense && suits_depthwise(pass); }

}  // namespace

template <class T>
Index convolve_scratch(const Pass& pass, const Batch& batch, bool dense, int threads) noexcept {
    if (by_depthwise(pass, dense)) return 0;
    if (by_columns(pass)) return direct_scratch<T>(column_pass(pass), batch, true, threads);
    const Index direct = direct_scratch<T>(pass, batch, !dense, threads);
    if (!by_winograd<T>(pass, batch)) return direct;
    const WinogradPlan plan = WinogradPlan::of<T>(pass, batch.images, threads);
    return winograd_flags<T>(pass, plan, batch.images) +
           std::max(direct,
                    winograd_shared_size<T>(pass) + threads * winograd_thread_size<T>(pass, plan));
}

template <class T>
void convolve(const Job<T>& job, T* scratch, int threads) noexcept {
    if (by_depthwise(job.pass, job.target.dense())) {
        convolve_depthwise(job, threads);
    } else if (by_columns(job.pass)) {
        Job<T> columns = job;
        columns.pass = column_pass(job.pass);
        columns.weights.filter = job.weights.v;
        columns.bias = nullptr;
        const auto add = [&](Index group, const Band& band, const T* gathered, T* y) {
            const T bias = job.bias ? job.bias[group] : T(0);
            add_shifted_rows(job.pass, band, gathered, bias, job.target, y);
        };
        convolve_directly(columns, all, true, add, scratch, threads);
    } else if (by_winograd<T>(job.pass, job.batch)) {
        convolve_by_winograd(job, scratch, threads);
    } else {
        const auto scattered = [&](Index, const Band& band, const T* gathered, T* y) {
            scatter(job.pass, band, gathered, job.target, y);
        };
        convolve_directly(job, all, !job.target.dense(), scattered, scratch, threads);
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index convolve_scratch<T>(const Pass&, const Batch&, bool, int) noexcept;             \
    template void convolve(const Job<T>&, T*, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::conv

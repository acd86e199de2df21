// The weight gradient of a convolution.
#include "kernels/conv.h"
#include "kernels/conv_sums.h"
#include "kernels/planes.h"
#include "kernels/team.h"

namespace diglot {

namespace {

// How the sums over images and positions are cut. By the shape alone: the order of summation must
// not depend on the number of threads.
struct SumCut {
    Index pieces;         // parts of the batch, summed apart and added up in their order
    Index images;         // of a piece, that are summed in one go
    Index rows, columns;  // outputs of an image, that are summed in one go
    Index channels;       // whose planes fit the cache together

    template <class T>
    static SumCut of(const ConvShape& s);

    Index begin(const ConvShape& s, Index piece) const { return piece * s.n / pieces; }
    Planes planes(const ConvShape& s) const {
        const Axis heights{s.oh, s.h, s.stride.height, s.kh, -s.padding.height, s.dilation.height};
        const Axis widths{s.ow, s.w, s.stride.width, s.kw, -s.padding.width, s.dilation.width};
        return Planes(heights, widths, rows, columns);
    }
    Index blocks(const ConvShape& s) const {
        return std::max<Index>(1, ceil_div(s.group_channels(), channels));
    }
    Index taps(const ConvShape& s) const { return channels * s.window(); }
};

template <class T>
SumCut SumCut::of(const ConvShape& s) {
    constexpr Index planes_elements = 384 * 1024 / sizeof(T);
    constexpr Index positions = 2048;  // adding up the lanes costs as much as some ten of them
    constexpr Index all_sums = 256 * 1024, most_pieces = 16;
    SumCut cut{};
    const Index affordable =
        std::min({s.n, most_pieces, all_sums / std::max<Index>(1, s.oc * s.patch())});
    cut.pieces = 1;
    while (2 * cut.pieces <= affordable) cut.pieces *= 2;
    cut.columns = s.ow;
    cut.rows = std::clamp<Index>(positions / s.ow, 1, s.oh);
    cut.images = 1;
    while (cut.rows > 1 && cut.planes(s).channel() > planes_elements)
        cut.rows = ceil_div(cut.rows, 2);
    while (cut.columns > lanes<T> && cut.planes(s).channel() > planes_elements)
        cut.columns = ceil_div(cut.columns, 2);
    if (cut.rows == s.oh && cut.columns == s.ow)
        cut.images = std::clamp<Index>(positions / s.positions(), 1,
                                       std::max<Index>(1, ceil_div(s.n, cut.pieces)));
    const Index fit = planes_elements / (cut.images * cut.planes(s).channel());
    const Index all = std::max<Index>(1, s.group_channels());
    cut.channels = ceil_div(all, ceil_div(all, std::clamp<Index>(fit, 1, all)));
    return cut;
}

template <class T>
Index sum_thread_scratch(const ConvShape& s, const SumCut& cut) {
    return whole_lines(cut.images * cut.channels * cut.planes(s).channel() + lanes<T>);
}

// The sums of all pieces, of dw and of db.
Index sums_size(const ConvShape& s, const SumCut& cut) {
    return whole_lines(cut.pieces * s.oc * (s.patch() + 1));
}

template <class T>
Index tap_offsets_size(const ConvShape& s, const SumCut& cut) {
    return whole_lines(ceil_div(cut.taps(s) * sizeof(Index), sizeof(T)));
}

void fill_tap_offsets(const ConvShape& s, const SumCut& cut, Index* offsets) {
    const Planes planes = cut.planes(s);
    for (Index c = 0; c < cut.channels; ++c)
        for (Index u = 0; u < s.kh; ++u)
            for (Index v = 0; v < s.kw; ++v)
                *offsets++ = c * planes.channel() + planes.offset(u, v);
}

// A part of dw: some filters of one group by a block of its channels, over the images of a piece.
struct SumTask {
    Index first_image, end_image;
    Index filter, filters;  // filter counts over all groups
    Index group, channel, channels;
};

template <class T>
void sum_task(const ConvShape& s, const SumCut& cut, const SumTask& task, View<const T, 4> dy,
              View<const T, 4> x, const Index* offsets, T* dw, T* db, T* memory) noexcept {
    const Planes planes = cut.planes(s);
    T* const sums = dw + task.filter * s.patch() + task.channel * s.window();
    for (Index f = 0; f < task.filters; ++f)
        std::fill_n(sums + f * s.patch(), task.channels * s.window(), T(0));
    if (task.channel == 0) std::fill_n(db + task.filter, task.filters, T(0));
    for (Index n = task.first_image; n < task.end_image; n += cut.images)
        for (Index row = 0; row < s.oh; row += cut.rows)
            for (Index column = 0; column < s.ow; column += cut.columns) {
                const Band band{row, std::min(cut.rows, s.oh - row), column,
                                std::min(cut.columns, s.ow - column)};
                const Index images = std::min(cut.images, task.end_image - n);
                T* to = memory;
                for (Index i = 0; i < images; ++i)
                    for (Index c = 0; c < task.channels; ++c, to += planes.channel())
                        planes.fill(x.at(n + i, task.group * s.group_channels() + task.channel + c),
                                    band, to);
                const conv::Correlation<T> correlation{images,
                                                       band.outputs(),
                                                       dy.at(n, task.filter, row, column),
                                                       s.oc * s.positions(),
                                                       s.positions(),
                                                       memory,
                                                       task.channels * planes.channel(),
                                                       offsets};
                conv::correlate(correlation, task.filters, task.channels * s.window(), sums,
                                s.patch());
                if (task.channel == 0)  // while dy is in the cache
                    for (Index i = 0; i < images; ++i)
                        for (Index f = task.filter; f < task.filter + task.filters; ++f)
                            db[f] += conv::sum(dy.at(n + i, f, row, column), band.outputs());
            }
}

}  // namespace

template <class T>
Index conv2d_backward_weight_scratch(const ConvShape& s, int threads) noexcept {
    const SumCut cut = SumCut::of<T>(s);
    return tap_offsets_size<T>(s, cut) + sums_size(s, cut) +
           threads * sum_thread_scratch<T>(s, cut);
}

template <class T>
void conv2d_backward_weight(const ConvShape& s, View<const T, 4> dy, View<const T, 4> x,
                            View<T, 4> dw, View<T, 1> db, T* scratch, int threads) noexcept {
    const SumCut cut = SumCut::of<T>(s);
    Index* const offsets = reinterpret_cast<Index*>(scratch);
    T* const sums = scratch + tap_offsets_size<T>(s, cut);
    T* const thread_scratch = sums + sums_size(s, cut);
    const Index weights = dw.size(), piece_size = weights + s.oc;
    const Index per_thread = sum_thread_scratch<T>(s, cut), filters = s.group_filters();
    // Strips of filters, as many as it takes to keep the threads busy.
    const Index blocks = cut.blocks(s);
    const Index strips = threads == 1 ? 1 : ceil_div(4 * threads, cut.pieces * s.groups * blocks);
    const Index height =
        std::min(filters, round_up(ceil_div(filters, strips), conv::SumTile<T>::filters));
    const Index rows = ceil_div(filters, height);
    const Index tasks = cut.pieces * s.groups * blocks * rows;
    fill_tap_offsets(s, cut, offsets);

    run_team(threads, [&] {
        T* const mine = thread_scratch + thread_index() * per_thread;
        const Index chunk = chunk_size(tasks, threads);
#pragma omp for schedule(dynamic, chunk)
        for (Index i = 0; i < tasks; ++i) {
            const Index first = i % rows * height, channel = i / rows % blocks * cut.channels;
            const Index group = i / (rows * blocks) % s.groups;
            const Index piece = i / (rows * blocks * s.groups);
            T* const dw_piece = sums + piece * piece_size;
            const SumTask task{cut.begin(s, piece),
                               cut.begin(s, piece + 1),
                               group * filters + first,
                               std::min(height, filters - first),
                               group,
                               channel,
                               std::min(cut.channels, s.group_channels() - channel)};
            sum_task(s, cut, task, dy, x, offsets, dw_piece, dw_piece + weights, mine);
        }
#pragma omp for schedule(static)
        for (Index e = 0; e < piece_size; ++e) {
            T sum = sums[e];
            for (Index piece = 1; piece < cut.pieces; ++piece) sum += sums[piece * piece_size + e];
            (e < weights ? dw.data[e] : db.data[e - weights]) = sum;
        }
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index conv2d_backward_weight_scratch<T>(const ConvShape&, int) noexcept;              \
    template void conv2d_backward_weight(const ConvShape&, View<const T, 4>, View<const T, 4>,     \
                                         View<T, 4>, View<T, 1>, T*, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

#include "kernels/conv.h"

#include "kernels/gemm.h"
#include "kernels/parallel.h"
#include "kernels/patches.h"
#include "kernels/window.h"

namespace diglot {

int conv2d_threads(const ConvShape& s) noexcept {
    return team_size(get_num_threads(), s.multiply_adds() / 16);
}

// ---- forward: a task is a run of outputs of one image and one group -----------------------------

namespace {
template <class T>
Index forward_product(const ConvShape& s) {
    return whole_lines(gemm::scratch_size<T>(s.group_filters(), s.positions(), s.patch()));
}
}  // namespace

template <class T>
Index conv2d_forward_scratch(const ConvShape& s, int threads) noexcept {
    return threads * (forward_product<T>(s) + whole_lines(PackPatches<T>::part_size(s)));
}

template <class T>
void conv2d_forward(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                    View<T, 4> y, T* scratch, int threads) noexcept {
    const Index width = gemm::Block<T>::width, blocks = ceil_div(s.positions(), width);
    const Index filters = s.group_filters(), tasks = s.n * s.groups * blocks;
    const Index per_thread = conv2d_forward_scratch<T>(s, 1);

#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (Index task = 0; task < tasks; ++task) {
        const Index first = task % blocks * width, group = task / blocks % s.groups;
        const Index n = task / (blocks * s.groups);
        const Index columns = std::min(width, s.positions() - first);
        T* const mine = scratch + thread_index() * per_thread;
        T* const to = y.at(n, group * filters) + first;
        if (b)
            for (Index o = 0; o < filters; ++o)
                std::fill_n(to + o * s.positions(), columns, b[group * filters + o]);
        const PackPatches<T> patches{s, x.at(n, group * s.group_channels()), first, columns,
                                     mine + forward_product<T>(s)};
        gemm::multiply(filters, columns, s.patch(),
                       gemm::Strided<T>{w.at(group * filters), s.patch(), 1}, patches, to,
                       s.positions(), b != nullptr, mine);
    }
}

// ---- input gradient: a task is some channels of one image ---------------------------------------

namespace {

// Channels of one task: their patches for one block of outputs fit the second-level cache.
template <class T>
Index input_task_channels(const ConvShape& s) {
    constexpr Index elements = 64 * 1024;
    const Index columns = std::min(s.positions(), gemm::Block<T>::width);
    return std::clamp<Index>(elements / (s.window() * columns), 1, s.group_channels());
}

template <class T>
Index patch_rows(const ConvShape& s) {
    return input_task_channels<T>(s) * s.window();
}

template <class T>
Index input_product(const ConvShape& s) {
    return whole_lines(gemm::scratch_size<T>(patch_rows<T>(s), s.positions(), s.group_filters()));
}

// Adds one row of the patch matrix (window element (u, v), outputs [first, first + columns)) to the
// channel it came from.
template <class T>
void add_patch_row(const ConvShape& s, const T* row, Index u, Index v, Index first, Index columns,
                   T* channel) {
    const Index shift = v * s.dilation.width - s.padding.width;
    const Inside inside(shift, s.stride.width, s.w, s.ow);
    for (Index output = first; output < first + columns;) {
        const Index i = output / s.ow, j = output % s.ow;
        const Index end = std::min(s.ow, j + first + columns - output);
        const Index h = i * s.stride.height + u * s.dilation.height - s.padding.height;
        if (h >= 0 && h < s.h) {
            const T* from = row + (output - first) - j;
            T* to = channel + h * s.w + shift;
            const Index last = std::min(end, inside.end);
            if (s.stride.width == 1)
                for (Index at = std::max(j, inside.first); at < last; ++at) to[at] += from[at];
            else
                for (Index at = std::max(j, inside.first); at < last; ++at)
                    to[at * s.stride.width] += from[at];
        }
        output += end - j;
    }
}

}  // namespace

template <class T>
Index conv2d_backward_input_scratch(const ConvShape& s, int threads) noexcept {
    const Index columns = std::min(s.positions(), gemm::Block<T>::width);
    return threads * (input_product<T>(s) + whole_lines(patch_rows<T>(s) * columns));
}

template <class T>
void conv2d_backward_input(const ConvShape& s, View<const T, 4> dy, View<const T, 4> w,
                           View<T, 4> dx, T* scratch, int threads) noexcept {
    const Index most_channels = input_task_channels<T>(s), width = gemm::Block<T>::width;
    const Index blocks = ceil_div(s.group_channels(), most_channels);
    const Index filters = s.group_filters(), tasks = s.n * s.groups * blocks;
    const Index per_thread = conv2d_backward_input_scratch<T>(s, 1);

#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (Index task = 0; task < tasks; ++task) {
        const Index channel = task % blocks * most_channels, group = task / blocks % s.groups;
        const Index n = task / (blocks * s.groups);
        const Index channels = std::min(most_channels, s.group_channels() - channel);
        T* const mine = scratch + thread_index() * per_thread;
        T* const patches = mine + input_product<T>(s);
        T* const to = dx.at(n, group * s.group_channels() + channel);
        std::fill_n(to, channels * s.h * s.w, T(0));
        const gemm::Strided<T> w_transposed{w.at(group * filters, channel), 1, s.patch()};
        const gemm::Strided<T> dy_image{dy.at(n, group * filters), s.positions(), 1};
        for (Index first = 0; first < s.positions(); first += width) {
            const Index columns = std::min(width, s.positions() - first);
            gemm::multiply(channels * s.window(), columns, filters, w_transposed,
                           gemm::PackStrided<T>{dy_image.from(0, first), columns}, patches, columns,
                           false, mine);
            for (Index row = 0; row < channels * s.window(); ++row)
                add_patch_row(s, patches + row * columns, row / s.kw % s.kh, row % s.kw, first,
                              columns, to + row / s.window() * s.h * s.w);
        }
    }
}

// ---- weight gradient: a task is a block of dw over some of the images ---------------------------

namespace {

// How the images are split: each piece sums its own dw, and the pieces are added in their order.
// By the shape alone, so that the result does not depend on the number of threads.
Index weight_pieces(const ConvShape& s) {
    constexpr Index elements = 256 * 1024, most = 16;
    const Index affordable = std::min({s.n, most, elements / std::max<Index>(1, s.oc * s.patch())});
    Index pieces = 1;
    while (2 * pieces <= affordable) pieces *= 2;
    return pieces;
}

template <class T>
Index weight_product(const ConvShape& s) {
    return whole_lines(gemm::scratch_size<T>(s.group_filters(), s.patch(), s.positions()));
}

template <class T>
Index weight_thread_scratch(const ConvShape& s) {
    return weight_product<T>(s) + whole_lines(PackPatchesTransposed<T>::part_size(s));
}

Index weight_pieces_scratch(const ConvShape& s) {
    const Index pieces = weight_pieces(s);
    return pieces > 1 ? whole_lines(pieces * s.oc * s.patch()) : 0;
}

template <class T>
T sum(const T* values, Index count) {
    Vec<T> sums = {};
    Index i = 0;
    for (; i + lanes<T> <= count; i += lanes<T>) sums += load(values + i);
    if (i < count) sums += load_part(values + i, count - i, T(0));
    T total = 0;
    for (Index lane = 0; lane < lanes<T>; ++lane) total += sums[lane];
    return total;
}

}  // namespace

template <class T>
Index conv2d_backward_weight_scratch(const ConvShape& s, int threads) noexcept {
    return weight_pieces_scratch(s) + threads * weight_thread_scratch<T>(s);
}

template <class T>
void conv2d_backward_weight(const ConvShape& s, View<const T, 4> dy, View<const T, 4> x,
                            View<T, 4> dw, View<T, 1> db, T* scratch, int threads) noexcept {
    const Index pieces = weight_pieces(s), width = gemm::Block<T>::width;
    const Index filters = s.group_filters(), blocks = ceil_div(s.patch(), width);
    // Blocks of filters, as many as it takes to keep the threads busy.
    const Index strips = threads == 1 ? 1 : ceil_div(4 * threads, pieces * s.groups * blocks);
    const Index height =
        std::min(filters, round_up(ceil_div(filters, strips), gemm::Tile<T>::rows));
    const Index rows = ceil_div(filters, height);
    const Index tasks = pieces * s.groups * blocks * rows, elements = dw.size();
    T* const sums = pieces > 1 ? scratch : dw.data;
    T* const thread_scratch = scratch + weight_pieces_scratch(s);
    const Index per_thread = weight_thread_scratch<T>(s);
    if (s.n == 0) std::fill_n(dw.data, elements, T(0));

#pragma omp parallel num_threads(threads)
    {
        T* const mine = thread_scratch + thread_index() * per_thread;
#pragma omp for schedule(dynamic)
        for (Index task = 0; task < tasks; ++task) {
            const Index row = task % rows * height, first = task / rows % blocks * width;
            const Index group = task / (rows * blocks) % s.groups;
            const Index piece = task / (rows * blocks * s.groups);
            const Index columns = std::min(width, s.patch() - first);
            const Index filter = group * filters + row, begin = piece * s.n / pieces;
            for (Index n = begin; n < (piece + 1) * s.n / pieces; ++n)
                gemm::multiply(
                    std::min(height, filters - row), columns, s.positions(),
                    gemm::Strided<T>{dy.at(n, filter), s.positions(), 1},
                    PackPatchesTransposed<T>{s, x.at(n, group * s.group_channels()), first, columns,
                                             mine + weight_product<T>(s)},
                    sums + piece * elements + filter * s.patch() + first, s.patch(), n > begin,
                    mine);
        }
        if (pieces > 1) {
#pragma omp for schedule(static)
            for (Index e = 0; e < elements; ++e) {
                T total = sums[e];
                for (Index piece = 1; piece < pieces; ++piece) total += sums[piece * elements + e];
                dw.data[e] = total;
            }
        }
#pragma omp for schedule(static)
        for (Index o = 0; o < s.oc; ++o) {
            T total = 0;
            for (Index n = 0; n < s.n; ++n) total += sum(dy.at(n, o), s.positions());
            *db.at(o) = total;
        }
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template Index conv2d_forward_scratch<T>(const ConvShape&, int) noexcept;                      \
    template Index conv2d_backward_input_scratch<T>(const ConvShape&, int) noexcept;               \
    template Index conv2d_backward_weight_scratch<T>(const ConvShape&, int) noexcept;              \
    template void conv2d_forward(const ConvShape&, View<const T, 4>, View<const T, 4>, const T*,   \
                                 View<T, 4>, T*, int) noexcept;                                    \
    template void conv2d_backward_input(const ConvShape&, View<const T, 4>, View<const T, 4>,      \
                                        View<T, 4>, T*, int) noexcept;                             \
    template void conv2d_backward_weight(const ConvShape&, View<const T, 4>, View<const T, 4>,     \
                                         View<T, 4>, View<T, 1>, T*, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

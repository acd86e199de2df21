#include "kernels/conv.h"

#include <atomic>
#include <numeric>

#include "kernels/conv_job.h"
#include "kernels/parallel.h"

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

using conv::Pass;

conv::Batch batch_of(const ConvShape& s) { return {s.n, s.groups, s.winograd}; }

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
    return conv::convolve_scratch<T>(forward_pass(s), batch_of(s), true, threads);
}

template <class T>
void conv2d_forward(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                    View<T, 4> y, T* scratch, int threads) noexcept {
    const Index filters = s.oc * s.positions(), group = s.group_filters();
    const conv::Job<T> job{forward_pass(s),
                           batch_of(s),
                           {w.data, s.patch(), s.window(), s.kw, 1},
                           group * s.patch(),
                           x,
                           b,
                           {y.data, filters, group * s.positions(), s.positions(), s.ow, {1, 1}}};
    conv::convolve(job, scratch, threads);
}

template <class T>
Index conv2d_backward_input_scratch(const ConvShape& s, int threads) noexcept {
    const bool dense = s.stride.height == 1 && s.stride.width == 1;
    Index most = 0;
    for (Index index = 0; index < InputPhase::count(s); ++index)
        most = std::max(most, conv::convolve_scratch<T>(InputPhase::at(s, index).pass, batch_of(s),
                                                        dense, threads));
    return most;
}

template <class T>
void conv2d_backward_input(const ConvShape& s, View<const T, 4> dy, View<const T, 4> w,
                           View<T, 4> dx, T* scratch, int threads) noexcept {
    const Index image = s.c * s.h * s.w, group = s.group_channels() * s.h * s.w;
    for (Index index = 0; index < InputPhase::count(s); ++index) {
        const auto [row, column, pass] = InputPhase::at(s, index);
        const conv::Job<T> job{
            pass,
            batch_of(s),
            {w.data + row.tap * s.kw + column.tap, s.window(), s.patch(), row.step * s.kw,
             column.step},
            s.group_filters() * s.patch(),
            dy,
            nullptr,
            {dx.data + row.first * s.w + column.first, image, group, s.h * s.w, s.w, s.stride}};
        conv::convolve(job, scratch, threads);
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

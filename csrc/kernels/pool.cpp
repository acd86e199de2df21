#include "kernels/pool.h"

#include <algorithm>
#include <limits>

#include "kernels/parallel.h"
#include "kernels/window.h"

namespace diglot {

namespace {

int pool_threads(const PoolShape& s) {
    return team_size(s.planes, double(s.planes) * (s.h * s.w + s.oh * s.ow));
}

// The window elements [first, end) that any output reads inside the image, along a row.
struct Elements {
    Index first, end;

    explicit Elements(const PoolShape& s)
        : first(std::max<Index>(0, s.padding.width - (s.ow - 1) * s.stride.width)),
          end(std::min(s.kernel.width, s.w + s.padding.width)) {}
};

Inside outputs_inside(const PoolShape& s, Index v) {
    return Inside(v - s.padding.width, s.stride.width, s.w, s.ow);
}

template <class T>
void max_row(const T* row, Index base, Index stride, Index shift, Inside in, T* best,
             std::int32_t* index) {
#pragma GCC ivdep
    for (Index j = in.first; j < in.end; ++j) {
        const Index column = j * stride + shift;
        const T value = row[column];
        // Not `value <= best`, so that a NaN passes; and what is NaN already stays.
        const bool better = !(value <= best[j]) & (best[j] == best[j]);
        best[j] = better ? value : best[j];
        index[j] = better ? static_cast<std::int32_t>(base + column) : index[j];
    }
}

}  // namespace

template <class T>
void max_pool2d_forward(const PoolShape& s, const T* x, T* y, std::int32_t* indices) noexcept {
    const Elements elements(s);
#pragma omp parallel for num_threads(pool_threads(s)) schedule(static)
    for (Index plane = 0; plane < s.planes; ++plane) {
        for (Index i = 0; i < s.oh; ++i) {
            T* best = y + (plane * s.oh + i) * s.ow;
            std::int32_t* index = indices + (plane * s.oh + i) * s.ow;
            const Index top = i * s.stride.height - s.padding.height;
            const Index first_row = std::max<Index>(top, 0);
            std::fill_n(best, s.ow, -std::numeric_limits<T>::infinity());
            for (Index j = 0; j < s.ow; ++j)  // of a window of -inf, its first pixel
                index[j] = static_cast<std::int32_t>(
                    first_row * s.w + std::max<Index>(j * s.stride.width - s.padding.width, 0));
            for (Index h = first_row; h < std::min(s.h, top + s.kernel.height); ++h)
                for (Index v = elements.first; v < elements.end; ++v)
                    max_row(x + (plane * s.h + h) * s.w, h * s.w, s.stride.width,
                            v - s.padding.width, outputs_inside(s, v), best, index);
        }
    }
}

template <class T>
void max_pool2d_backward(const PoolShape& s, const T* dy, const std::int32_t* indices,
                         T* dx) noexcept {
    const Index outputs = s.oh * s.ow;
#pragma omp parallel for num_threads(pool_threads(s)) schedule(static)
    for (Index plane = 0; plane < s.planes; ++plane) {
        T* to = dx + plane * s.h * s.w;
        std::fill_n(to, s.h * s.w, T(0));
        for (Index e = plane * outputs; e < (plane + 1) * outputs; ++e) to[indices[e]] += dy[e];
    }
}

template <class T>
void avg_pool2d_forward(const PoolShape& s, const T* x, T* y) noexcept {
    const T count = static_cast<T>(s.kernel.height * s.kernel.width);
    const Elements elements(s);
#pragma omp parallel for num_threads(pool_threads(s)) schedule(static)
    for (Index plane = 0; plane < s.planes; ++plane) {
        for (Index i = 0; i < s.oh; ++i) {
            T* sum = y + (plane * s.oh + i) * s.ow;
            std::fill_n(sum, s.ow, T(0));
            const Index top = i * s.stride.height - s.padding.height;
            for (Index h = std::max<Index>(top, 0); h < std::min(s.h, top + s.kernel.height); ++h) {
                const T* row = x + (plane * s.h + h) * s.w;
                for (Index v = elements.first; v < elements.end; ++v) {
                    const Inside in = outputs_inside(s, v);
                    const Index shift = v - s.padding.width;
                    for (Index j = in.first; j < in.end; ++j)
                        sum[j] += row[j * s.stride.width + shift];
                }
            }
            for (Index j = 0; j < s.ow; ++j) sum[j] /= count;
        }
    }
}

template <class T>
void avg_pool2d_backward(const PoolShape& s, const T* dy, T* dx) noexcept {
    const T count = static_cast<T>(s.kernel.height * s.kernel.width);
    const Elements elements(s);
#pragma omp parallel for num_threads(pool_threads(s)) schedule(static)
    for (Index plane = 0; plane < s.planes; ++plane) {
        std::fill_n(dx + plane * s.h * s.w, s.h * s.w, T(0));
        for (Index i = 0; i < s.oh; ++i) {
            const T* from = dy + (plane * s.oh + i) * s.ow;
            const Index top = i * s.stride.height - s.padding.height;
            for (Index h = std::max<Index>(top, 0); h < std::min(s.h, top + s.kernel.height); ++h) {
                T* row = dx + (plane * s.h + h) * s.w;
                for (Index v = elements.first; v < elements.end; ++v) {
                    const Inside in = outputs_inside(s, v);
                    const Index shift = v - s.padding.width;
                    for (Index j = in.first; j < in.end; ++j)
                        row[j * s.stride.width + shift] += from[j] / count;
                }
            }
        }
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void max_pool2d_forward(const PoolShape&, const T*, T*, std::int32_t*) noexcept;      \
    template void max_pool2d_backward(const PoolShape&, const T*, const std::int32_t*,             \
                                      T*) noexcept;                                                \
    template void avg_pool2d_forward(const PoolShape&, const T*, T*) noexcept;                     \
    template void avg_pool2d_backward(const PoolShape&, const T*, T*) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

#include "kernels/pool.h"

#include <atomic>
#include <limits>

#include "kernels/pool_windows.h"
#include "kernels/team.h"
#include "kernels/window.h"

namespace diglot {

namespace {

template <class Body>
void for_each_plane(const PoolShape& s, const Body& body) {
    share_out(s.planes, double(s.planes) * (s.h * s.w + s.oh * s.ow) / 4, body);
}

template <class T>
struct Maximum {
    T* y;
    std::int32_t* indices;
    Vec<T> most;
    IntVec<T> place;

    void start(IntVec<T> first) {  // of a window of -inf, its first pixel wins
        most = broadcast(-std::numeric_limits<T>::infinity());
        place = first;
    }
    void take(Vec<T> value, IntVec<T> here) {
        // Not `value > most`, so that a NaN passes; and what is NaN already stays.
        const IntVec<T> better = ~(value <= most) & (most == most);
        most = better ? value : most;
        place = better ? here : place;
    }
    void finish(Index output, Index count) {
        if (count == lanes<T>)
            store<T>(y + output, most);
        else
            store_part<T>(y + output, most, count);
        store_ints<T>(indices + output, place, count);
    }
};

template <class T>
struct Mean {
    T* y;
    T size;
    Vec<T> sum;

    void start(IntVec<T>) { sum = Vec<T>{}; }
    void take(Vec<T> value, IntVec<T>) { sum += value; }
    void finish(Index output, Index count) {
        if (count == lanes<T>)
            store<T>(y + output, sum / size);
        else
            store_part<T>(y + output, sum / size, count);
    }
};

// The gradient of one plane whose windows are the disjoint squares of 2 x 2 pixels: each pixel is
// written once, with its window's gradient where the index says so and 0 elsewhere. False, with
// the plane half written, where an index lies outside its square.
template <class T>
bool scatter_into_squares(const PoolShape& s, const T* dy, const std::int32_t* indices, T* dx) {
    const IntVec<T> steps = lane_numbers<T>() * 2;
    for (Index i = 0; i < s.oh; ++i) {
        T *const upper = dx + 2 * i * s.w, *const lower = upper + s.w;
        IntVec<T> inside = ~IntVec<T>{};
        for (Index block = 0; block < s.ow; block += lanes<T>) {
            const Index j = std::max<Index>(0, std::min(block, s.ow - lanes<T>));
            const Index count = std::min(lanes<T>, s.ow - j), e = i * s.ow + j;
            const Vec<T> g = count == lanes<T> ? load(dy + e) : load_part(dy + e, count, T(0));
            // Compared, not subtracted: an index may be any number, and differences overflow.
            const IntVec<T> place = load_ints<T>(indices + e, count);
            const IntVec<T> corner = steps + broadcast_integer<T>(2 * (i * s.w + j));
            const IntVec<T> below = corner + broadcast_integer<T>(s.w);
            const IntVec<T> a = place == corner, b = place == corner + 1;
            const IntVec<T> c = place == below, d = place == below + 1;
            inside &= a | b | c | d | (lane_numbers<T>() >= broadcast_integer<T>(count));
            store_pairs<T>(upper + 2 * j, a ? g : Vec<T>{}, b ? g : Vec<T>{}, count);
            store_pairs<T>(lower + 2 * j, c ? g : Vec<T>{}, d ? g : Vec<T>{}, count);
        }
        if (!all<T>(inside)) return false;
        for (Index w = 2 * s.ow; w < s.w; ++w) upper[w] = lower[w] = 0;
    }
    std::fill(dx + 2 * s.oh * s.w, dx + s.h * s.w, T(0));
    return true;
}

// The gradient of one plane, for any windows. False if an index lay outside the plane.
template <class T>
bool scatter(const PoolShape& s, const T* dy, const std::int32_t* indices, T* dx) {
    const auto pixels = static_cast<std::uint32_t>(s.h * s.w);
    std::fill_n(dx, pixels, T(0));
    bool inside = true;
    for (Index e = 0; e < s.oh * s.ow; ++e) {
        const auto place = static_cast<std::uint32_t>(indices[e]);
        inside &= place < pixels;
        dx[std::min(place, pixels - 1)] += dy[e];
    }
    return inside;
}

// Every pixel gets its window's share, where the windows tile the image: a row of shares is written
// once, the other rows of its windows are copies.
template <class T>
void share_among_tiles(const PoolShape& s, const T* dy, T* dx) {
    const T size = static_cast<T>(s.kernel.height * s.kernel.width);
    const Index used = s.ow * s.kernel.width;
    for (Index i = 0; i < s.oh; ++i, dy += s.ow) {
        T* const row = dx + i * s.kernel.height * s.w;
        if (s.kernel.width == 2) {
            for (Index block = 0; block < s.ow; block += lanes<T>) {
                const Index j = std::max<Index>(0, std::min(block, s.ow - lanes<T>));
                const Index count = std::min(lanes<T>, s.ow - j);
                const Vec<T> g = count == lanes<T> ? load(dy + j) : load_part(dy + j, count, T(0));
                store_pairs<T>(row + 2 * j, g / size, g / size, count);
            }
        } else {
            for (Index j = 0; j < s.ow; ++j)
                std::fill_n(row + j * s.kernel.width, s.kernel.width, dy[j] / size);
        }
        std::fill(row + used, row + s.w, T(0));
        for (Index u = 1; u < s.kernel.height; ++u) std::copy_n(row, s.w, row + u * s.w);
    }
    std::fill(dx + s.oh * s.kernel.height * s.w, dx + s.h * s.w, T(0));
}

// The same for windows that may overlap or leave the image: one window element at a time, for a row
// of outputs.
template <class T>
void share_among_windows(const PoolShape& s, const T* dy, T* dx) {
    const T size = static_cast<T>(s.kernel.height * s.kernel.width);
    std::fill_n(dx, s.h * s.w, T(0));
    for (Index i = 0; i < s.oh; ++i, dy += s.ow) {
        const Index top = i * s.stride.height - s.padding.height;
        for (Index h = std::max<Index>(top, 0); h < std::min(s.h, top + s.kernel.height); ++h) {
            T* row = dx + h * s.w;
            for (Index v = 0; v < s.kernel.width; ++v) {
                const Index shift = v - s.padding.width;
                const Inside in(shift, s.stride.width, s.w, s.ow);
                for (Index j = in.first; j < in.end; ++j)
                    row[j * s.stride.width + shift] += dy[j] / size;
            }
        }
    }
}

}  // namespace

template <class T>
void max_pool2d_forward(const PoolShape& s, const T* x, T* y, std::int32_t* indices) noexcept {
    const Index pixels = s.h * s.w, outputs = s.oh * s.ow;
    with_common_sizes(s, [&](auto kernel, auto stride) {
        for_each_plane(s, [&](Index plane) {
            reduce_windows<T, kernel, stride>(
                s, x + plane * pixels,
                Maximum<T>{y + plane * outputs, indices + plane * outputs, {}, {}});
        });
    });
}

template <class T>
bool max_pool2d_backward(const PoolShape& s, const T* dy, const std::int32_t* indices,
                         T* dx) noexcept {
    const Index outputs = s.oh * s.ow;
    // Sizes are halved by 2 x 2 windows, likely; rows of a few outputs would leave registers empty.
    // Lanes past the last pixel count on, so there must be numbers left for them.
    const bool halved = outputs && s.h / s.oh == 2 && s.w / s.ow == 2 && 4 * s.ow >= lanes<T> &&
                        s.h * s.w < 0x7fffffff - 4 * lanes<T>;
    std::atomic<bool> inside{true};
    for_each_plane(s, [&](Index plane) {
        const Index first = plane * outputs;
        T* const to = dx + plane * s.h * s.w;
        if (!(halved && scatter_into_squares(s, dy + first, indices + first, to)) &&
            !scatter(s, dy + first, indices + first, to))
            inside = false;
    });
    return inside;
}

template <class T>
void avg_pool2d_forward(const PoolShape& s, const T* x, T* y) noexcept {
    const T size = static_cast<T>(s.kernel.height * s.kernel.width);
    with_common_sizes(s, [&](auto kernel, auto stride) {
        for_each_plane(s, [&](Index plane) {
            reduce_windows<T, kernel, stride>(s, x + plane * s.h * s.w,
                                              Mean<T>{y + plane * s.oh * s.ow, size, {}});
        });
    });
}

template <class T>
void avg_pool2d_backward(const PoolShape& s, const T* dy, T* dx) noexcept {
    const bool tiles = s.stride.height == s.kernel.height && s.stride.width == s.kernel.width &&
                       s.padding.height == 0 && s.padding.width == 0;
    for_each_plane(s, [&](Index plane) {
        const T* from = dy + plane * s.oh * s.ow;
        T* to = dx + plane * s.h * s.w;
        if (tiles)
            share_among_tiles(s, from, to);
        else
            share_among_windows(s, from, to);
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void max_pool2d_forward(const PoolShape&, const T*, T*, std::int32_t*) noexcept;      \
    template bool max_pool2d_backward(const PoolShape&, const T*, const std::int32_t*,             \
                                      T*) noexcept;                                                \
    template void avg_pool2d_forward(const PoolShape&, const T*, T*) noexcept;                     \
    template void avg_pool2d_backward(const PoolShape&, const T*, T*) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

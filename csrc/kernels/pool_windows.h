// The loop over the windows of a pooling, a register of outputs at a time: whatever is gathered
// from a window (its maximum, its sum) stays in registers while the window's elements come in.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/lanes.h"
#include "kernels/pool.h"

namespace diglot {

// from[0], from[stride], from[2 stride], ...: `count` of them. `Stride` is 1, 2, 3, or 0 for any.
template <class T, int Stride>
inline Vec<T> load_strided(const T* from, Index stride, Index count) {
    if constexpr (Stride == 1) {
        return count == lanes<T> ? load(from) : load_part(from, count, T(0));
    } else if constexpr (Stride == 2) {
        return every_second(from, count);
    } else if constexpr (Stride == 3) {
        return every_third(from, count);
    } else {
        T values[lanes<T>] = {};
        for (Index i = 0; i < count; ++i) values[i] = from[i * stride];
        return load(values);
    }
}

// Outputs j <= ... < j + count of row i, and the pixels of their windows that lie inside the image:
// rows [top, bottom), window columns [left, right).
struct WindowBlock {
    Index i, j, count, top, bottom, left, right;
};

// Places are added as unsigned numbers, which may overflow: with a huge stride, those of lanes past
// the last output do. They are never stored.
template <class T>
struct PlaceTypes;
template <>
struct PlaceTypes<float> {
    typedef std::uint32_t Value __attribute__((vector_size(vector_bytes)));
};
template <>
struct PlaceTypes<double> {
    typedef std::uint64_t Value __attribute__((vector_size(vector_bytes)));
};

// first, first + stride, first + 2*stride, ...
template <class T>
inline IntVec<T> places(Index first, Index stride) {
    using Places = typename PlaceTypes<T>::Value;
    using Place = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    const Places steps = (Places)lane_numbers<T>() * static_cast<Place>(stride);
    return (IntVec<T>)(steps + static_cast<Place>(first));
}

// Calls body(block) for blocks that cover a plane's outputs. Those whose windows lie inside the
// image, from left to right, come by the register; the others, at the left and right, one by one.
template <class T, class Body>
inline void for_each_window_block(const PoolShape& s, Body body) {
    const Index stride = s.stride.width, pad = s.padding.width, width = s.kernel.width;
    const Index inner = std::min(s.ow, ceil_div(pad, stride));  // the first whole window
    const Index end = std::max(inner, std::min(s.ow, (s.w + pad - width + stride) / stride));
    for (Index i = 0; i < s.oh; ++i) {
        const Index start = i * s.stride.height - s.padding.height;
        WindowBlock b{i, 0, 0, std::max<Index>(start, 0), std::min(s.h, start + s.kernel.height),
                      0, 0};
        for (Index j = 0; j < s.ow; j = b.j + b.count) {
            const bool whole = inner <= j && j < end;
            // The last block may begin early, where others have been: better than half a register.
            b.j = whole ? std::max(inner, std::min(j, end - lanes<T>)) : j;
            b.count = whole ? std::min(lanes<T>, end - b.j) : 1;
            const Index column = b.j * stride - pad;
            b.left = std::max<Index>(0, -column);
            b.right = std::min(width, s.w - column);
            body(b);
        }
    }
}

// For every block of one plane: gathered.start(place of the first pixel), then for every window
// element gathered.take(values, place), then gathered.finish(first output, count). A place is that
// of a pixel in its plane, h * W + w. `Kernel` is the window's width, or 0 for any. Flattened, that
// is with all that it calls in place, so that what is gathered stays in registers.
template <class T, int Kernel, int Stride, class Gathered>
[[gnu::flatten]] inline void reduce_windows(const PoolShape& s, const T* image, Gathered gathered) {
    const Index stride = Stride ? Stride : s.stride.width;
    for_each_window_block<T>(s, [&](const WindowBlock& b) {
        const Index column = b.j * stride - s.padding.width;
        gathered.start(places<T>(b.top * s.w + column + b.left, stride));
        const auto take = [&](Index h, Index v) {
            const Index place = h * s.w + column + v;
            gathered.take(load_strided<T, Stride>(image + place, stride, b.count),
                          places<T>(place, stride));
        };
        if (Kernel && b.right - b.left == Kernel) {
            for (Index h = b.top; h < b.bottom; ++h)
                for (Index v = 0; v < Kernel; ++v) take(h, v);
        } else {
            for (Index h = b.top; h < b.bottom; ++h)
                for (Index v = b.left; v < b.right; ++v) take(h, v);
        }
        gathered.finish(b.i * s.ow + b.j, b.count);
    });
}

// body(kernel, stride) with the window's width and step as compile-time constants where they are
// common ones, else 0.
template <class Body>
inline void with_common_sizes(const PoolShape& s, Body body) {
    const std::integral_constant<int, 0> any;
    const std::integral_constant<int, 1> one;
    const std::integral_constant<int, 2> two;
    const std::integral_constant<int, 3> three;
    if (s.stride.width == 2 && s.kernel.width == 2)
        body(two, two);
    else if (s.stride.width == 2 && s.kernel.width == 3)
        body(three, two);
    else if (s.stride.width == 2)
        body(any, two);
    else if (s.stride.width == 3)
        body(any, three);
    else if (s.stride.width == 1)
        body(any, one);
    else
        body(any, any);
}

}  // namespace diglot

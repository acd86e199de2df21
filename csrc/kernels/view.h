// View<T, Rank>: a pointer and a shape, row-major, owning nothing. What kernels take and give.
#pragma once

#include <array>
#include <cstddef>

namespace diglot {

using Index = std::ptrdiff_t;

constexpr Index ceil_div(Index value, Index unit) { return (value + unit - 1) / unit; }
constexpr Index round_up(Index value, Index unit) { return ceil_div(value, unit) * unit; }

// A count of elements that ends on a cache line, whatever their size: threads then do not share one.
constexpr Index whole_lines(Index elements) { return round_up(elements, 64); }

template <class T, int Rank>
struct View {
    T* data;
    std::array<Index, Rank> shape;

    Index size() const {
        Index product = 1;
        for (Index extent : shape) product *= extent;
        return product;
    }

    // Pointer to the element (or the sub-array) at the leading indices given.
    template <class... Indices>
    T* at(Indices... indices) const {
        static_assert(sizeof...(Indices) <= Rank);
        const Index index[] = {static_cast<Index>(indices)...};
        Index offset = 0;
        for (int axis = 0; axis < Rank; ++axis)
            offset = offset * shape[axis] + (axis < int(sizeof...(Indices)) ? index[axis] : 0);
        return data + offset;
    }
};

// Height and width of a setting such as a stride.
struct Pair {
    Index height, width;
};

}  // namespace diglot

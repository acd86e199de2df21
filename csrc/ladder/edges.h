// A register at the edge of a matrix, where fewer than a whole register's elements exist.
#pragma once

#include "kernels/simd.h"

namespace diglot::ladder {

// The first `count` elements (any count), zeros behind them.
template <class T>
inline Vec<T> load_some(const T* from, Index count) {
    return count >= lanes<T> ? load(from) : count > 0 ? load_part(from, count, T(0)) : Vec<T>{};
}

template <class T>
inline void store_some(T* to, Vec<T> v, Index count) {
    if (count >= lanes<T>)
        store<T>(to, v);
    else if (count > 0)
        store_part<T>(to, v, count);
}

}  // namespace diglot::ladder

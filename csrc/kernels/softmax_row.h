// The softmax of one row, which softmax and the cross-entropy loss share.
#pragma once

#include <limits>

#include "kernels/vector_math.h"

namespace diglot {

template <class T>
struct RowSum {
    T maximum, sum;  // sum of e^(x - maximum)
};

// y = e^(x - max x), unnormalised, with what it takes to normalise. Shifting by the maximum leaves
// the softmax as it is, and nothing overflows.
template <class T>
inline RowSum<T> exp_shifted(const T* x, Index count, T* y) {
    constexpr T lowest = -std::numeric_limits<T>::infinity();
    Vec<T> most = broadcast(lowest);
    Index i = 0;
    for (; i + lanes<T> <= count; i += lanes<T>) {
        const Vec<T> v = load(x + i);
        most = v > most ? v : most;
    }
    if (i < count) {
        const Vec<T> v = load_part(x + i, count - i, lowest);
        most = v > most ? v : most;
    }
    RowSum<T> row{most[0], 0};
    for (Index lane = 1; lane < lanes<T>; ++lane)
        row.maximum = std::max(row.maximum, T(most[lane]));
    Vec<T> sums = {};
    for (i = 0; i + lanes<T> <= count; i += lanes<T>) {
        const Vec<T> e = exp<T>(load(x + i) - row.maximum);
        store(y + i, e);
        sums += e;
    }
    if (i < count) {
        const Vec<T> e = exp<T>(load_part(x + i, count - i, lowest) - row.maximum);
        store_part(y + i, e, count - i);
        sums += e;
    }
    for (Index lane = 0; lane < lanes<T>; ++lane) row.sum += sums[lane];
    return row;
}

}  // namespace diglot

// The softmax of one row, which softmax and the cross-entropy loss share.
#pragma once

#include <limits>

#include "kernels/lanes.h"
#include "kernels/vector_math.h"

namespace diglot {

template <class T>
struct RowSum {
    T maximum, sum;  // sum of e^(x - maximum)
};

// y = e^(x - max x) / sum e^(x - max x), and what it took. Shifting by the maximum leaves the
// softmax as it is, and nothing overflows. A row that fits a register never leaves it.
template <class T>
inline RowSum<T> softmax_row(const T* x, Index count, T* y) {
    constexpr T lowest = -std::numeric_limits<T>::infinity();
    const Index rest = count % lanes<T>, whole = count - rest;
    Vec<T> last = rest ? load_part(x + whole, rest, lowest) : broadcast(lowest);
    Vec<T> most = last;
    for (Index i = 0; i < whole; i += lanes<T>) {
        const Vec<T> v = load(x + i);
        most = v > most ? v : most;
    }
    const T maximum = largest<T>(most);
    // The lanes beyond the end are left out of the sum even where the maximum is -inf, too.
    last = lane_numbers<T>() < broadcast_integer<T>(rest) ? exp<T>(last - maximum) : Vec<T>{};
    Vec<T> sums = last;
    for (Index i = 0; i < whole; i += lanes<T>) {
        const Vec<T> e = exp<T>(load(x + i) - maximum);
        store(y + i, e);
        sums += e;
    }
    const T sum = total<T>(sums), factor = T(1) / sum;
    for (Index i = 0; i < whole; i += lanes<T>) store<T>(y + i, load(y + i) * factor);
    if (rest) store_part<T>(y + whole, last * factor, rest);
    return {maximum, sum};
}

}  // namespace diglot

#include "kernels/losses.h"

#include <cmath>

#include "kernels/elementwise.h"
#include "kernels/softmax_row.h"

namespace diglot {

template <class T>
double softmax_cross_entropy_forward(View<const T, 2> logits, View<const std::int64_t, 1> labels,
                                     View<T, 2> probabilities, double* row_losses) noexcept {
    const Index rows = logits.shape[0], count = logits.shape[1];
    share_out(rows, 2.0 * rows * count, [&](Index r) {
        const auto [maximum, sum] = softmax_row(logits.at(r), count, probabilities.at(r));
        // -ln p[label] = ln sum - (x[label] - max): p[label] itself may have become 0.
        row_losses[r] = std::log(double(sum)) - double(*logits.at(r, labels.data[r]) - maximum);
    });
    double total = 0;
    for (Index r = 0; r < rows; ++r) total += row_losses[r];
    return total / rows;
}

template <class T>
void softmax_cross_entropy_backward(View<const T, 2> probabilities,
                                    View<const std::int64_t, 1> labels,
                                    View<T, 2> dlogits) noexcept {
    // Whole blocks of rows as one array, for short rows leave registers half empty; then the labels.
    const Index rows = probabilities.shape[0], count = probabilities.shape[1];
    const Index block_rows = 1 + elementwise_block / (count + 1);
    const T divisor = static_cast<T>(rows);
    share_out(ceil_div(rows, block_rows), 0.5 * rows * count, [&](Index block) {
        const Index first = block * block_rows, end = std::min(rows, first + block_rows);
        const T* const p = probabilities.data;
        T* const to = dlogits.data;
        map_block<T>(
            first * count, end * count, to, false, [divisor](Vec<T> v) { return v / divisor; }, p);
        for (Index r = first; r < end; ++r) {
            const Index hit = r * count + labels.data[r];
            to[hit] = (p[hit] - T(1)) / divisor;
        }
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template double softmax_cross_entropy_forward(View<const T, 2>, View<const std::int64_t, 1>,   \
                                                  View<T, 2>, double*) noexcept;                   \
    template void softmax_cross_entropy_backward(View<const T, 2>, View<const std::int64_t, 1>,    \
                                                 View<T, 2>) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

#include "kernels/losses.h"

#include <cmath>

#include "kernels/elementwise.h"
#include "kernels/softmax_row.h"

namespace diglot {

template <class T>
double softmax_cross_entropy_forward(View<const T, 2> logits, View<const std::int64_t, 1> labels,
                                     View<T, 2> probabilities, double* row_losses) noexcept {
    const Index rows = logits.shape[0], count = logits.shape[1];
#pragma omp parallel for num_threads(team_size(rows, 2.0 * rows * count)) schedule(static)
    for (Index r = 0; r < rows; ++r) {
        T* p = probabilities.at(r);
        const auto [maximum, sum] = exp_shifted(logits.at(r), count, p);
        for (Index i = 0; i < count; ++i) p[i] /= sum;
        // -ln p[label] = ln sum - (x[label] - max): p[label] itself may have become 0.
        row_losses[r] = std::log(double(sum)) - double(*logits.at(r, labels.data[r]) - maximum);
    }
    double total = 0;
    for (Index r = 0; r < rows; ++r) total += row_losses[r];
    return total / rows;
}

template <class T>
void softmax_cross_entropy_backward(View<const T, 2> probabilities,
                                    View<const std::int64_t, 1> labels,
                                    View<T, 2> dlogits) noexcept {
    const Index rows = probabilities.shape[0], count = probabilities.shape[1];
#pragma omp parallel for num_threads(team_size(rows, 0.5 * rows * count)) schedule(static)
    for (Index r = 0; r < rows; ++r) {
        const T* p = probabilities.at(r);
        T* to = dlogits.at(r);
        for (Index i = 0; i < count; ++i) to[i] = p[i] / T(rows);
        to[labels.data[r]] = (p[labels.data[r]] - T(1)) / T(rows);
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template double softmax_cross_entropy_forward(View<const T, 2>, View<const std::int64_t, 1>,   \
                                                  View<T, 2>, double*) noexcept;                   \
    template void softmax_cross_entropy_backward(View<const T, 2>, View<const std::int64_t, 1>,    \
                                                 View<T, 2>) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

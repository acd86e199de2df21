// Softmax and cross-entropy in one, on integer labels (N,).
//
//     p = softmax(logits);   loss = mean over rows of -ln p[row, label]   (in nats)
//     dlogits = (p - onehot(labels)) / N
#pragma once

#include <cstdint>

#include "kernels/view.h"

namespace diglot {

// Returns the loss, summed in double whatever T is. `row_losses` is scratch for N numbers: they are
// added in their order, whoever computed them.
template <class T>
double softmax_cross_entropy_forward(View<const T, 2> logits, View<const std::int64_t, 1> labels,
                                     View<T, 2> probabilities, double* row_losses) noexcept;

template <class T>
void softmax_cross_entropy_backward(View<const T, 2> probabilities,
                                    View<const std::int64_t, 1> labels,
                                    View<T, 2> dlogits) noexcept;

}  // namespace diglot

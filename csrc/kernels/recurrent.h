// What the recurrent networks rnn, gru and lstm have in common: a whole sequence is one call.
//
//     z_t = x_t w_x + h_{t-1} w_h + b,    h_t = the cell's function of z_t and h_{t-1}
//
// with x (N, T, D), w_x (D, G*H) and w_h (H, G*H), the weights of G gates side by side. What is kept
// for the backward pass has the time as its first axis, so that the rows of one step lie together.
//
// Why it is fast:
//  - w_h is used T times, and packed once (gemm.h). The input's part x w_x is a product over
//    several steps where one step has few rows.
//  - The rows of a batch know nothing of each other. Each thread takes some and runs through the
//    whole sequence with them: nobody waits for anybody. Where there are too few rows, each thread
//    takes some of the H units instead, and they wait for each other after every step.
//  - A step's z stays in the cache until the cell has read it.
//  - Backward, the gradients of z of some steps are collected. The sums over all rows and steps,
//    dw_x = x^T dz and dw_h = h^T dz, are then large products of a depth that gemm likes best.
// How the sums are cut depends on the shape alone, so the result does not depend on the number of
// threads, bit for bit.
#pragma once

#include "kernels/view.h"

namespace diglot {

struct RecurrentShape {
    Index n, t, d, h;  // rows, steps, features of the input, units of the state
};

// Threads worth starting for a network of so many gates.
int recurrent_threads(const RecurrentShape& shape, Index gates) noexcept;

}  // namespace diglot

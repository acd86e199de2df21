// A 3 x 3 window over one channel, with a border of one pixel: what a depthwise convolution does, and
// its input gradient, whose window is turned by half a turn.
//
// There is one filter for a channel, so planes (planes.h) would be read once only: copying takes as
// long as computing. Here each register of a row is loaded with its two neighbours, the pixels to the
// left and to the right, and serves the three rows of outputs that see it while these are in
// registers.
#pragma once

#include "kernels/conv_job.h"

namespace diglot::conv {

// One filter for one channel, 3 x 3, and outputs as many as pixels.
bool suits_depthwise(const Pass& pass);

// A pass that suits, over all images and groups, to a dense target. It needs no scratch.
template <class T>
void convolve_depthwise(const Job<T>& job, int threads) noexcept;

}  // namespace diglot::conv

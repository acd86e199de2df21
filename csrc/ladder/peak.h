// The ceiling over the ladder: multiply-adds and nothing else.
#pragma once

#include "kernels/view.h"

namespace diglot::ladder {

// Runs `steps` rounds of independent multiply-adds of whole registers on each of `threads` threads;
// returns how many floating-point operations that were (a multiply-add is two).
template <class T>
double run_multiply_adds(Index steps, int threads) noexcept;

}  // namespace diglot::ladder

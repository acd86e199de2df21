// The library's own thread count. OpenMP's is per calling thread and shared with other libraries,
// so every parallel region here says num_threads(...) with a number that comes from this one.
#pragma once

#include "kernels/view.h"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace diglot {

void set_num_threads(int count) noexcept;
int get_num_threads() noexcept;

// Threads worth starting for `tasks` independent tasks that cost `work` elementary operations in
// all: waking a thread costs a few microseconds, the time of some ten thousand operations.
int team_size(Index tasks, double work) noexcept;

inline int thread_index() noexcept {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

}  // namespace diglot

#include "kernels/parallel.h"

#include <algorithm>
#include <atomic>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace diglot {

namespace {
std::atomic<int> thread_count{1};
constexpr double work_per_thread = 16384;
}  // namespace

void set_num_threads(int count) noexcept { thread_count.store(count, std::memory_order_relaxed); }

int get_num_threads() noexcept { return thread_count.load(std::memory_order_relaxed); }

int team_size(Index tasks, double work) noexcept {
    const Index worth = 1 + static_cast<Index>(std::min(work / work_per_thread, 1e6));
    return static_cast<int>(std::max<Index>(1, std::min({tasks, worth, Index{get_num_threads()}})));
}

int thread_index() noexcept {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

}  // namespace diglot

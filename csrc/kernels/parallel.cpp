#include "kernels/parallel.h"

#include <algorithm>
#include <atomic>

#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef __linux__
#include <sched.h>
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

int current_processor() noexcept {
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

void leave_processor(int taken) noexcept {
#ifdef __linux__
    cpu_set_t allowed;
    if (taken < 0 || sched_getcpu() != taken || sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    cpu_set_t others = allowed;
    CPU_CLR(taken, &others);
    if (CPU_COUNT(&others) == 0) return;
    sched_setaffinity(0, sizeof others, &others);
    sched_setaffinity(0, sizeof allowed, &allowed);
#else
    (void)taken;
#endif
}

}  // namespace diglot

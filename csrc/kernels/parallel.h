// The library's own thread count. OpenMP's is per calling thread and shared with other libraries,
// so every parallel region here says num_threads(...) with a number that comes from this one.
#pragma once

#include "kernels/view.h"

namespace diglot {

void set_num_threads(int count) noexcept;
int get_num_threads() noexcept;

// Threads worth starting for `tasks` independent tasks that cost `work` elementary operations in
// all: waking a thread costs a few microseconds, the time of some ten thousand operations.
int team_size(Index tasks, double work) noexcept;

// Which thread of a parallel region this is, from 0.
int thread_index() noexcept;

// The processor that this thread runs on, or -1 where that cannot be known.
int current_processor() noexcept;

// Makes another processor run this thread, if it runs on `taken` and there is one.
void leave_processor(int taken) noexcept;

// Runs share() on each thread of a team; loops inside are shared out with `omp for`. A thread alone
// needs no region, which would cost half a microsecond.
//
// A team whose threads got onto one processor, because the others were busy when it was woken, stays
// there: in libgomp one thread spins for the next, for 0.4 ms, before it sleeps and lets it run; they
// never want to run at the same time, and so the system sees no reason to part them. Therefore the
// others leave.
template <class Share>
void run_team(int threads, const Share& share) {
    if (threads == 1) {
        share();
        return;
    }
    const int first = current_processor();
#pragma omp parallel num_threads(threads)
    {
        if (thread_index() > 0) leave_processor(first);
        share();
    }
}

}  // namespace diglot

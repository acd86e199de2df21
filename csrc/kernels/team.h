// A parallel region with a team of threads, and a loop that is shared out among them. Only kernels include this header: the bindings are
// compiled without OpenMP.
#pragma once

#include "kernels/parallel.h"

namespace diglot {

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

// How many tasks `omp for schedule(dynamic, ...)` hands out at a time: that takes its time as well.
// (To be called inside of the region: of a size that a lambda has captured, Clang 14 dies.)
inline Index chunk_size(Index tasks, int threads) { return 1 + tasks / (32 * threads); }

// body(task) for each 0 <= task < tasks, in even, contiguous shares; `work` is that of all tasks in
// elementary operations.
template <class Body>
void share_out(Index tasks, double work, const Body& body) {
    run_team(team_size(tasks, work), [&] {
#pragma omp for schedule(static) nowait
        for (Index task = 0; task < tasks; ++task) body(task);
    });
}

}  // namespace diglot

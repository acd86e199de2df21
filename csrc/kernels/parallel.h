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

// The threads that a team of so many may have: all, or one where the system would not start the
// others. OpenMP would end the process.
int startable(int threads) noexcept;

// How often that was one.
Index lone_runs() noexcept;

// From the call on, a thread that forks ends its team first. A child has no other thread than that
// which forked, and OpenMP would wait there for the rest of its team for ever.
void end_teams_before_forks() noexcept;

// Which thread of a parallel region this is, from 0.
int thread_index() noexcept;

// The processor that this thread runs on, or -1 where that cannot be known.
int current_processor() noexcept;

// Makes another processor run this thread, if it runs on `taken` and there is one.
void leave_processor(int taken) noexcept;

}  // namespace diglot

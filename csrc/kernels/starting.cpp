// How a team of threads begins, where the system may refuse one, and how it ends before a fork.
#include <atomic>
#include <memory>
#include <new>

#include "kernels/parallel.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#ifndef _WIN32
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#endif
#ifdef __linux__
#include <sys/syscall.h>
#endif

namespace diglot {

namespace {
std::atomic<Index> lone{0};
}  // namespace

Index lone_runs() noexcept { return lone; }

#if defined(_OPENMP) && !defined(_WIN32)

namespace {

// The largest team that could be started for this thread. OpenMP ends threads when a team shrinks,
// and starts them anew: then this is a promise of the past, and costs no trial.
thread_local int proven = 1;

// A thread that is there until the gate opens.
struct Trial {
    pthread_mutex_t* gate;
    pthread_t thread;
    long id = 0;
};

void* wait_at_gate(void* argument) {
    Trial& trial = *static_cast<Trial*>(argument);
#ifdef __linux__
    trial.id = syscall(SYS_gettid);
#endif
    pthread_mutex_lock(trial.gate);
    pthread_mutex_unlock(trial.gate);
    return nullptr;
}

// A thread that has been joined counts against the system's limits for some more microseconds.
void wait_until_gone(long id) noexcept {
#ifdef __linux__
    constexpr int patience = 10000;
    for (int i = 0; i < patience && syscall(SYS_tgkill, getpid(), id, 0) == 0; ++i) sched_yield();
#else
    (void)id;
#endif
}

// Starts so many threads at once, and ends them. Their stacks stay with the C library, and OpenMP's
// threads get them.
bool can_start(int count) noexcept {
    const std::unique_ptr<Trial[]> trials(new (std::nothrow) Trial[count]);
    if (!trials) return false;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    int started = 0;
    for (; started < count; ++started) {
        Trial& trial = trials[started];
        trial.gate = &gate;
        if (pthread_create(&trial.thread, nullptr, wait_at_gate, &trial) != 0) break;
    }
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; ++i) pthread_join(trials[i].thread, nullptr);
    for (int i = 0; i < started; ++i) wait_until_gone(trials[i].id);
    return started == count;
}

void end_team() noexcept {
    omp_pause_resource(omp_pause_soft, omp_get_initial_device());
    proven = 1;
}

}  // namespace

int startable(int threads) noexcept {
    if (threads <= proven) return threads;
    if (!can_start(threads - 1)) {
        ++lone;
        return 1;
    }
    return proven = threads;
}

void end_teams_before_forks() noexcept { pthread_atfork(end_team, nullptr, nullptr); }

#else

int startable(int threads) noexcept { return threads; }

void end_teams_before_forks() noexcept {}

#endif

}  // namespace diglot

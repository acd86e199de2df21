// Kernels run without the interpreter's lock, so that other Python threads go on.
#pragma once

#include <pybind11/pybind11.h>

#include <chrono>
#include <thread>

namespace diglot {

// Gives the lock back for as long as this object lives.
//
// A daemon thread may still be in a kernel when the program ends. Until Python 3.14, who then asks for
// the lock is ended by pthread_exit, which unwinds the stack: through a destructor, which ends the
// process with an error, and through objects of Python that nobody may touch any more. So the thread
// stays here, as it does by itself from Python 3.14 on, until the process is gone.
class WithoutGil {
  public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil() {
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {  // nothing of Python's throws: it is pthread_exit's
            for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
        }
    }
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

  private:
    PyThreadState* const state_;
};

}  // namespace diglot

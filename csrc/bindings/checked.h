// What the tools that watch memory (make sanitize, make valgrind) shall think of blocks that are used
// again: to them, memory that this library keeps would look as if it were in use all the time, and
// whatever was written there long ago as if it were a result. In any other build this is nothing.
#pragma once

#include "kernels/view.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(DIGLOT_VALGRIND)
#include <valgrind/memcheck.h>
#endif

namespace diglot {

// From here on, nobody may read or write these bytes.
inline void forbid_memory([[maybe_unused]] void* data, [[maybe_unused]] Index bytes) noexcept {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(data, bytes);
#elif defined(DIGLOT_VALGRIND)
    (void)VALGRIND_MAKE_MEM_NOACCESS(data, bytes);
#endif
}

// From here on these bytes may be used; what they hold is not initialised.
inline void allow_memory([[maybe_unused]] void* data, [[maybe_unused]] Index bytes) noexcept {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(data, bytes);
#elif defined(DIGLOT_VALGRIND)
    (void)VALGRIND_MAKE_MEM_UNDEFINED(data, bytes);
#endif
}

}  // namespace diglot

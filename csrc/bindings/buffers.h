// Large blocks of memory that are used again.
//
// The system gives memory page by page: the first touch of every 4 KiB of a new block is a page
// fault, which costs more time than a kernel needs to fill the page. The C library gives a freed
// block of some hundred KiB back to the system, so that a training would pay for the same pages at
// every step. Here a block that is given back lies idle, and the next output or scratch memory of
// its size takes it, the last one first, because it may still be in a cache.
//
// A block is taken by one owner (an array's capsule, a Scratch) and given back when that dies, so
// nothing is overwritten that can be seen. Idle blocks together never exceed what was once in use
// at a time, nor most_idle_bytes; beyond that the one that lies idle longest is freed.
#pragma once

#include <new>

#include "kernels/view.h"

namespace diglot {

// A MemoryError in Python, which says how much was asked for.
class OutOfMemory final : public std::bad_alloc {
  public:
    explicit OutOfMemory(Index bytes) noexcept;
    const char* what() const noexcept override { return text_; }

  private:
    char text_[160];  // there may be no memory for a std::string
};

// Smaller arrays are better off in NumPy's own allocator.
constexpr Index smallest_block = Index{1} << 16;
constexpr Index most_idle_bytes = Index{1} << 28;

// At least `bytes` bytes, on a page's boundary, not initialised. Throws OutOfMemory.
void* take_block(Index bytes);

// From any thread; bytes as they were asked for.
void give_back_block(void* data, Index bytes) noexcept;

// A block, or a smaller piece on a cache line's boundary, for as long as this object lives.
class ScratchBlock {
  public:
    explicit ScratchBlock(Index bytes);
    ~ScratchBlock();
    ScratchBlock(const ScratchBlock&) = delete;
    ScratchBlock& operator=(const ScratchBlock&) = delete;
    void* data() const { return data_; }

  private:
    const Index bytes_;
    void* const data_;
};

struct BlockCounts {
    Index in_use, most_in_use, idle;  // bytes; what lies idle is not known while others take some
};
BlockCounts block_counts() noexcept;

}  // namespace diglot

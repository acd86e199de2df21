#include "bindings/buffers.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <new>
#include <vector>

#include "bindings/checked.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace diglot {

namespace {

// Blocks begin where pages begin. A processor that compares a load with the stores before it looks at
// the last 12 bits of their addresses alone: an output that began a little further into its page
// than an input would seem to overwrite what is about to be read, and hold the loads up.
constexpr std::align_val_t page{4096};
constexpr std::align_val_t cache_line{64};
constexpr std::size_t most_idle_blocks = 256;
constexpr Index huge_page = Index{1} << 21;
constexpr Index most_bytes = Index{1} << 48;  // of one block; no processor addresses more

struct Block {
    void* data;
    Index capacity;
};

struct Pool {
    std::mutex mutex;         // of the next two
    std::vector<Block> idle;  // the one that lies idle longest comes first
    Index idle_bytes = 0;
    std::atomic<Index> in_use{0}, most_in_use{0};
};

// Never destroyed: arrays may die after the static objects of this library. The module makes it when
// it is imported, so that no fork can happen meanwhile.
Pool& pool() {
    static Pool& only = *[] {
        Pool* made = new Pool;
        made->idle.reserve(most_idle_blocks + 1);  // so that giving back cannot fail
        return made;
    }();
    return only;
}

// Sizes in four steps from one power of two to the next, so that batches of nearly the same size
// share their blocks. What is too much is never touched, so it is no memory yet.
Index capacity_for(Index bytes) {
    Index step = smallest_block / 4;
    while (bytes > 8 * step) step *= 2;
    return round_up(std::max(bytes, smallest_block), step);
}

void* from_system(Index capacity) noexcept {
    void* const data = ::operator new[](capacity, page, std::nothrow);
#ifdef MADV_HUGEPAGE
    // Fewer page faults, as NumPy does it; no harm if it is refused.
    if (data && capacity >= 2 * huge_page) madvise(data, capacity, MADV_HUGEPAGE);
#endif
    return data;
}

void to_system(Block block) noexcept {
    allow_memory(block.data, block.capacity);
    ::operator delete[](block.data, page);
}

// Never waits for the mutex: whoever does not get it goes to the system. So a process that was
// forked while another thread held it cannot hang.
void* from_idle(Pool& p, Index capacity) noexcept {
    const std::unique_lock<std::mutex> lock(p.mutex, std::try_to_lock);
    if (!lock) return nullptr;
    for (std::size_t i = p.idle.size(); i-- > 0;)
        if (p.idle[i].capacity == capacity) {
            void* const data = p.idle[i].data;
            p.idle.erase(p.idle.begin() + i);
            p.idle_bytes -= capacity;
            return data;
        }
    return nullptr;
}

// Frees idle blocks, the oldest first, until the rest keeps within the bounds.
void free_surplus(Pool& p, Index bytes, std::size_t blocks) noexcept {
    std::size_t surplus = 0;
    while (p.idle.size() - surplus > blocks || p.idle_bytes > bytes) {
        const Block block = p.idle[surplus++];
        p.idle_bytes -= block.capacity;
        to_system(block);
    }
    p.idle.erase(p.idle.begin(), p.idle.begin() + surplus);
}

void free_all_idle(Pool& p) noexcept {
    const std::unique_lock<std::mutex> lock(p.mutex, std::try_to_lock);
    if (lock) free_surplus(p, 0, 0);
}

}  // namespace

OutOfMemory::OutOfMemory(Index bytes) noexcept {
    std::snprintf(
        text_, sizeof text_,
        "%lld bytes (%.1f MiB) for results or scratch memory of a kernel could not be had; "
        "smaller batches or arrays need less",
        static_cast<long long>(bytes), static_cast<double>(bytes) / (1 << 20));
}

void* take_block(Index bytes) {
    if (bytes > most_bytes) throw OutOfMemory(bytes);
    Pool& p = pool();
    const Index capacity = capacity_for(bytes);
    void* data = from_idle(p, capacity);
    if (!data) data = from_system(capacity);
    if (!data) {
        free_all_idle(p);  // the memory may be lying here
        data = from_system(capacity);
    }
    if (!data) throw OutOfMemory(bytes);
    allow_memory(data, bytes);
    forbid_memory(static_cast<char*>(data) + bytes, capacity - bytes);  // nobody asked for it
    const Index in_use = p.in_use += capacity;
    Index most = p.most_in_use;
    while (most < in_use && !p.most_in_use.compare_exchange_weak(most, in_use)) {
    }
    return data;
}

void give_back_block(void* data, Index bytes) noexcept {
    Pool& p = pool();
    const Block block{data, capacity_for(bytes)};
    p.in_use -= block.capacity;
    const Index bound = std::min<Index>(most_idle_bytes, p.most_in_use);
    const std::unique_lock<std::mutex> lock(p.mutex, std::try_to_lock);
    if (!lock || block.capacity > bound) return to_system(block);
    forbid_memory(data, block.capacity);
    p.idle.push_back(block);
    p.idle_bytes += block.capacity;
    free_surplus(p, bound, most_idle_blocks);
}

namespace {

void* take_piece(Index bytes) {
    void* const data = ::operator new[](bytes, cache_line, std::nothrow);
    if (!data) throw OutOfMemory(bytes);
    return data;
}

}  // namespace

ScratchBlock::ScratchBlock(Index bytes)
    : bytes_(bytes), data_(bytes < smallest_block ? take_piece(bytes) : take_block(bytes)) {}

ScratchBlock::~ScratchBlock() {
    if (bytes_ < smallest_block)
        ::operator delete[](data_, cache_line);
    else
        give_back_block(data_, bytes_);
}

BlockCounts block_counts() noexcept {
    Pool& p = pool();
    const std::unique_lock<std::mutex> lock(p.mutex, std::try_to_lock);
    return {p.in_use, p.most_in_use, lock ? p.idle_bytes : 0};
}

}  // namespace diglot

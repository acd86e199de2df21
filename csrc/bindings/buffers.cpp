#include "bindings/buffers.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace diglot {

namespace {

constexpr std::align_val_t alignment{64};
constexpr std::size_t most_idle_blocks = 256;
constexpr Index huge_page = Index{1} << 21;
constexpr Index most_bytes = Index{1} << 48;  // of one block; no processor addresses more

// In front of every block, on a cache line of its own: what give_back_block has to know.
struct alignas(64) Header {
    Index capacity;
};

struct Pool {
    std::mutex mutex;           // of the next two
    std::vector<Header*> idle;  // the one that lies idle longest comes first
    Index idle_bytes = 0;
    std::atomic<Index> in_use{0}, most_in_use{0};
};

// Never destroyed: arrays may die after the static objects of this library.
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

Header* from_system(Index capacity) noexcept {
    const std::size_t size = sizeof(Header) + capacity;
    void* memory = ::operator new[](size, alignment, std::nothrow);
    if (!memory) return nullptr;
#ifdef MADV_HUGEPAGE
    if (capacity >= 2 * huge_page) {  // fewer page faults, as NumPy does; no harm if it is refused
        const Index page = 4096, begin = round_up(reinterpret_cast<Index>(memory), page);
        madvise(reinterpret_cast<void*>(begin), capacity - page, MADV_HUGEPAGE);
    }
#endif
    return new (memory) Header{capacity};
}

void to_system(Header* block) noexcept { ::operator delete[](block, alignment); }

// Never waits for the mutex: whoever does not get it goes to the system. So a process that was
// forked while another thread held it cannot hang.
Header* from_idle(Pool& p, Index capacity) noexcept {
    const std::unique_lock<std::mutex> lock(p.mutex, std::try_to_lock);
    if (!lock) return nullptr;
    for (std::size_t i = p.idle.size(); i-- > 0;)
        if (p.idle[i]->capacity == capacity) {
            Header* const block = p.idle[i];
            p.idle.erase(p.idle.begin() + i);
            p.idle_bytes -= capacity;
            return block;
        }
    return nullptr;
}

// Frees idle blocks, the oldest first, until the rest keeps within the bounds.
void free_surplus(Pool& p, Index bytes, std::size_t blocks) noexcept {
    std::size_t surplus = 0;
    while (p.idle.size() - surplus > blocks || p.idle_bytes > bytes) {
        Header* const block = p.idle[surplus++];
        p.idle_bytes -= block->capacity;
        to_system(block);
    }
    p.idle.erase(p.idle.begin(), p.idle.begin() + surplus);
}

void free_all_idle(Pool& p) noexcept {
    const std::unique_lock<std::mutex> lock(p.mutex, std::try_to_lock);
    if (lock) free_surplus(p, 0, 0);
}

}  // namespace

void* take_block(Index bytes) {
    if (bytes > most_bytes) throw std::bad_alloc();
    Pool& p = pool();
    const Index capacity = capacity_for(bytes);
    Header* block = from_idle(p, capacity);
    if (!block) block = from_system(capacity);
    if (!block) {
        free_all_idle(p);  // the memory may be lying here
        block = from_system(capacity);
    }
    if (!block) throw std::bad_alloc();
    const Index in_use = p.in_use += capacity;
    Index most = p.most_in_use;
    while (most < in_use && !p.most_in_use.compare_exchange_weak(most, in_use)) {
    }
    return block + 1;
}

void give_back_block(void* memory) noexcept {
    Header* const block = static_cast<Header*>(memory) - 1;
    Pool& p = pool();
    p.in_use -= block->capacity;
    const Index bound = std::min<Index>(most_idle_bytes, p.most_in_use);
    const std::unique_lock<std::mutex> lock(p.mutex, std::try_to_lock);
    if (!lock || block->capacity > bound) return to_system(block);
    p.idle.push_back(block);
    p.idle_bytes += block->capacity;
    free_surplus(p, bound, most_idle_blocks);
}

ScratchBlock::ScratchBlock(Index bytes)
    : is_large_(bytes >= smallest_block),
      data_(is_large_ ? take_block(bytes) : ::operator new[](bytes, alignment)) {}

ScratchBlock::~ScratchBlock() {
    if (is_large_)
        give_back_block(data_);
    else
        ::operator delete[](data_, alignment);
}

BlockCounts block_counts() noexcept {
    Pool& p = pool();
    const std::lock_guard<std::mutex> lock(p.mutex);
    return {p.in_use, p.most_in_use, p.idle_bytes};
}

}  // namespace diglot

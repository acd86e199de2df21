#include "kernels/dropout.h"

#include <cmath>

#include "kernels/elementwise.h"
#include "kernels/lanes.h"

namespace diglot {

namespace {

// Philox works on blocks of four words. Each word has a lane of its own, and two registers of blocks
// go side by side, because a round waits for its products.
constexpr Index word_count = 4, block_lanes = lanes<double>, registers = 2;
constexpr Index group = word_count * block_lanes * registers;

// words[i]: word first * 4 + i of the generator, in blocks `first` and following.
void philox(std::uint64_t seed, std::uint64_t first, std::uint32_t words[group]) {
    constexpr std::uint32_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
    constexpr std::uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
    const auto numbers = (WordVec)lane_numbers<double>();
    WordVec c[registers][word_count];
    for (Index r = 0; r < registers; ++r) {
        c[r][0] = numbers + (first + r * block_lanes);
        c[r][1] = c[r][0] >> 32;
        c[r][2] = c[r][3] = WordVec{};
    }
    auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round, key0 += weyl0, key1 += weyl1) {
        for (Index r = 0; r < registers; ++r) {  // the upper halves of lanes fill with rubbish
            const WordVec product0 = word_product(c[r][0], multiplier0);
            const WordVec product1 = word_product(c[r][2], multiplier1);
            c[r][0] = (product1 >> 32) ^ c[r][1] ^ key0;
            c[r][1] = product1;
            c[r][2] = (product0 >> 32) ^ c[r][3] ^ key1;
            c[r][3] = product0;
        }
    }
    for (Index r = 0; r < registers; ++r) {  // words 0 and 1, and 2 and 3, of each block in a lane
        const WordVec left = (c[r][0] & 0xffffffff) | (c[r][1] << 32);
        const WordVec right = (c[r][2] & 0xffffffff) | (c[r][3] << 32);
        double pairs[2 * block_lanes];
        store_pairs<double>(pairs, (Vec<double>)left, (Vec<double>)right, block_lanes);
        std::memcpy(words + r * word_count * block_lanes, pairs, sizeof pairs);
    }
}

// `count` elements, group of them unless they are the last.
template <class T>
inline void drop(const std::uint32_t* words, std::uint32_t threshold, T scale, Index count,
                 const T* x, T* y, std::uint8_t* mask) {
#pragma omp simd
    for (Index i = 0; i < count; ++i) {
        mask[i] = words[i] >= threshold;
        y[i] = x[i] * (words[i] >= threshold ? scale : T(0));
    }
}

template <class T>
T keep_scale(double rate) {
    return static_cast<T>(1 / (1 - rate));
}

}  // namespace

template <class T>
void dropout_forward(View<const T, 1> x, double rate, std::uint64_t seed, View<T, 1> y,
                     View<std::uint8_t, 1> mask) noexcept {
    const auto threshold = static_cast<std::uint32_t>(std::floor(rate * 4294967296.0));
    const T scale = keep_scale<T>(rate);
    const Index size = x.size();
    share_out(ceil_div(size, group), 2.0 * size, [&](Index g) {
        alignas(vector_bytes) std::uint32_t words[group];
        philox(seed, g * (group / word_count), words);
        const Index i = g * group, count = std::min(group, size - i);
        if (count == group)  // a constant, which the compiler unrolls by
            drop<T>(words, threshold, scale, group, x.data + i, y.data + i, mask.data + i);
        else
            drop<T>(words, threshold, scale, count, x.data + i, y.data + i, mask.data + i);
    });
}

template <class T>
void dropout_backward(View<const T, 1> dy, View<const std::uint8_t, 1> mask, double rate,
                      View<T, 1> dx) noexcept {
    const T scale = keep_scale<T>(rate);
    const Index size = dy.size();
    share_out(elementwise_blocks(size), 0.5 * size, [&](Index block) {
        const Index end = std::min(size, (block + 1) * elementwise_block);
#pragma omp simd
        for (Index i = block * elementwise_block; i < end; ++i)
            dx.data[i] = dy.data[i] * (T(mask.data[i] != 0) * scale);
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void dropout_forward(View<const T, 1>, double, std::uint64_t, View<T, 1>,             \
                                  View<std::uint8_t, 1>) noexcept;                                 \
    template void dropout_backward(View<const T, 1>, View<const std::uint8_t, 1>, double,          \
                                   View<T, 1>) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

#include "kernels/dropout.h"

#include <cmath>

#include "kernels/elementwise.h"

namespace diglot {

namespace {

// Philox works on blocks of four words; sixteen blocks side by side fill the registers.
constexpr Index word_count = 4, block_count = 16, group = word_count * block_count;

// words[w][b]: word w of block first + b.
void philox(std::uint64_t seed, std::uint64_t first, std::uint32_t words[word_count][block_count]) {
    constexpr std::uint64_t multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57;
    constexpr std::uint32_t weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
    for (Index b = 0; b < block_count; ++b) {
        words[0][b] = static_cast<std::uint32_t>(first + b);
        words[1][b] = static_cast<std::uint32_t>((first + b) >> 32);
        words[2][b] = words[3][b] = 0;
    }
    auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round, key0 += weyl0, key1 += weyl1) {
        for (Index b = 0; b < block_count; ++b) {
            const std::uint64_t product0 = multiplier0 * words[0][b];
            const std::uint64_t product1 = multiplier1 * words[2][b];
            words[0][b] = static_cast<std::uint32_t>(product1 >> 32) ^ words[1][b] ^ key0;
            words[1][b] = static_cast<std::uint32_t>(product1);
            words[2][b] = static_cast<std::uint32_t>(product0 >> 32) ^ words[3][b] ^ key1;
            words[3][b] = static_cast<std::uint32_t>(product0);
        }
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
    const Index size = x.size(), groups = (size + group - 1) / group;
#pragma omp parallel for num_threads(team_size(groups, 4.0 * size)) schedule(static)
    for (Index g = 0; g < groups; ++g) {
        std::uint32_t words[word_count][block_count];
        philox(seed, g * block_count, words);
        bool keep[group];
        for (Index b = 0; b < block_count; ++b)
            for (Index w = 0; w < word_count; ++w)
                keep[b * word_count + w] = words[w][b] >= threshold;
        const Index first = g * group, count = std::min(group, size - first);
#pragma omp simd
        for (Index i = 0; i < count; ++i) {
            mask.data[first + i] = keep[i];
            y.data[first + i] = x.data[first + i] * (T(keep[i]) * scale);
        }
    }
}

template <class T>
void dropout_backward(View<const T, 1> dy, View<const std::uint8_t, 1> mask, double rate,
                      View<T, 1> dx) noexcept {
    const T scale = keep_scale<T>(rate);
    const Index size = dy.size(), blocks = elementwise_blocks(size);
#pragma omp parallel for num_threads(team_size(blocks, 0.5 * size)) schedule(static)
    for (Index block = 0; block < blocks; ++block) {
        const Index end = std::min(size, (block + 1) * elementwise_block);
#pragma omp simd
        for (Index i = block * elementwise_block; i < end; ++i)
            dx.data[i] = dy.data[i] * (T(mask.data[i] != 0) * scale);
    }
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void dropout_forward(View<const T, 1>, double, std::uint64_t, View<T, 1>,             \
                                  View<std::uint8_t, 1>) noexcept;                                 \
    template void dropout_backward(View<const T, 1>, View<const std::uint8_t, 1>, double,          \
                                   View<T, 1>) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

#include "kernels/embedding.h"

#include <algorithm>

#include "kernels/simd.h"
#include "kernels/team.h"

namespace diglot {

template <class T>
void embedding_forward(View<const std::int64_t, 1> tokens, View<const T, 2> w,
                       View<T, 2> y) noexcept {
    const Index places = tokens.size(), width = w.shape[1];
    run_team(team_size(places, double(y.size()) / 2), [&] {
#pragma omp for schedule(static)
        for (Index p = 0; p < places; ++p) std::copy_n(w.at(tokens.data[p]), width, y.at(p));
    });
}

template <class T>
void embedding_backward(View<const T, 2> dy, View<const std::int64_t, 1> tokens,
                        View<T, 2> dw) noexcept {
    constexpr Index line = 64 / sizeof(T);
    const Index places = tokens.size(), width = dw.shape[1], lines = ceil_div(width, line);
    const int threads = team_size(lines, double(dy.size() + dw.size()) / 2);
    run_team(threads, [&] {
#pragma omp for schedule(static)
        for (Index part = 0; part < threads; ++part) {
            const Index first = lines * part / threads * line;
            const Index columns = std::min(width, lines * (part + 1) / threads * line) - first;
            for (Index v = 0; v < dw.shape[0]; ++v) std::fill_n(dw.at(v) + first, columns, T(0));
            for (Index p = 0; p < places; ++p) {
                const T* const from = dy.at(p) + first;
                T* const to = dw.at(tokens.data[p]) + first;
                Index j = 0;
                for (; j + lanes<T> <= columns; j += lanes<T>)
                    store<T>(to + j, load(to + j) + load(from + j));
                for (; j < columns; ++j) to[j] += from[j];
            }
        }
    });
}

#define DIGLOT_INSTANTIATE(T)                                                                      \
    template void embedding_forward(View<const std::int64_t, 1>, View<const T, 2>,                 \
                                    View<T, 2>) noexcept;                                          \
    template void embedding_backward(View<const T, 2>, View<const std::int64_t, 1>,                \
                                     View<T, 2>) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot

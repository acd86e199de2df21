#include "kernels/depthwise.h"

#include <algorithm>

#include "kernels/lanes.h"
#include "kernels/team.h"

namespace diglot::conv {

namespace {

// Some rows of outputs of one channel.
template <class T>
struct Rows {
    const T* image;
    T* y;
    Index height, width;
    Index begin, end;
    const T* weights;  // 3 x 3, as they lie over the image
    T bias;
};

// Every lane's left or right neighbour, and zero where there is none.
template <class T, int... I>
inline Vec<T> from_left(Vec<T> v, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(Vec<T>{}, v, (lanes<T> - 1 + I)...);
}

template <class T, int... I>
inline Vec<T> from_right(Vec<T> v, std::integer_sequence<int, I...>) {
    return __builtin_shufflevector(v, Vec<T>{}, (1 + I)...);
}

// The outputs of one register's columns, from `column` on. A register at the image's border, the
// first or the last of a row, has no pixels to load beyond: its neighbours are its own lanes.
template <bool First, bool Last, class T>
void columns(const Rows<T>& rows, Index column) noexcept {
    constexpr std::make_integer_sequence<int, lanes<T>> places{};
    const Index count = Last ? rows.width - column : lanes<T>;
    const auto read = [=](const T* from) {
        return Last ? load_part(from, count, T(0)) : load(from);
    };
    Vec<T> w[9];
#pragma GCC unroll 9
    for (int t = 0; t < 9; ++t) w[t] = broadcast(rows.weights[t]);
    const Vec<T> start = broadcast(rows.bias);
    static constexpr T zeros[lanes<T> + 2] = {};
    const T* const outside = zeros + 1;  // the rows of the border
    Vec<T> here = start, below = start;  // outputs of this row and the next, so far
    for (Index row = rows.begin - 1; row <= rows.end; ++row) {
        const bool inside = row >= 0 && row < rows.height;
        const T* const from = inside ? rows.image + row * rows.width + column : outside;
        const Vec<T> centre = read(from);
        const Vec<T> left = First ? from_left<T>(centre, places) : read(from - 1);
        const Vec<T> right = Last ? from_right<T>(centre, places) : load(from + 1);
        const Vec<T> above = ((here + w[6] * left) + w[7] * centre) + w[8] * right;
        here = ((below + w[3] * left) + w[4] * centre) + w[5] * right;
        below = ((start + w[0] * left) + w[1] * centre) + w[2] * right;
        if (row <= rows.begin) continue;
        T* const to = rows.y + (row - 1) * rows.width + column;
        if (Last)
            store_part<T>(to, above, count);
        else
            store<T>(to, above);
    }
}

template <class T>
void all_columns(const Rows<T>& rows) noexcept {
    const Index last = (rows.width - 1) / lanes<T> * lanes<T>;
    if (last == 0) return columns<true, true>(rows, 0);
    columns<true, false>(rows, 0);
    for (Index column = lanes<T>; column < last; column += lanes<T>)
        columns<false, false>(rows, column);
    columns<false, true>(rows, last);
}

bool is_same(const Axis& axis) {
    return axis.taps == 3 && axis.stride == 1 && axis.span() == 2 && axis.lowest() == -1 &&
           axis.outputs == axis.size;
}

}  // namespace

bool suits_depthwise(const Pass& pass) {
    return pass.channels == 1 && pass.filters == 1 && pass.positions() > 0 && is_same(pass.rows) &&
           is_same(pass.columns);
}

template <class T>
void convolve_depthwise(const Job<T>& job, int threads) noexcept {
    constexpr Index in_cache = 16 * 1024 / sizeof(T);  // with the outputs, the first level's 32 KiB
    const Pass& pass = job.pass;
    const Index height = pass.rows.size, width = pass.columns.size, groups = job.batch.groups;
    const Index bands = ceil_div(height, std::max<Index>(8, in_cache / width));
    const Index tasks = job.batch.images * groups * bands;

    run_team(threads, [&] {
        const Index chunk = chunk_size(tasks, threads);
#pragma omp for schedule(dynamic, chunk)
        for (Index task = 0; task < tasks; ++task) {
            const Index band = task % bands, group = task / bands % groups,
                        n = task / (bands * groups);
            const Weights<T> from = job.weights.from(group * job.weights_group);
            T weights[9];
            for (Index u = 0; u < 3; ++u)
                for (Index v = 0; v < 3; ++v)
                    weights[(1 + pass.rows.shift(u)) * 3 + 1 + pass.columns.shift(v)] =
                        from.data[u * from.u + v * from.v];
            all_columns<T>({job.image(n, group), job.target.at(n, group, {}), height, width,
                            band * height / bands, (band + 1) * height / bands, weights,
                            job.bias ? job.bias[group] : T(0)});
        }
    });
}

#define DIGLOT_INSTANTIATE(T) template void convolve_depthwise(const Job<T>&, int) noexcept;
DIGLOT_INSTANTIATE(float)
DIGLOT_INSTANTIATE(double)

}  // namespace diglot::conv

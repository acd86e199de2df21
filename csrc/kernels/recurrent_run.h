// How a team of threads runs a recurrent network (recurrent.h): who does what, and in which order.
#pragma once

#include <algorithm>

#include "kernels/gemm.h"
#include "kernels/recurrent.h"
#include "kernels/team.h"

namespace diglot::recurrent {

struct Range {
    Index first, end;
    Index size() const { return end - first; }
};

// The part of a step that one thread computes: some rows, all units; or some units, all rows.
struct Share {
    Range rows, units;
    Index unit_part;
};

template <class T>
struct Split {
    RecurrentShape shape;
    Index parts;
    bool by_rows;

    Split(const RecurrentShape& s, Index gates, int threads) : shape(s) {
        // A step shared by units costs its threads a rendezvous, the time of so many products.
        constexpr Index few_rows = 4, rendezvous = 8192;
        const Index vectors = ceil_div(s.h, lanes<T>);
        by_rows = s.n >= few_rows * threads || vectors < threads ||
                  s.n * s.h * gates * vectors < rendezvous;
        parts = std::max<Index>(1, std::min<Index>(threads, by_rows ? s.n : vectors));
    }
    Index unit_parts() const { return by_rows ? 1 : parts; }
    Share share(Index part) const {
        if (by_rows) return {{shape.n * part / parts, shape.n * (part + 1) / parts}, units(0), 0};
        return {{0, shape.n}, units(part), part};
    }
    Range units(Index part) const { return cut(shape.h, part, unit_parts()); }

    // `width` columns in `parts` pieces of whole vectors, the last one excepted.
    static Range cut(Index width, Index part, Index parts) {
        const Index vectors = ceil_div(width, lanes<T>);
        const auto end = [=](Index p) { return std::min(width, vectors * p / parts * lanes<T>); };
        return {end(part), end(part + 1)};
    }
};

// Hands out scratch memory, or counts it where there is none.
template <class T>
struct Carver {
    T* base;
    Index used = 0;

    T* take(Index elements) {
        T* const piece = base ? base + used : nullptr;
        used += whole_lines(elements);
        return piece;
    }
};

// Weights that are used in many products: `gates` blocks of `width` columns, in which each of
// `parts` threads finds its own columns of a gate as one packed operand.
template <class T>
struct PackedWeights {
    gemm::Strided<T> weights;
    Index depth, gates, width, parts;
    T* packed;

    PackedWeights(gemm::Strided<T> weights, Index depth, Index gates, Index width, Index parts,
                  Carver<T>& scratch)
        : weights(weights),
          depth(depth),
          gates(gates),
          width(width),
          parts(parts),
          packed(scratch.take(gates * gemm::packed_size<T>(width, depth))) {}

    T* block(Index part, Index gate) const {
        const Range columns = Split<T>::cut(width, part, parts);
        return packed + gates * columns.first * depth +
               gate * gemm::packed_size<T>(columns.size(), depth);
    }

    // By the whole team.
    void pack() const {
        const Index panels = ceil_div(width, gemm::Tile<T>::columns);
#pragma omp for schedule(static)
        for (Index task = 0; task < parts * gates * panels; ++task) {
            const Index part = task / (gates * panels), gate = task / panels % gates;
            const Range columns = Split<T>::cut(width, part, parts);
            const Index first = task % panels * gemm::Tile<T>::columns;
            const Index end = std::min(first + gemm::Tile<T>::columns, columns.size());
            if (first < end)
                gemm::pack(weights.from(0, gate * width + columns.first), columns.size(), depth,
                           first, end, block(part, gate));
        }
    }

    // C (rows x the part's columns of a gate) (+)= A weights + bias
    void multiply(Index rows, gemm::Strided<T> a, Index part, Index gate, const T* bias, bool add,
                  T* c, Index c_stride) const {
        const Range columns = Split<T>::cut(width, part, parts);
        gemm::multiply_packed(rows, columns.size(), depth, a, block(part, gate),
                              bias ? bias + gate * width + columns.first : nullptr, add,
                              c + columns.first, c_stride);
    }
};

// ---- a vector of a row, or what is left of one --------------------------------------------------

template <class T>
struct Whole {
    Vec<T> read(const T* from) const { return load(from); }
    void write(T* to, Vec<T> v) const { store<T>(to, v); }
};

template <class T>
struct Part {
    Index count;
    Vec<T> read(const T* from) const { return load_part(from, count, T(0)); }
    void write(T* to, Vec<T> v) const { store_part<T>(to, v, count); }
};

// f(unit, access) for the vectors of a range of units.
template <class T, class F>
[[gnu::flatten]] inline void over_units(Range units, F f) {
    Index u = units.first;
    for (; u + lanes<T> <= units.end; u += lanes<T>) f(u, Whole<T>{});
    if (u < units.end) f(u, Part<T>{units.end - u});
}

// ---- forward ------------------------------------------------------------------------------------

// z[t][n] (its first `gates` blocks of `width`) = x[n][t] w_x + b, for the steps and a share's rows
// and units. The product has the rows of one step, or the steps of one row, whichever are more.
template <class T>
void input_part(const RecurrentShape& s, const T* x, const PackedWeights<T>& w_x, const T* b,
                Range steps, const Share& share, T* z, Index z_stride) {
    const Range rows = share.rows;
    const auto product = [&](Index n, Index t, Index count, Index x_stride, Index c_stride) {
        for (Index gate = 0; gate < w_x.gates; ++gate)
            w_x.multiply(count, {x + (n * s.t + t) * s.d, x_stride, 1}, share.unit_part, gate, b,
                         false, z + (t * s.n + n) * z_stride + gate * w_x.width, c_stride);
    };
    if (rows.size() >= steps.size())
        for (Index t = steps.first; t < steps.end; ++t)
            product(rows.first, t, rows.size(), s.t * s.d, z_stride);
    else
        for (Index n = rows.first; n < rows.end; ++n)
            product(n, steps.first, steps.size(), s.d, s.n * z_stride);
}

// Runs through a sequence: cell.input(steps, share), then cell.step(phase, t, share) for each step.
// A phase may read what all units have got in the one before.
template <class T, class Cell>
void run_forward(const Split<T>& split, const Cell& cell) {
    constexpr Index enough_rows = 32;  // of a product
    const Index steps = split.shape.t;
    const Index rows = split.by_rows ? ceil_div(split.shape.n, split.parts) : split.shape.n;
    const Index chunk = std::max<Index>(1, enough_rows / std::max<Index>(1, rows));
    if (split.by_rows) {
#pragma omp for schedule(static)
        for (Index part = 0; part < split.parts; ++part) {
            const Share share = split.share(part);
            for (Index first = 0; first < steps; first += chunk) {
                const Index end = std::min(steps, first + chunk);
                cell.input({first, end}, share);
                for (Index t = first; t < end; ++t)
                    for (int phase = 0; phase < cell.phases; ++phase) cell.step(phase, t, share);
            }
        }
        return;
    }
    for (Index first = 0; first < steps; first += chunk) {
        const Index end = std::min(steps, first + chunk);
        for (Index t = first; t < end; ++t)
            for (int phase = 0; phase < cell.phases; ++phase)
#pragma omp for schedule(static)
                for (Index part = 0; part < split.parts; ++part) {
                    const Share share = split.share(part);
                    if (t == first && phase == 0) cell.input({first, end}, share);
                    cell.step(phase, t, share);
                }
    }
}

// ---- backward -----------------------------------------------------------------------------------

// A sum over rows and steps: c (rows x columns) += a^T dz, where a has `rows` numbers for each row of
// dz, and the columns of dz begin at dz_column. Neighbours with the same columns share their packing.
template <class T>
struct Outer {
    const T* a;
    Index rows, dz_column, columns;
    T* c;
    Index c_stride;
};

// And sums[j] += the column dz_column + j of dz.
template <class T>
struct ColumnSums {
    Index dz_column, columns;
    T* sums;
};

// The gradients of z of some steps, (steps, N, stride), and what follows from them. Their rows are
// an odd number of cache lines apart: a distance of 4096 bytes would put all of them into the same
// places of the caches.
template <class T>
struct Gradients {
    // Two runs of a product's depth: enough that the threads seldom wait for each other.
    static constexpr Index best_rows = 2 * gemm::Block<T>::depth;

    RecurrentShape shape;
    Index chunks, steps, stride;
    int threads;
    Index packed_size;
    T *dz, *x, *packing;
    const T* whole_x;
    PackedWeights<T> w_x;  // transposed
    T* dx;

    Gradients(const RecurrentShape& s, const T* x, const T* w_x, Index gates, Index dz_blocks,
              T* dx, int threads, Carver<T>& scratch)
        : shape(s),
          chunks(ceil_div(s.t, std::max<Index>(1, best_rows / std::max<Index>(1, s.n)))),
          steps(chunks ? ceil_div(s.t, chunks) : 0),
          stride(odd_lines(dz_blocks * s.h)),
          threads(threads),
          packed_size(whole_lines(gemm::packed_size<T>(widest(gates * s.h, threads), steps * s.n))),
          dz(scratch.take(steps * s.n * stride)),
          x(scratch.take(steps * s.n * s.d)),
          packing(scratch.take(threads * packed_size)),
          whole_x(x),
          w_x({w_x, 1, gates * s.h}, gates * s.h, 1, s.d, 1, scratch),
          dx(dx) {}

    // Columns of the widest of a cut's pieces.
    static Index widest(Index width, Index parts) {
        return ceil_div(ceil_div(width, lanes<T>), parts) * lanes<T>;
    }
    static Index odd_lines(Index elements) {
        constexpr Index line = 64 / sizeof(T);
        return (ceil_div(elements, line) | 1) * line;
    }
    Range chunk(Index c) const { return {shape.t * c / chunks, shape.t * (c + 1) / chunks}; }

    // Row n of step t of the chunk that contains it.
    T* row(Range chunk, Index t, Index n) const {
        return dz + ((t - chunk.first) * shape.n + n) * stride;
    }

    // The input of a chunk's steps with the time as the first axis.
    void gather_input(Range chunk) const {
#pragma omp for schedule(static)
        for (Index t = chunk.first; t < chunk.end; ++t)
            for (Index n = 0; n < shape.n; ++n)
                std::copy_n(whole_x + (n * shape.t + t) * shape.d, shape.d,
                            x + ((t - chunk.first) * shape.n + n) * shape.d);
    }

    // dx = dz w_x^T for the rows of a chunk.
    void input_gradient(Range chunk) const {
        constexpr Index most = 32;
        const bool by_step = shape.n >= chunk.size();
        const Index inner = by_step ? shape.n : chunk.size(),
                    outer = by_step ? chunk.size() : shape.n;
        const Index blocks = ceil_div(inner, most);
#pragma omp for schedule(dynamic) nowait
        for (Index task = 0; task < outer * blocks; ++task) {
            const Index first = inner * (task % blocks) / blocks;
            const Index count = inner * (task % blocks + 1) / blocks - first;
            const Index t = chunk.first + (by_step ? task / blocks : first);
            const Index n = by_step ? first : task / blocks;
            w_x.multiply(count, {row(chunk, t, n), by_step ? stride : shape.n * stride, 1}, 0, 0,
                         nullptr, false, dx + (n * shape.t + t) * shape.d,
                         by_step ? shape.t * shape.d : shape.d);
        }
    }

    // Each thread adds some columns of each sum.
    template <int Products, int Sums>
    void add(Range chunk, const Outer<T> (&products)[Products],
             const ColumnSums<T> (&sums)[Sums]) const {
        const Index rows = chunk.size() * shape.n;
#pragma omp for schedule(static)
        for (Index part = 0; part < threads; ++part) {
            T* const packed = packing + part * packed_size;
            const Outer<T>* last = nullptr;
            for (const Outer<T>& p : products) {
                const Range columns = Split<T>::cut(p.columns, part, threads);
                if (columns.size() == 0) continue;
                if (!last || last->dz_column != p.dz_column || last->columns != p.columns)
                    gemm::pack<T>({dz + p.dz_column + columns.first, stride, 1}, columns.size(),
                                  rows, 0, columns.size(), packed);
                last = &p;
                gemm::multiply_packed<T>(p.rows, columns.size(), rows, {p.a, 1, p.rows}, packed,
                                         nullptr, true, p.c + columns.first, p.c_stride);
            }
            for (const ColumnSums<T>& s : sums)
                over_units<T>(Split<T>::cut(s.columns, part, threads), [&](Index j, auto access) {
                    Vec<T> sum = access.read(s.sums + j);
                    for (Index row = 0; row < rows; ++row)
                        sum += access.read(dz + row * stride + s.dz_column + j);
                    access.write(s.sums + j, sum);
                });
        }
    }
};

// Runs back through a sequence, chunk by chunk: cell.step(phase, chunk, t, share) for each step, then
// cell.sums(chunk).
template <class T, class Cell>
void run_backward(const Split<T>& split, const Gradients<T>& gradients, const Cell& cell) {
    for (Index c = gradients.chunks - 1; c >= 0; --c) {
        const Range chunk = gradients.chunk(c);
        gradients.gather_input(chunk);
        if (split.by_rows) {
#pragma omp for schedule(static)
            for (Index part = 0; part < split.parts; ++part)
                for (Index t = chunk.end - 1; t >= chunk.first; --t)
                    for (int phase = 0; phase < cell.phases; ++phase)
                        cell.step(phase, chunk, t, split.share(part));
        } else {
            for (Index t = chunk.end - 1; t >= chunk.first; --t)
                for (int phase = 0; phase < cell.phases; ++phase)
#pragma omp for schedule(static)
                    for (Index part = 0; part < split.parts; ++part)
                        cell.step(phase, chunk, t, split.share(part));
        }
        gradients.input_gradient(chunk);
        cell.sums(chunk);
    }
}

}  // namespace diglot::recurrent

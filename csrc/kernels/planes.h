// What a sliding window reads, laid out so that every element of the window is a plain offset.
//
// The window of output (i, j) reads, for its element (u, v), the input at row
// i * stride + rows.shift(u) and column j * stride + columns.shift(v). For each channel and each v
// there is one plane that holds just the pixels which the outputs' columns see through v: zeros
// where that is outside the image, `band.columns` wide, nothing in between. Then output number p
// of a band finds its element (u, v) at offset(u, v) + p, whatever the stride, the padding and the
// dilation are: consecutive outputs read consecutive memory, from one row into the next.
//
// It costs a copy of the image for each column of the window (3 for a 3 x 3 window), where a matrix
// of patches is one for each pixel of it (9). Only a band of rows is copied at a time, and it stays
// in the second-level cache while all filters pass over it.
#pragma once

#include "kernels/simd.h"
#include "kernels/window.h"

namespace diglot {

// One axis of a sliding window: element t of the window of output j reads the input at
// j * stride + shift(t), and zeros outside [0, size).
struct Axis {
    Index outputs, size, stride;
    Index taps, first_shift, shift_step;

    Index shift(Index tap) const { return first_shift + tap * shift_step; }
    Index lowest() const { return std::min(first_shift, shift(taps - 1)); }
    Index span() const { return std::max(first_shift, shift(taps - 1)) - lowest(); }
};

// Some outputs: whole rows, or a part of one row.
struct Band {
    Index row, rows, column, columns;
    Index outputs() const { return rows * columns; }
};

class Planes {
  public:
    Planes(const Axis& rows, const Axis& columns, Index band_rows, Index band_columns)
        : rows_(rows),
          columns_(columns),
          classes_(std::min(rows.stride, rows.span() + 1)),
          height_(band_rows + rows.span() / rows.stride),
          width_(band_columns) {}

    Index plane() const { return classes_ * height_ * width_; }
    Index channel() const { return columns_.taps * plane(); }  // elements of one channel

    // Input rows that are `stride` apart are neighbours here: they are a class.
    Index offset(Index u, Index v) const {
        const Index above = rows_.shift(u) - rows_.lowest();
        return v * plane() +
               (above % rows_.stride * height_ + above / rows_.stride) * width_;
    }

    // Copies what a band's outputs read of one channel. Writes up to a register beyond the end.
    template <class T>
    void fill(const T* image, const Band& band, T* to) const {
        for (Index v = 0; v < columns_.taps; ++v) {
            const Index shift = columns_.shift(v) + band.column * columns_.stride;
            const Inside inside(shift, columns_.stride, columns_.size, band.columns);
            const Index count = std::max<Index>(0, inside.end - inside.first);
            const T* const from = image + inside.first * columns_.stride + shift;
            for (Index c = 0; c < classes_; ++c)
                for (Index q = 0; q < height_; ++q, to += width_) {
                    const Index row = (band.row + q) * rows_.stride + rows_.lowest() + c;
                    if (row < 0 || row >= rows_.size || count == 0) {
                        std::fill_n(to, width_, T(0));
                        continue;
                    }
                    std::fill_n(to, inside.first, T(0));
                    copy_row(to + inside.first, from + row * columns_.size, count);
                    const Index end = inside.first + count;
                    std::fill_n(to + end, width_ - end, T(0));
                }
        }
    }

  private:
    template <class T>
    void copy_row(T* to, const T* from, Index count) const {
        if (columns_.stride != 1) {
            for (Index i = 0; i < count; ++i) to[i] = from[i * columns_.stride];
            return;
        }
        if (count < lanes<T>) {
            for (Index i = 0; i < count; ++i) to[i] = from[i];
            return;
        }
        for (Index i = 0; i + lanes<T> <= count; i += lanes<T>) store(to + i, load(from + i));
        store(to + count - lanes<T>, load(from + count - lanes<T>));  // overlaps the one before
    }

    Axis rows_, columns_;
    Index classes_, height_, width_;
};

}  // namespace diglot

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

#include <numeric>

#include "kernels/lanes.h"
#include "kernels/window.h"

namespace diglot {

// One axis of a sliding window: element t of the window of output j reads the input at
// j * stride + shift(t), and zeros outside [0, size).
struct Axis {
    Index outputs, size, stride;
    Index taps, first_shift, shift_step;

    Index shift(Index tap) const { return first_shift + tap * shift_step; }
    Index lowest() const { return std::min(first_shift, last_shift()); }
    Index span() const { return std::max(first_shift, last_shift()) - lowest(); }
    Index last_shift() const { return taps > 0 ? shift(taps - 1) : first_shift; }
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
        return v * plane() + (above % rows_.stride * height_ + above / rows_.stride) * width_;
    }

    // Copies what a band's outputs read of one channel. Whole registers are written, up to one
    // beyond the end: what comes next in memory is written next.
    template <class T>
    void fill(const T* image, const Band& band, T* to) const {
        const bool rows_follow = rows_.stride == 1 && columns_.stride == 1 &&
                                 width_ == columns_.size && band.columns == width_;
        const Index pixels = columns_.stride * width_;
        if ((columns_.stride == 2 || columns_.stride == 4) && columns_.shift_step == 1 &&
            pixels <= most_pixels)
            return columns_.stride == 2 ? fill_together<2>(image, band, to)
                                        : fill_together<4>(image, band, to);
        for (Index v = 0; v < columns_.taps; ++v, to += plane()) {
            const Index shift = columns_.shift(v) + band.column * columns_.stride;
            const Inside inside(shift, columns_.stride, columns_.size, band.columns);
            if (rows_follow)
                fill_shifted(image, band, shift, inside, to);
            else
                fill_rows(image, band, shift, inside, to);
        }
    }

  private:
    // Rows of one class that the band's outputs read: the last band is shorter than the planes.
    Index rows_read(const Band& band) const { return band.rows + rows_.span() / rows_.stride; }

    static constexpr Index most_pixels = 2048;  // of some rows, on the stack

    // With a stride, the planes of neighbouring v are the rows' pixels dealt out in turn, and those
    // of v and v + stride are the same but for a shift by one: rows are read once for all of them.
    template <int Stride, class T>
    void fill_together(const T* image, const Band& band, T* to) const {
        const Index pixels = Stride * width_, at_once = most_pixels / pixels;
        const Index left = band.column * Stride + columns_.first_shift;
        const Index step = std::gcd(rows_.stride, rows_.shift_step), height = rows_read(band);
        T lines[most_pixels + lanes<T>];
        for (Index c = 0; c < classes_; c += step)
            for (Index q = 0; q < height; q += at_once) {
                const Index count = std::min(at_once, height - q),
                            first = (c * height_ + q) * width_;
                for (Index r = 0; r < count; ++r) {
                    const Index row = (band.row + q + r) * rows_.stride + rows_.lowest() + c;
                    copy_pixels(lines + r * pixels, image, row, left, pixels);
                }
                for (Index v = 0; v < columns_.taps; ++v) {
                    T* const plane_v = to + v * plane() + first;
                    if (v < Stride) {
                        deal_out<Stride>(plane_v, lines + v, count * width_);
                        continue;
                    }
                    deal_out<1>(plane_v, plane_v - Stride * plane() + 1, count * width_ - 1);
                    const Index column = left + v + Stride * (width_ - 1);
                    for (Index r = 0; r < count; ++r)
                        plane_v[(r + 1) * width_ - 1] = pixel(
                            image, (band.row + q + r) * rows_.stride + rows_.lowest() + c, column);
                }
            }
    }

    template <class T>
    T pixel(const T* image, Index row, Index column) const {
        const bool inside = row >= 0 && row < rows_.size && column >= 0 && column < columns_.size;
        return inside ? image[row * columns_.size + column] : T(0);
    }

    // Pixels [left, left + count) of a row, zeros outside the image.
    template <class T>
    void copy_pixels(T* to, const T* image, Index row, Index left, Index count) const {
        const Index first = std::clamp<Index>(-left, 0, count);
        const Index end = std::clamp<Index>(columns_.size - left, first, count);
        if (row < 0 || row >= rows_.size) return zero(to, count);
        zero(to, first);
        copy_apart<1>(to + first, image + row * columns_.size + left + first, end - first);
        zero(to + end, count - end);
    }

    // Exactly `count` elements: what comes next in memory has been written before.
    template <int Stride, class T>
    static void deal_out(T* to, const T* from, Index count) {
        Index i = 0;
        for (; i + lanes<T> <= count; i += lanes<T>)
            store(to + i, apart<Stride>(from + i * Stride, lanes<T>));
        if (i < count) store_part(to + i, apart<Stride>(from + i * Stride, count - i), count - i);
    }

    // As wide as the image: its rows are shifted together, and then the border's columns are
    // cleared of what has come over from the next row.
    template <class T>
    void fill_shifted(const T* image, const Band& band, Index shift, const Inside& inside,
                      T* to) const {
        const Index first = band.row + rows_.lowest(), height = rows_read(band);
        const Index above = std::clamp<Index>(-first, 0, height);
        const Index end = std::clamp<Index>(rows_.size - first, above, height);
        zero(to, above * width_);
        if (inside.first < inside.end)
            copy_apart<1>(to + above * width_ + inside.first,
                          image + (first + above) * width_ + inside.first + shift,
                          (end - above) * width_ - (width_ - inside.end) - inside.first);
        const auto clear = [&](Index j) {
            for (Index q = above; q < end; ++q) to[q * width_ + j] = 0;
        };
        for (Index j = 0; j < inside.first; ++j) clear(j);
        for (Index j = inside.end; j < width_; ++j) clear(j);
        zero(to + end * width_, (height - end) * width_);
    }

    template <class T>
    void fill_rows(const T* image, const Band& band, Index shift, const Inside& inside,
                   T* to) const {
        const Index step = std::gcd(rows_.stride, rows_.shift_step), height = rows_read(band);
        const Index count = std::max<Index>(0, inside.end - inside.first);
        const T* const from = image + inside.first * columns_.stride + shift;
        for (Index c = 0; c < classes_; c += step)  // no tap reads the rows of the other classes
            for (Index q = 0; q < height; ++q) {
                T* const line = to + (c * height_ + q) * width_;
                const Index row = (band.row + q) * rows_.stride + rows_.lowest() + c;
                if (row < 0 || row >= rows_.size || count == 0) {
                    zero(line, width_);
                    continue;
                }
                const Index end = inside.first + count;
                zero(line, inside.first);
                copy(line + inside.first, from + row * columns_.size, count);
                zero(line + end, width_ - end);
            }
    }

    template <class T>
    static void zero(T* to, Index count) {
        for (Index i = 0; i < count; i += lanes<T>) store(to + i, Vec<T>{});
    }

    // `count` elements that lie `Stride` (1, 2 or 4) apart, as many as fit a register; reads no
    // further.
    template <int Stride, class T>
    static Vec<T> apart(const T* from, Index count) {
        if constexpr (Stride == 1) {
            if (count >= lanes<T>) return load(from);
            return load_part(from, std::max<Index>(count, 0), T(0));
        } else {
            const Index inner = 2 * count - 1, first = lanes<T> - 1;
            return every_second<T>(apart<Stride / 2>(from, inner),
                                   apart<Stride / 2>(from + Stride / 2 * first, inner - first),
                                   std::make_integer_sequence<int, lanes<T>>{});
        }
    }

    template <int Stride, class T>
    static void copy_apart(T* to, const T* from, Index count) {
        Index i = 0;
        if constexpr (Stride == 1)
            for (; i + lanes<T> <= count; i += lanes<T>) store(to + i, load(from + i));
        for (; i < count; i += lanes<T>) store(to + i, apart<Stride>(from + i * Stride, count - i));
    }

    template <class T>
    void copy(T* to, const T* from, Index count) const {
        switch (columns_.stride) {
            case 1:
                return copy_apart<1>(to, from, count);
            case 2:
                return copy_apart<2>(to, from, count);
            case 4:
                return copy_apart<4>(to, from, count);
            default:
                for (Index i = 0; i < count; ++i) to[i] = from[i * columns_.stride];
        }
    }

    Axis rows_, columns_;
    Index classes_, height_, width_;
};

}  // namespace diglot

// Image patches, written straight into the panels of a product (gemm.h).
#pragma once

#include "kernels/conv.h"
#include "kernels/gemm.h"

namespace diglot {

// A part of an image with its border of zeros: some channels, and the rows that some outputs need.
template <class T>
class PaddedPart {
  public:
    // Elements that a part needs for up to `channels` channels and `outputs` outputs in a row.
    static Index size(const ConvShape& s, Index channels, Index outputs) {
        const Index output_rows = std::min(s.oh, outputs / s.ow + 2);
        return std::min(channels, s.group_channels()) * rows(s, output_rows) * width(s) + lanes<T>;
    }

    // Copies channels [channel, channel_end) for the outputs [first, end) of the group's image.
    void fill(const ConvShape& s, const T* image, Index channel, Index channel_end, Index first,
              Index end, T* memory) {
        memory_ = memory;
        first_channel_ = channel;
        first_row_ = first / s.ow;
        width_ = width(s);
        height_ = rows(s, (end - 1) / s.ow - first_row_ + 1);
        T* to = memory;
        for (Index c = channel; c < channel_end; ++c)
            for (Index r = 0; r < height_; ++r, to += width_) {
                const Index h = first_row_ * s.stride.height + r - s.padding.height;
                if (h < 0 || h >= s.h) {
                    std::fill_n(to, width_, T(0));
                } else {
                    const T* from = image + (c * s.h + h) * s.w;
                    const Index copied = std::min(s.w, width_ - s.padding.width);
                    std::fill_n(to, s.padding.width, T(0));
                    std::copy_n(from, copied, to + s.padding.width);
                    std::fill_n(to + s.padding.width + copied, width_ - s.padding.width - copied,
                                T(0));
                }
            }
    }

    // Where the window of the first output reads its element (c, u, v) ...
    const T* tap(const ConvShape& s, Index c, Index u, Index v) const {
        return memory_ + ((c - first_channel_) * height_ + u * s.dilation.height) * width_ +
               v * s.dilation.width;
    }
    // ... and how much further the window of output (i, j) reads it.
    Index offset(const ConvShape& s, Index i, Index j) const {
        return (i - first_row_) * s.stride.height * width_ + j * s.stride.width;
    }

  private:
    static Index rows(const ConvShape& s, Index output_rows) {
        return (output_rows - 1) * s.stride.height + (s.kh - 1) * s.dilation.height + 1;
    }
    // As far as any window reaches; at least the left border, which fill() writes whole.
    static Index width(const ConvShape& s) {
        const Index reach = (s.ow - 1) * s.stride.width + (s.kw - 1) * s.dilation.width + 1;
        return std::max(reach, s.padding.width);
    }

    T* memory_;
    Index first_channel_, first_row_, height_, width_;
};

// Copies `count` elements that lie `stride` apart to consecutive places. Consecutive ones go by
// whole registers, up to lanes - 1 elements too far: the next run overwrites them.
template <class T>
inline void copy_run(T* to, const T* from, Index count, Index stride) {
    if (stride == 1)
        for (Index i = 0; i < count; i += lanes<T>) store(to + i, load(from + i));
    else
        for (Index i = 0; i < count; ++i) to[i] = from[i * stride];
}

// A stretch of a panel's columns that one run of the image fills.
template <class T>
struct Run {
    Index column, count;
    const T* from;
};

// patches(x) (C*KH*KW x OH*OW), the outputs [first, first + columns): one window element a row.
template <class T>
struct PackPatches {
    const ConvShape& s;
    const T* image;
    Index first, columns;
    T* part_memory;

    static Index part_size(const ConvShape& s) {
        return PaddedPart<T>::size(s, gemm::Block<T>::depth / s.window() + 2,
                                   std::min(s.positions(), gemm::Block<T>::width));
    }

    void operator()(T* packed, Index first_element, Index depth) const noexcept {
        PaddedPart<T> part;
        part.fill(s, image, first_element / s.window(),
                  (first_element + depth - 1) / s.window() + 1, first, first + columns,
                  part_memory);
        for (Index begin = 0; begin < columns; begin += gemm::Tile<T>::columns) {
            const auto panel = gemm::Panel<T>::at(begin, columns);
            Run<T> runs[gemm::Tile<T>::columns];
            Index run_count = 0;
            for (Index column = 0; column < panel.count; ++run_count) {
                const Index output = first + begin + column, i = output / s.ow, j = output % s.ow;
                const Index count = std::min(s.ow - j, panel.count - column);
                runs[run_count] = {column, count, part_memory + part.offset(s, i, j)};
                column += count;
            }
            T* to = packed + begin * depth;
            Index c = first_element / s.window(), u = first_element / s.kw % s.kh,
                  v = first_element % s.kw;
            for (Index k = 0; k < depth; ++k, to += panel.width) {
                const Index tap = part.tap(s, c, u, v) - part_memory;
                for (Index r = 0; r < run_count; ++r)
                    copy_run(to + runs[r].column, runs[r].from + tap, runs[r].count,
                             s.stride.width);
                if (++v == s.kw) {
                    v = 0;
                    if (++u == s.kh) u = 0, ++c;
                }
            }
        }
    }
};

// The same transposed (OH*OW x C*KH*KW), the window elements [first, first + columns): one output
// a row.
template <class T>
struct PackPatchesTransposed {
    const ConvShape& s;
    const T* image;
    Index first, columns;
    T* part_memory;

    static Index part_size(const ConvShape& s) {
        return PaddedPart<T>::size(s, gemm::Block<T>::width / s.window() + 2,
                                   std::min(s.positions(), gemm::Block<T>::depth));
    }

    void operator()(T* packed, Index first_output, Index depth) const noexcept {
        PaddedPart<T> part;
        part.fill(s, image, first / s.window(), (first + columns - 1) / s.window() + 1,
                  first_output, first_output + depth, part_memory);
        for (Index begin = 0; begin < columns; begin += gemm::Tile<T>::columns) {
            const auto panel = gemm::Panel<T>::at(begin, columns);
            Run<T> runs[gemm::Tile<T>::columns];
            Index run_count = 0;
            for (Index column = 0; column < panel.count; ++run_count) {
                const Index element = first + begin + column, v = element % s.kw;
                const Index count = std::min(s.kw - v, panel.count - column);
                runs[run_count] = {column, count,
                                   part.tap(s, element / s.window(), element / s.kw % s.kh, v)};
                column += count;
            }
            T* to = packed + begin * depth;
            Index i = first_output / s.ow, j = first_output % s.ow;
            for (Index k = 0; k < depth; ++k, to += panel.width) {
                const Index offset = part.offset(s, i, j);
                for (Index r = 0; r < run_count; ++r)
                    copy_run(to + runs[r].column, runs[r].from + offset, runs[r].count,
                             s.dilation.width);
                if (++j == s.ow) j = 0, ++i;
            }
        }
    }
};

}  // namespace diglot

// Rung 3, im2col: the convolution becomes a product of matrices.
//
//     y (OC x OH*OW) = m (OC x C*KH*KW) times patches (C*KH*KW x OH*OW)
//
// The matrix of patches has, for each weight, the pixels that it meets. With it, all that the
// ladder of the matrix product has taught is bought at once: its rung 6 does the work.
//
// The price is memory: each pixel is written KH*KW times (an image of 64 x 56 x 56 floats, 0.8 MB,
// becomes 7.2 MB with 3 x 3 weights), read again to be packed, and used for OC multiply-adds only
// then. The fewer the filters, the more of the time is copying.
#include <algorithm>

#include "ladder/conv2d.h"
#include "ladder/matmul.h"

namespace diglot::ladder {

namespace {

// Writes the pixels that meet each weight: row (c, u, v), column (i, j).
template <class T>
void im2col(const ConvShape& s, const T* image, T* patches) {
    for (Index c = 0; c < s.group_channels(); ++c)
        for (Index u = 0; u < s.kh; ++u)
            for (Index v = 0; v < s.kw; ++v) {
                // The outputs of a row whose pixel, at j * stride + shift, exists.
                const Index stride = s.stride.width;
                const Index shift = v * s.dilation.width - s.padding.width;
                const Index begin = std::max<Index>(0, ceil_div(-shift, stride));
                const Index end = std::min(s.ow, ceil_div(s.w - shift, stride));
                for (Index i = 0; i < s.oh; ++i, patches += s.ow) {
                    const Index row =
                        i * s.stride.height + u * s.dilation.height - s.padding.height;
                    std::fill_n(patches, s.ow, T(0));
                    if (row < 0 || row >= s.h) continue;
                    const T* from = image + (c * s.h + row) * s.w + shift;
                    if (stride == 1)
                        for (Index j = begin; j < end; ++j) patches[j] = from[j];
                    else
                        for (Index j = begin; j < end; ++j) patches[j] = from[j * stride];
                }
            }
}

}  // namespace

template <class T>
Index conv2d_im2col_scratch(const ConvShape& s, int) noexcept {
    return whole_lines(s.patch() * s.positions()) + matmul_micro_kernel_scratch<T>(1);
}

template <class T>
void conv2d_im2col(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                   View<T, 4> y, T* scratch, int) noexcept {
    const Index filters = s.group_filters();
    T* const patches = scratch;
    T* const panels = scratch + whole_lines(s.patch() * s.positions());
    for (Index n = 0; n < s.n; ++n)
        for (Index group = 0; group < s.groups; ++group) {
            im2col(s, x.at(n, group * s.group_channels()), patches);
            matmul_micro_kernel<T>(
                {w.at(group * filters), filters, s.patch(), s.patch()},
                {patches, s.patch(), s.positions(), s.positions()},
                {y.at(n, group * filters), filters, s.positions(), s.positions()}, panels, 1);
            for (Index o = group * filters; b && o < (group + 1) * filters; ++o)
                for (Index p = 0; p < s.positions(); ++p) y.at(n, o)[p] += b[o];
        }
}

DIGLOT_COMPILE_CONV2D(im2col)

}  // namespace diglot::ladder

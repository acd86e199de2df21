// Rung 2, loop order: one weight at a time is added to whole rows of outputs.
//
// With the weight fixed, neighbouring outputs need neighbouring pixels (for stride 1), so the inner
// loop runs along two rows, a register at a time. Which outputs have their pixel inside the image
// is known before that loop: no question is left in it.
//
// What limits it is y: for each multiply-add of a register, one of x and one of y are loaded and
// one of y stored. And rows of an image are short: the loop has hardly begun when it ends.
#include <algorithm>

#include "ladder/conv2d.h"

namespace diglot::ladder {

template <class T>
Index conv2d_loop_order_scratch(const ConvShape&, int) noexcept {
    return 0;
}

template <class T>
void conv2d_loop_order(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                       View<T, 4> y, T*, int) noexcept {
    for (Index n = 0; n < s.n; ++n)
        for (Index o = 0; o < s.oc; ++o) {
            const Index first = o / s.group_filters() * s.group_channels();
            std::fill_n(y.at(n, o), s.positions(), b ? b[o] : T(0));
            for (Index c = 0; c < s.group_channels(); ++c)
                for (Index u = 0; u < s.kh; ++u)
                    for (Index v = 0; v < s.kw; ++v) {
                        const T weight = *w.at(o, c, u, v);
                        // The outputs of a row whose pixel, at j * stride + shift, exists.
                        const Index stride = s.stride.width;
                        const Index shift = v * s.dilation.width - s.padding.width;
                        const Index begin = std::max<Index>(0, ceil_div(-shift, stride));
                        const Index end = std::min(s.ow, ceil_div(s.w - shift, stride));
                        for (Index i = 0; i < s.oh; ++i) {
                            const Index row =
                                i * s.stride.height + u * s.dilation.height - s.padding.height;
                            if (row < 0 || row >= s.h) continue;
                            const T* from = x.at(n, first + c, row) + shift;
                            T* to = y.at(n, o, i);
                            if (stride == 1)
                                for (Index j = begin; j < end; ++j) to[j] += weight * from[j];
                            else
                                for (Index j = begin; j < end; ++j)
                                    to[j] += weight * from[j * stride];
                        }
                    }
        }
}

DIGLOT_COMPILE_CONV2D(loop_order)

}  // namespace diglot::ladder

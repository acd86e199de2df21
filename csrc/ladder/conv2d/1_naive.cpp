// Rung 1, naive: the formula as it stands, seven loops.
//
// Per multiply-add it reads one pixel and one weight, works out where they are, and asks four times
// whether the pixel is inside the image. Each sum waits for its last multiply-add. All of it is
// one number at a time; the arithmetic is the least part.
#include "ladder/conv2d.h"

namespace diglot::ladder {

template <class T>
Index conv2d_naive_scratch(const ConvShape&, int) noexcept {
    return 0;
}

template <class T>
void conv2d_naive(const ConvShape& s, View<const T, 4> x, View<const T, 4> w, const T* b,
                  View<T, 4> y, T*, int) noexcept {
    for (Index n = 0; n < s.n; ++n)
        for (Index o = 0; o < s.oc; ++o)
            for (Index i = 0; i < s.oh; ++i)
                for (Index j = 0; j < s.ow; ++j) {
                    const Index first = o / s.group_filters() * s.group_channels();
                    T sum = b ? b[o] : T(0);
                    for (Index c = 0; c < s.group_channels(); ++c)
                        for (Index u = 0; u < s.kh; ++u)
                            for (Index v = 0; v < s.kw; ++v) {
                                const Index row =
                                    i * s.stride.height + u * s.dilation.height - s.padding.height;
                                const Index column =
                                    j * s.stride.width + v * s.dilation.width - s.padding.width;
                                if (row >= 0 && row < s.h && column >= 0 && column < s.w)
                                    sum += *x.at(n, first + c, row, column) * *w.at(o, c, u, v);
                            }
                    *y.at(n, o, i, j) = sum;
                }
}

DIGLOT_COMPILE_CONV2D(naive)

}  // namespace diglot::ladder

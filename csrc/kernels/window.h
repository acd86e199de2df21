// Where a window that slides along an axis lies inside the image.
#pragma once

#include <algorithm>

#include "kernels/view.h"

namespace diglot {

// For one element of the window, which the window of output j reads at j * stride + shift: the
// outputs [first, end) for which that lies inside, 0 <= j * stride + shift < size.
struct Inside {
    Index first, end;

    Inside(Index shift, Index stride, Index size, Index outputs)
        : first(std::min(outputs, shift < 0 ? ceil_div(-shift, stride) : 0)),
          end(std::min(outputs, shift < size ? (size - 1 - shift) / stride + 1 : 0)) {}
};

}  // namespace diglot

#include "kernels/recurrent.h"

#include <algorithm>

#include "kernels/parallel.h"
#include "kernels/simd.h"

namespace diglot {

int recurrent_threads(const RecurrentShape& s, Index gates) noexcept {
    const double products = double(s.n) * s.t * (s.d + s.h) * gates * s.h / 16;
    const double functions = double(s.n) * s.t * gates * s.h * 2;
    return team_size(std::max(s.n, ceil_div(s.h, lanes<float>)), products + functions);
}

}  // namespace diglot

// Rung 1, naive: the formula as it stands, a dot product for each element of C.
//
// Per multiply-add it reads one number of A, next to the last one, and one of B, a whole row of B
// further on: each is on another cache line, of whose 64 bytes 4 are used, and often on another
// page. And it cannot be split among the lanes of a register: the sum must be added up in order,
// so each addition waits for the one before it. Where the rows of B are a power of two apart, even
// those few lines fall into the same places of the cache and drive each other out.
#include "ladder/matmul.h"

namespace diglot::ladder {

template <class T>
Index matmul_naive_scratch(int) noexcept {
    return 0;
}

template <class T>
void matmul_naive(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T*, int) noexcept {
    for (Index i = 0; i < c.rows; ++i)
        for (Index j = 0; j < c.columns; ++j) {
            T sum = 0;
            for (Index k = 0; k < b.rows; ++k) sum += a.row(i)[k] * b.row(k)[j];
            c.row(i)[j] = sum;
        }
}

DIGLOT_COMPILE_MATMUL(naive)

}  // namespace diglot::ladder

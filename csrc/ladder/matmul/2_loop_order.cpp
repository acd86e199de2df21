// Rung 2, loop order: j runs innermost, so that B and C are read along their rows.
//
// The same multiply-adds in another order: row i of C is a sum of rows of B, each times a number of
// A. Neighbours in the loop are neighbours in memory, so every byte of a cache line is used, the
// processor fetches the next line before it is asked for, and the sums in the loop are independent
// of each other: the compiler computes a whole register of them at a time.
//
// What limits it is C: for each multiply-add of a register, one register is loaded from B, one
// from C, and one is stored to C.
#include <algorithm>

#include "ladder/matmul.h"

namespace diglot::ladder {

template <class T>
Index matmul_loop_order_scratch(int) noexcept {
    return 0;
}

template <class T>
void matmul_loop_order(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T*, int) noexcept {
    for (Index i = 0; i < c.rows; ++i) {
        std::fill_n(c.row(i), c.columns, T(0));
        for (Index k = 0; k < b.rows; ++k) {
            const T a_ik = a.row(i)[k];
            const T* b_row = b.row(k);
            T* c_row = c.row(i);
            for (Index j = 0; j < c.columns; ++j) c_row[j] += a_ik * b_row[j];
        }
    }
}

DIGLOT_COMPILE_MATMUL(loop_order)

}  // namespace diglot::ladder

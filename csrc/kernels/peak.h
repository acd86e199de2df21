// The two ceilings of this machine, measured: what no kernel can exceed.
//
//     fma_peak:   acc_i = acc_i * m + a    in as many independent chains as hide an FMA's latency,
//                 all in registers; 2 operations a lane. On a build without FMA (baseline) it is a
//                 product and a sum.
//     triad_peak: a[i] = b[i] + s * c[i]   three streams; 3 * sizeof(T) bytes an element, as STREAM
//                 counts them (what a store reads before it writes is not counted).
//
// Both repeat a block of a few milliseconds and give the fastest, because whatever disturbs a
// measurement makes it slower. Every thread of the library works, on a part of its own.
#pragma once

#include "kernels/view.h"

namespace diglot {

// Operations a second.
template <class T>
double fma_peak(double seconds) noexcept;

// Bytes a second, of arrays of one size: the size decides which cache, or memory, is measured.
template <class T>
double triad_peak(View<T, 1> a, View<T, 1> b, View<T, 1> c, double seconds) noexcept;

}  // namespace diglot

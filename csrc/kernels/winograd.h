// Convolution with 3 x 3 filters at a quarter of the multiplications (Winograd; Lavin & Gray 2016,
// arXiv:1509.09308).
//
// A tile of 4 x 4 outputs needs 6 x 6 inputs: 144 multiplications for each channel and filter. As
// polynomials multiply point by point once they are evaluated, so do the tile and the filter after
// a linear transform of each, and 36 multiplications do:
//
//     y = A' [ (G g G') * (B' d B) ] A        * point by point, summed over the channels before A
//
// The sums over channels are 36 products of matrices, one for each point: filters x channels by
// channels x tiles. The transforms are additions and a few small factors, on whole registers of
// tiles, one tile in each lane; as a window of 6 x 6 with stride 4, their input comes from
// planes.h. The inner loop is that of conv_tile.h.
//
// The price is rounding: the factors (up to 8) make errors four to five times those of the direct
// sum, still far below the tolerance of a result with so many terms. And an infinity or a
// NaN would reach its whole tile: where a result is not finite, the image is convolved again
// directly, so that they land where the definition has them.
#pragma once

#include "kernels/conv_pass.h"

namespace diglot::conv {

// Whether a pass can be, and gains from being, computed this way.
template <class T>
bool suits_winograd(const Pass& pass) noexcept;

// How the images are cut into blocks of tiles.
struct WinogradPlan {
    Index phases;       // with a dilation of d, d x d grids of pixels that do not meet
    Index grids;        // of a block, if whole grids are small
    Index tile_rows;    // of a block, per grid
    Index filters;      // of which the products are kept at a time
    Index tile_stride;  // elements between two channels' tiles: those of a block, and padding

    template <class T>
    static WinogradPlan of(const Pass& pass, Index images, int threads) noexcept;
};

template <class T>
Index winograd_shared_size(const Pass& pass) noexcept;  // transformed filters of one group
template <class T>
Index winograd_thread_size(const Pass& pass, const WinogradPlan& plan) noexcept;

// Transforms the strip of filters that begins with `first`.
template <class T>
void transform_filters(const Pass& pass, const Weights<T>& weights, Index first,
                       T* transformed) noexcept;

// Images and outputs of one group: where they begin, and how far apart they are.
template <class T>
struct WinogradArrays {
    const T* image;
    Index image_stride;
    T* y;
    Index y_stride;
    const T* bias;  // may be null
};

Index winograd_blocks(const Pass& pass, const WinogradPlan& plan, Index images) noexcept;

// Which image grid number `grid` of a block belongs to.
Index winograd_image(const Pass& pass, const WinogradPlan& plan, Index block, Index grid) noexcept;

// finite[grid] says for each grid of the block whether all its results are finite.
template <class T>
void winograd_block(const Pass& pass, const WinogradPlan& plan, Index images, Index block,
                    const WinogradArrays<T>& arrays, const T* transformed, bool* finite,
                    T* scratch) noexcept;

}  // namespace diglot::conv

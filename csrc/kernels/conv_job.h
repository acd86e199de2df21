// A pass of a window over all images and groups, by the way that suits it: directly, by Winograd's
// tiles, channel by channel, or column by column of the window where there is one output channel.
#pragma once

#include "kernels/conv_pass.h"

namespace diglot::conv {

// Where a pass writes: every `step`th pixel of images of this width.
template <class T>
struct Target {
    T* data;
    Index image, group, channel;  // strides
    Index width;
    Pair step;

    bool dense() const { return step.height == 1 && step.width == 1; }
    T* at(Index n, Index g, const Band& band) const {
        return data + n * image + g * group + band.row * step.height * width +
               band.column * step.width;
    }
};

// What a pass is run over.
struct Batch {
    Index images, groups;
    bool winograd;  // allowed
};

template <class T>
struct Job {
    Pass pass;
    Batch batch;
    Weights<T> weights;
    Index weights_group;  // stride
    View<const T, 4> source;
    const T* bias;  // may be null
    Target<T> target;

    const T* image(Index n, Index group) const { return source.at(n, group * pass.channels); }
    const T* group_bias(Index group) const { return bias ? bias + group * pass.filters : nullptr; }
};

// Elements of scratch; `dense` is the target's.
template <class T>
Index convolve_scratch(const Pass& pass, const Batch& batch, bool dense, int threads) noexcept;

template <class T>
void convolve(const Job<T>& job, T* scratch, int threads) noexcept;

}  // namespace diglot::conv

"""The exercises in Python: definitions, in NumPy."""

from collections.abc import Sequence

from diglot.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

_REFERENCE = "diglot.kernels.reference"


def _kernel(family: str, name: str, chapter: str, learn: str, *hints: str) -> Exercise:
    return Exercise(name, chapter, learn, hints, "kernel", f"{_REFERENCE}.{family}", name)


def _cell(name: str, judge: str, learn: str, *hints: str) -> Exercise:
    return Exercise(name, "6", learn, hints, "cell", f"{_REFERENCE}.recurrent", judge)


EXERCISES: Sequence[Exercise] = (
    _kernel(
        "activations",
        "sigmoid_backward",
        "1",
        "the chain rule: a slope, times what comes from behind",
        "The slope of the sigmoid can be told from its output y alone: y * (1 - y).",
        "The chain rule multiplies: the gradient of the output by the slope. Element by element, "
        "so no @ and no sum.",
    ),
    _kernel(
        "activations",
        "relu_backward",
        "4",
        "a kink: the gradient passes, or it does not",
        "Where the output is 0 the input did not matter, and its gradient is 0.",
        "dy * (y > 0) looks right, but infinity * 0 is NaN: choose with np.where, do not multiply.",
        "NaN > 0 is False and NaN <= 0 is False, too. Ask the question whose answer lets dy pass "
        "where y is NaN. np.where(y <= 0, 0, dy) has the dtype of dy.",
    ),
    _kernel(
        "dense",
        "dense_forward",
        "3",
        "a layer is a product of matrices",
        "The sum over i in the docstring is what @ does.",
        "A bias of shape (out,) is added to every row by itself: that is broadcasting. And b may "
        "be None.",
    ),
    _kernel(
        "dense",
        "dense_backward_weight",
        "3",
        "gradients of parameters: sums over the batch",
        "The shapes tell: (in, N) @ (N, out) is (in, out).",
        "A bias is used by every row, so its gradient is the sum over the rows: axis 0.",
        "Return both, as a tuple: dw, db.",
    ),
    Exercise(
        "WeightMultiply",
        "3",
        "an operation: forward, and both ways back",
        (
            "self.input_ and self.output are there: forward keeps them. The weight is self.param.",
            "The gradient of the input is output_grad @ weight.T, that of the weight "
            "input_.T @ output_grad.",
            "The input may have further leading axes, (N, T, features). reshape(-1, features) "
            "makes rows of all of them; `_rows` and `_with_leading_axes` do so and back.",
        ),
        "operation",
        "diglot.operations.dense",
        blanks=("_output", "_input_grad", "_param_grad"),
    ),
    _kernel(
        "losses",
        "softmax_cross_entropy_forward",
        "4",
        "the shift that keeps exp from overflowing",
        "exp(1000) is infinite. Subtract each row's largest number first: the probabilities stay "
        "the same, and no exponential is above 1.",
        "keepdims=True keeps (N, 1), so that it can be subtracted from (N, K).",
        "The logit of the right class in each row is z[np.arange(N), labels].",
        "Use the second form of the loss: a probability may have become 0, and log 0 is infinite. "
        "The mean is summed in float64, and the loss is a float.",
    ),
    _kernel(
        "losses",
        "softmax_cross_entropy_backward",
        "4",
        "softmax and loss together have a simple gradient",
        "A one-hot matrix is a comparison: labels[:, None] == np.arange(K).",
        "The loss is a mean over N rows: so is its gradient.",
    ),
    _kernel(
        "dropout",
        "dropout_forward",
        "4",
        "inverted dropout: what is kept is scaled up",
        "_random_words(x.size, seed) gives one word of 32 bits for each element, in a row.",
        "The mask is a comparison of the words with int(rate * 2**32), in the shape of x.",
        "Scale what is kept by 1 / (1 - rate): then nothing is to be done when predicting.",
    ),
    _kernel(
        "optim",
        "sgd_momentum_inplace",
        "4",
        "a velocity that remembers, changed in place",
        "velocity = ... gives the name to a new array, and the caller sees nothing of it. "
        "velocity[...] = ... writes into the old one; so does param -= ...",
        "With nesterov, the step is momentum * (the velocity just computed) + lr * g.",
    ),
    _kernel(
        "optim",
        "adam_inplace",
        "beyond",
        "running means, and the correction of their start",
        "mean and mean_squares are changed in place: mean[...] = ...",
        "Both began at zero and are too small at first: divide by 1 - beta**step. The divided "
        "values are used in this step, and not kept.",
        "If decoupled, shrink param before anything else, and leave the decay out of g.",
    ),
    _kernel(
        "pool",
        "max_pool2d_backward",
        "5",
        "only the winner of a window gets the gradient",
        "indices says for each output which pixel, h*W + w, it came from.",
        "Windows may overlap: a pixel that won twice gets the sum of both. dx[...] += with a list "
        "of indices adds only once; np.add.at adds each time.",
        "Let dx be (N, C, H*W) at first. np.ogrid[:N, :C] gives n and c, which broadcast.",
    ),
    _kernel(
        "conv",
        "conv2d_forward",
        "5",
        "a filter slides over an image",
        "Begin with loops: over n, o, i, j of the output, and c, u, v of the filter. It may be "
        "slow, the images here are small.",
        "Skip pixels outside the image, or surround it with zeros first (np.pad).",
        "stride, padding and dilation may be pairs (height, width). Filter o belongs to group "
        "o // (OC // groups), and sees that group's channels.",
        "Without loops: _windows gives all windows as a view, and np.tensordot multiplies.",
    ),
    _kernel(
        "conv",
        "conv2d_backward_weight",
        "5",
        "a weight's gradient: all places where it was used",
        "The same loops as forward: where forward adds x * w to y, here x * dy is added to dw.",
        "Sum over all images: the book's code is wrong for more than one (erratum E1).",
        "kernel_size is needed because a stride may leave pixels over that no window reads.",
    ),
    _kernel(
        "conv",
        "conv2d_backward_input",
        "5",
        "a pixel's gradient: all windows that saw it",
        "The same loops as forward: where forward adds x * w to y, here w * dy is added to dx.",
        "Compute the gradient of the image with its border, then cut the border off.",
        "For one (u, v) all outputs at once: `pixels` selects the pixel of every window.",
    ),
    _kernel(
        "embedding",
        "embedding_backward",
        "beyond",
        "a row that was used twice gets two gradients",
        "dw[tokens] += dy adds only once where a token stands twice. np.add.at adds each time.",
        "The dtype of dw is that of dy, its shape (vocabulary_size, D).",
    ),
    Exercise(
        "send_back",
        "6",
        "automatic differentiation: the walk back through a graph",
        (
            "topological_order lists every node after its sources; walk through it backwards, and "
            "each node's sum is complete when its turn comes.",
            "Keep the sums of this walk in a dict by id(node): what is in node.grad already came "
            "from earlier walks, and must not be handed on again.",
            "x * x depends on x twice: both parts are to be added.",
            "source_grads(sum) gives what each node of depends_on receives.",
        ),
        "walk",
        "diglot.autograd.graph",
    ),
    _cell(
        "lstm_cell",
        "lstm_forward",
        "four gates and a cell state",
        "x @ w_x + h @ w_h + b is (N, 4*H), all gates; np.split(..., 4, axis=1) parts them.",
        "The order of the blocks is i, f, g, o. Only g goes through tanh.",
        "Return the state, the cell state, and the gates side by side, after their functions: "
        "np.concatenate([i, f, g, o], axis=1).",
    ),
    _cell(
        "gru_cell",
        "gru_forward",
        "a reset before or after the product",
        "The order of the blocks is r, z, n.",
        "With reset_after, m = h w_hn + b_hn and n = tanh(x_n + r * m). Without, m = r * h, and "
        "the product is of m.",
        "Return the state, the gates r, z, n side by side, and m.",
    ),
    _cell(
        "lstm_cell_backward",
        "lstm_backward",
        "back through the gates of a step",
        "h' = o * tanh(c'), so c' receives dh * o * (1 - tanh(c')²), besides what dc brings.",
        "c' = f * c + i * g: four products, four gradients.",
        "sigmoid_backward and tanh_backward take the gate's output: that is what `gates` holds.",
        "Return the gradient of c, which is dc * f, and dz of i, f, g, o side by side.",
    ),
)

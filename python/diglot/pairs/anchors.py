"""Which lines of the reference and of the C++ do the same: for each kernel, in order of reading.

Every pair begins with the definition (docstring beside the header's first comment) and with the
function beside its namesake, which need no anchors. A row here is a further part: its label; where
it is in the reference (see `python_source.excerpt`); where it is in csrc/kernels (see
`native_source.excerpt`). Either place may be empty.
"""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["ANCHORS", "Row"]


class Row(NamedTuple):
    """A part of a pair.

    Attributes:
        label: what happens there.
        left: the reference's anchor, or "".
        right: the C++ anchor, or "".
    """

    label: str
    left: str
    right: str


def _product(sum_over_k: str) -> tuple[Row, ...]:
    return (
        Row("a thread's share of the product", "", "dense.cpp share"),
        Row("why it is fast", "", "gemm.h //"),
        Row("blocks that stay in the caches", "", "gemm.cpp multiply"),
        Row("a block, tile by tile", "", "gemm.cpp multiply_block"),
        Row("the inner loop: a tile of sums in registers", sum_over_k, "gemm.cpp tile"),
    )


def _function(*rows: tuple[str, str]) -> tuple[Row, ...]:
    """Describe an element-wise kernel: the function on a register, and the loop over the array."""
    return (
        *[Row(label, "", place) for label, place in rows],
        Row("the loop over the array", "", "elementwise.h map_block"),
    )


_TEAM = Row("the threads", "", "team.h share_out")
_EXP = ("e^x: a power of two and a polynomial", "vector_math.h ReducedExp")
_TANH = (
    ("tanh on a register", "vector_math.h tanh"),
    ("tanh by the formula", "vector_math.h tanh_by_formula"),
    ("tanh by a table, where a register holds half of it", "vector_math.h tanh_by_table"),
)
_NORMAL = ("the normal distribution's tail", "normal.h NormalTail")
_STEP = (
    Row("the loop over the parameters", "", "optim.cpp update_block"),
    Row("the threads", "", "optim.cpp update_all"),
)
_SOFTMAX_ROW = "softmax_row.h softmax_row"
_WINDOWS = "pool_windows.h reduce_windows"
_CONVOLVE = (
    Row("which way suits the sizes", "", "conv_job.cpp convolve"),
    Row("the threads: each takes bands of outputs", "", "conv_job.cpp convolve_directly"),
    Row("a band: every window element is an offset", "_windows", "conv_pass.cpp convolve_band"),
)


def _recurrent(kind: str, before: str) -> Mapping[str, tuple[Row, ...]]:
    """Describe a recurrent network; `before` is the step back in its reference."""
    file, cell = f"recurrent_{kind}.cpp", f"{kind}_cell"
    product = f"{cell}|{_PRODUCTS[kind]}"
    back = f"{kind}_backward"
    return {
        f"{kind}_forward": (
            Row(
                "one step",
                cell,
                f"{file} Forward::step",
            ),
            Row("x times w_x, for many steps at once", product, "recurrent_run.h input_part"),
            Row("h times w_h, packed once for all steps", "", "recurrent_run.h PackedWeights"),
            Row("the loop over time", f"{kind}_forward|for t in", "recurrent_run.h run_forward"),
            Row("the inner loop of the products", "", "gemm.cpp tile"),
        ),
        f"{kind}_backward": (
            Row("one step back", before, f"{file} Backward::step"),
            Row("the loop back through time", f"{back}|for t in", "recurrent_run.h run_backward"),
            Row(
                "the gradient of the input",
                f"{back}|dx[:, t] =",
                "recurrent_run.h Gradients::input_gradient",
            ),
            Row(
                "the gradients of the weights",
                f"{back}|dw_x += ..{_LAST[kind]}",
                f"{file} Backward::sums",
            ),
            Row("how they are added up", "", "recurrent_run.h Gradients::add"),
        ),
    }


_PRODUCTS = {"rnn": "return ", "gru": "x_r, x_z, x_n = ", "lstm": "z_i, z_f, z_g, z_o = "}
_LAST = {"rnn": "db += ", "gru": "db_h += ", "lstm": "db += "}

ANCHORS: Mapping[str, tuple[Row, ...]] = {
    "matmul": _product("matmul|return "),
    "dense_forward": (Row("the product", "matmul.body", "dense.cpp Product"), *_product("")),
    "dense_backward_weight": (
        Row("the sums of the columns", "dense_backward_weight|return ", "dense.cpp sum_columns"),
        *_product("matmul.body"),
    ),
    "conv2d_forward": (
        *_CONVOLVE,
        Row("what a window reads, as planes", "", "planes.h Planes::fill"),
        Row(
            "the inner loop: filters by positions", "conv2d_forward|parts = ", "conv_tile.cpp tile"
        ),
    ),
    "conv2d_backward_input": (
        Row(
            "which elements of the window reach a pixel",
            "conv2d_backward_input|for u in",
            "conv.cpp Phase",
        ),
        Row("a pass for each place between two windows", "", "conv.cpp InputPhase"),
        *[row._replace(left="") for row in _CONVOLVE],
        Row(
            "the inner loop: channels by positions",
            "conv2d_backward_input|products = ",
            "conv_tile.cpp tile",
        ),
    ),
    "conv2d_backward_weight": (
        Row("the sums of some filters and channels", "_windows", "conv_weight.cpp sum_task"),
        Row(
            "the inner loop: filters by window elements",
            "conv2d_backward_weight|parts = ",
            "conv_sums.cpp tile",
        ),
        Row("the bias", "", "conv_sums.cpp sum"),
    ),
    "max_pool2d_forward": (
        Row("the loop over the windows", "max_pool2d_forward|for u in", _WINDOWS),
        Row(
            "the maximum, and where it was",
            "max_pool2d_forward|larger = ..indices = np.where",
            "pool.cpp Maximum",
        ),
    ),
    "max_pool2d_backward": (
        Row("the gradient goes to the winner", "max_pool2d_backward|np.add.at", "pool.cpp scatter"),
        Row("the same for windows of 2 x 2", "", "pool.cpp scatter_into_squares"),
    ),
    "avg_pool2d_forward": (
        Row("the loop over the windows", "avg_pool2d_forward|for u in", _WINDOWS),
        Row("the mean", "avg_pool2d_forward|y /= ", "pool.cpp Mean"),
    ),
    "avg_pool2d_backward": (
        Row(
            "windows that may overlap",
            "avg_pool2d_backward|for u in",
            "pool.cpp share_among_windows",
        ),
        Row("windows that tile the image", "", "pool.cpp share_among_tiles"),
    ),
    "sigmoid_forward": _function(("sigmoid on a register", "vector_math.h sigmoid"), _EXP),
    "sigmoid_backward": _function(),
    "tanh_forward": _function(*_TANH),
    "tanh_backward": _function(),
    "relu_forward": _function(),
    "relu_backward": _function(),
    "leaky_relu_forward": _function(),
    "leaky_relu_backward": _function(),
    "gelu_forward": _function(("gelu on a register", "normal.h gelu"), _NORMAL, _EXP),
    "gelu_backward": _function(("its slope on a register", "normal.h gelu_slope"), _NORMAL, _EXP),
    "softmax_forward": (
        Row("one row", "softmax_forward.body", _SOFTMAX_ROW),
        Row(_EXP[0], "", _EXP[1]),
        _TEAM,
    ),
    "softmax_backward": (_TEAM,),
    "dropout_forward": (
        Row("random words from a counter", "philox4x32", "dropout.cpp philox"),
        Row("a word for each element", "_random_words", "dropout.cpp dropout_forward|share_out"),
        Row("keep or drop", "dropout_backward.body", "dropout.cpp drop"),
    ),
    "dropout_backward": (_TEAM,),
    "softmax_cross_entropy_forward": (
        Row(
            "the softmax of one row",
            "softmax_cross_entropy_forward|z = ..total = ",
            _SOFTMAX_ROW,
        ),
        Row(_EXP[0], "", _EXP[1]),
        _TEAM,
    ),
    "softmax_cross_entropy_backward": _function(),
    "embedding_forward": (Row("the threads", "", "team.h run_team"),),
    "embedding_backward": (Row("the threads", "", "team.h run_team"),),
    "sgd_inplace": _STEP,
    "sgd_momentum_inplace": _STEP,
    "adagrad_inplace": _STEP,
    "rmsprop_inplace": _STEP,
    "adam_inplace": _STEP,
    **_recurrent("rnn", "rnn_backward|dz = "),
    **_recurrent("gru", "gru_cell_backward"),
    **_recurrent("lstm", "lstm_cell_backward"),
}
"""The further parts of each kernel's pair."""

"""The exercises in C++: rungs of the ladder, each one idea faster than the one before."""

from collections.abc import Sequence

from diglot.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

_KERNELS = {"matmul": "matmul", "conv2d": "conv2d_forward", "lstm": "lstm_forward"}


def _rung(
    operation: str,
    rung: str,
    chapter: str,
    learn: str,
    *hints: str,
    blanks: tuple[str, ...] = (),
    beats: tuple[str, float] | None = None,
    links: tuple[str, ...] = (),
) -> Exercise:
    name = f"{operation}_{rung}"
    return Exercise(
        name,
        chapter,
        learn,
        hints,
        "rung",
        operation,
        _KERNELS[operation],
        rung,
        blanks or (name,),
        beats,
        links,
    )


EXERCISES: Sequence[Exercise] = (
    _rung(
        "matmul",
        "naive",
        "1",
        "a product of matrices is three loops",
        "a.row(i)[k] is an element; c.rows, c.columns and b.rows are the sizes M, N and K.",
        "Sum in a variable, and write it to c.row(i)[j] once, after the loop over k.",
    ),
    _rung(
        "matmul",
        "loop_order",
        "beyond",
        "the same loops in the order of the memory",
        "The innermost loop should run over j: rows of B and of C lie in the memory in that order.",
        "Set row i of C to 0 first (std::fill_n), then add a[i, k] times row k of B, for each k.",
        beats=("naive", 3.0),
    ),
    _rung(
        "conv2d",
        "naive",
        "5",
        "a convolution is seven loops",
        "*x.at(n, c, h, w) is an element; x.at(n, c) points to a whole channel.",
        "Row h = i * s.stride.height + u * s.dilation.height - s.padding.height; skip the pixels "
        "outside 0 <= h < s.h, and columns likewise.",
        "Filter o sees the channels from o / s.group_filters() * s.group_channels() on; its own "
        "count them from 0. The bias b may be null.",
    ),
    _rung(
        "lstm",
        "naive",
        "6",
        "an LSTM is a dot product for each gate",
        "c, the scratch memory, holds the cell state of one row: copy c0's row into it before the "
        "first step.",
        "a.input(n, t) is the input of a step, a.before(n, t) the state before it, a.output(n, t) "
        "the state after it.",
        "Column gate * H + u of the weights belongs to unit u: gates i, f, g, o. unit_step does "
        "the rest.",
    ),
    _rung(
        "matmul",
        "registers",
        "beyond",
        "sums stay in registers",
        "Vec<T> is a register of lanes<T> numbers, for which + and * work as for one. "
        "broadcast(value) fills one.",
        "Vec<T> sum[tile_rows][tile_vectors] = {}; stays in registers if its indices are "
        "constants: loop up to tile_rows and tile_vectors, which the compiler unrolls.",
        "At the edges c has fewer rows or columns: load_some and store_some take the number of "
        "elements that exist. Rows that do not exist may be computed from the last one, if they "
        "are not stored.",
        blanks=("tile",),
        beats=("naive", 5.0),
    ),
    _rung(
        "matmul",
        "blocked",
        "beyond",
        "a block of B stays in the cache",
        "tile adds to C: so C must be 0 before the first block.",
        "The outer loops run over blocks of B, block_depth x block_width<T>; the inner ones over "
        "tiles of C.",
        "a.part(i, k, rows, columns) is a part of a matrix, cut off at its edge. For the block at "
        "(first_k, first_j), the tile of C is at (i, first_j + j).",
        beats=("naive", 5.0),
    ),
    _rung(
        "lstm",
        "vector_gates",
        "beyond",
        "exp and tanh of a whole register",
        "z(0), z(1), z(2), z(3) give registers: the z of i, f, g and o.",
        "sigmoid<T>(v) and tanh<T>(v) take a register; load_some(c, count) and store_some<T>(c, v, "
        "count) leave alone what is behind the last unit.",
        "c' = f * c + i * g, and h = o * tanh(c').",
        blanks=("units_step",),
        beats=("batch", 1.2),
        links=("csrc/ladder/matmul/6_micro_kernel.cpp",),
    ),
)

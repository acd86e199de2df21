"""The case table: for every kernel, the arguments that it is judged on.

Parity, layouts, thread counts, gradients, `diglot verify` and the benchmarks all read this table.
A new kernel needs one row in `CASES`. An element-wise one gets a good list of cases from
`elementwise`, a convolution or a pooling a new size in `diglot.kernels.image_cases`, a recurrent
network one in `diglot.kernels.recurrent_cases`; how much rounding may do is derived in
`diglot.kernels.tolerance`.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import cycle
from typing import Any

from diglot._typing import Shape
from diglot.kernels.draw import Arguments, Case, Draw, Fill
from diglot.kernels.image_cases import CONVOLUTIONS, MAX_POOLINGS, POOLINGS
from diglot.kernels.recurrent_cases import RECURRENT, embeddings

__all__ = ["CASES", "ROLES", "Arguments", "Case"]

ROLES: Mapping[str, str] = {
    "labels": "label",  # integers of any width
    "indices": "index",  # int32
    "tokens": "token",  # integers of any width
    "mask": "mask",  # bool
    "param": "target",  # changed in place, as are the next four
    "velocity": "target",
    "sum_squares": "target",
    "mean": "target",
    "mean_squares": "target",
}
"""What an array argument is for; every other array is an input of the case's floating dtype."""


# ---- dense ---------------------------------------------------------------------------------------


def _matmul(
    M: int,
    K: int,
    N: int,
    transposed: str = "",
    *,
    stack: Shape = (),
    a: Fill = Draw.normal,
    b: Fill = Draw.normal,
) -> Case:
    """Describe the product (M, K)(K, N); `transposed` names the arguments given transposed."""

    def make(draw: Draw) -> Arguments:
        ta, tb = "a" in transposed, "b" in transposed
        return {
            "a": a(draw, *stack, *((K, M) if ta else (M, K))),
            "b": b(draw, *stack, *((N, K) if tb else (K, N))),
            "transpose_a": ta,
            "transpose_b": tb,
        }

    numbers = "" if a == b == Draw.normal else f" {a.__name__} by {b.__name__}"
    turned = f" transposed {transposed}" if transposed else ""
    stacked = f"{stack} of " if stack else ""
    return Case(f"{stacked}{M}x{K}x{N}{turned}{numbers}", make, terms=K)


def _matmul_cases() -> Iterable[Case]:
    for M, K, N in [(17, 31, 33), (65, 100, 129), (6, 4000, 9), (200, 300, 170)]:
        for transposed in ("", "a", "b", "ab"):
            yield _matmul(M, K, N, transposed)
    sizes = [1, 2, 5, 15, 16, 17, 31, 33, 64, 65, 100, 129, 200]
    for i, size in enumerate(sizes):  # each size in each place, beside other sizes
        yield _matmul(size, sizes[i - 4], sizes[i - 7], ("", "a", "b", "ab")[i % 4])
    yield from (
        _matmul(1, 1000, 1),
        _matmul(200, 1, 200),
        _matmul(1, 129, 200),
        _matmul(200, 129, 1),
    )
    yield from (_matmul(2, 3, 5000), _matmul(1000, 3, 2), _matmul(3, 257, 500, "b"))
    yield from (_matmul(4, 5, 6, stack=(3,)), _matmul(33, 17, 9, "a", stack=(2, 3)))
    yield from (
        _matmul(0, 3, 2),
        _matmul(3, 0, 2),
        _matmul(3, 2, 0, "ab"),
        _matmul(2, 3, 4, stack=(0,)),
    )
    yield from (_matmul(9, 20, 11, a=Draw.special), _matmul(9, 20, 11, "b", b=Draw.special))
    yield from (_matmul(7, 20, 50, a=Draw.subnormal), _matmul(7, 20, 50, a=Draw.large))


def _dense(N: int, K: int, M: int, *, b: bool = True, fill: Fill = Draw.normal) -> dict[str, Case]:
    """Describe a dense layer's two kernels for N rows, K features in and M features out."""

    def forward(draw: Draw) -> Arguments:
        bias = draw.normal(M) if b else None
        return {"x": fill(draw, N, K), "w": draw.normal(K, M), "b": bias}

    def backward(draw: Draw) -> Arguments:
        return {"dy": fill(draw, N, M), "x": draw.normal(N, K)}

    numbers = "" if fill == Draw.normal else f" {fill.__name__}"
    name = f"{N}x{K}x{M}{'' if b else ' no bias'}{numbers}"
    smooth = b and 0 < N * K * M <= 200
    return {
        "dense_forward": Case(name, forward, terms=K + 1, smooth=smooth),
        "dense_backward_weight": Case(name, backward, terms=max(N, 1), smooth=smooth),
    }


_DENSE = [
    _dense(5, 4, 3),
    _dense(5, 4, 3, b=False),
    *[_dense(N, K, M) for N, K, M in [(1, 1, 1), (60, 89, 10), (33, 70, 129), (17, 64, 600)]],
    *[_dense(N, K, M) for N, K, M in [(6, 4000, 9), (4000, 6, 9), (130, 31, 48), (2, 300, 65)]],
    *[_dense(N, K, M) for N, K, M in [(0, 3, 2), (3, 0, 2), (3, 2, 0), (0, 0, 4)]],
    *[_dense(9, 20, 11, fill=fill) for fill in (Draw.special, Draw.large)],
    _dense(9, 20, 11, b=False, fill=Draw.subnormal),  # a bias would hide what is lost
]


# ---- element by element, and row by row ----------------------------------------------------------

_SHAPES: list[Shape] = [(0,), (3, 0), (1,), (2, 3, 5), (31,), (33, 65), (2, 3, 5, 7), (70_001,)]
_ROW_SHAPES: list[Shape] = [(0, 10), (1, 1), (5, 1), (3, 5), (2, 3, 10), (7, 129), (300, 257)]
_FEW = {(2, 3, 5), (3, 5)}  # shapes of the smooth cases


def _one(_: Shape) -> int:
    return 1


def _row(shape: Shape) -> int:
    return max(shape[-1], 1)


def elementwise(
    settings: Arguments,
    *variants: Mapping[str, Fill],
    shapes: Iterable[Shape] = _SHAPES,
    terms: Callable[[Shape], int] = _one,
    calls: int = 1,
) -> list[Case]:
    """List cases of a kernel whose arrays all have one shape.

    Args:
        settings: the arguments that are no arrays.
        variants: what fills each array. The first variant is drawn in all shapes, the others in
            one of middling size.
        shapes: the shapes.
        terms: summed terms, by shape.
        calls: calls in a row.
    """

    def cases(shape: Shape, fills: Mapping[str, Fill], smooth: bool) -> Case:
        def make(draw: Draw) -> Arguments:
            return {name: fill(draw, *shape) for name, fill in fills.items()} | settings

        numbers = ", ".join(f"{name} {fill.__name__}" for name, fill in fills.items())
        text = "".join(f", {name}={value}" for name, value in settings.items())
        return Case(f"{shape}: {numbers}{text}", make, terms(shape) * calls, calls, smooth)

    first, *others = variants
    return [cases(shape, first, shape in _FEW) for shape in shapes] + [
        cases((7, 19), fills, False) for fills in others
    ]


def _rows(*variants: Mapping[str, Fill]) -> list[Case]:
    return elementwise({}, *variants, shapes=_ROW_SHAPES, terms=_row)


_UNARY = [{"x": f} for f in (Draw.normal, Draw.special, Draw.subnormal, Draw.wide, Draw.ramp)]


def _backward(other: str, *fills: Fill) -> list[dict[str, Fill]]:
    """Combine ordinary and special gradients with `fills` of the other argument."""
    pairs = [(Draw.normal, fill) for fill in fills]
    pairs[1:1] = [(Draw.special, fills[0]), (Draw.wide, fills[0])]
    return [{"dy": dy, other: fill} for dy, fill in pairs]


def _labelled(name: str, sizes: Iterable[tuple[int, int]], *fills: Fill) -> list[Case]:
    """List cases of a kernel of rows and labels, N x K: the first fill in all sizes."""
    dtypes = ("int64", "int32", "uint8", "int16", "uint64", "uint16", "int8")

    def one(N: int, K: int, dtype: str, fill: Fill) -> Case:
        def make(draw: Draw) -> Arguments:
            labels = draw.rng.integers(0, min(K, 127), N).astype(dtype)
            return {name: fill(draw, N, K), "labels": labels}

        return Case(f"({N}, {K}), {dtype}, {fill.__name__}", make, K, smooth=(N, K) == (5, 3))

    return [one(*size, dtype, fills[0]) for size, dtype in zip(sizes, cycle(dtypes))] + [
        one(20, 11, "int64", fill) for fill in fills[1:]
    ]


_LABELLED = [(1, 1), (1, 10), (5, 3), (32, 10), (7, 129), (200, 2), (300, 257)]


# ---- optimizers ----------------------------------------------------------------------------------


def _optimizer(state: Iterable[str], *settings: Arguments) -> list[Case]:
    """List cases of an optimizer: one step from any state, and five steps from the beginning."""

    def fills(param: Fill, grad: Fill, means: Fill, squares: Fill) -> dict[str, Fill]:
        kinds = {name: squares if "squares" in name else means for name in state}
        return {"param": param, "grad": grad} | kinds

    some = fills(Draw.normal, Draw.normal, Draw.normal, Draw.squares)
    special = fills(Draw.normal, Draw.special, Draw.normal, Draw.squares)
    small = fills(Draw.tiny, Draw.tiny, Draw.zeros, Draw.zeros)
    at_rest = fills(Draw.normal, Draw.zeros, Draw.zeros, Draw.zeros)
    beginning = fills(Draw.normal, Draw.normal, Draw.zeros, Draw.zeros)
    first, *others = settings
    cases = elementwise(first, some, special, small, at_rest, terms=lambda _: 4)
    for setting in settings:
        cases += elementwise(setting, beginning, shapes=[(7, 19)], terms=lambda _: 4, calls=5)
    for setting in others:
        cases += elementwise(setting, some, shapes=[(33, 65)], terms=lambda _: 4)
    return cases


_LR: dict[str, Any] = {"lr": 0.05}
_DECAY: dict[str, Any] = {"lr": 0.05, "weight_decay": 0.1}


# ---- the table -----------------------------------------------------------------------------------

CASES: dict[str, list[Case]] = {
    "matmul": list(_matmul_cases()),
    "dense_forward": [d["dense_forward"] for d in _DENSE],
    "dense_backward_weight": [d["dense_backward_weight"] for d in _DENSE],
    "conv2d_forward": [c.forward() for c in CONVOLUTIONS],
    "conv2d_backward_input": [c.backward_input() for c in CONVOLUTIONS],
    "conv2d_backward_weight": [c.backward_weight() for c in CONVOLUTIONS],
    "max_pool2d_forward": [p.forward() for p in MAX_POOLINGS],
    "max_pool2d_backward": [p.backward_max() for p in MAX_POOLINGS],
    "avg_pool2d_forward": [p.forward() for p in POOLINGS],
    "avg_pool2d_backward": [p.backward_avg() for p in POOLINGS],
    "rnn_forward": [r.forward() for r in RECURRENT["rnn"]],
    "rnn_backward": [r.backward() for r in RECURRENT["rnn"]],
    "gru_forward": [r.forward() for r in RECURRENT["gru"]],
    "gru_backward": [r.backward() for r in RECURRENT["gru"]],
    "lstm_forward": [r.forward() for r in RECURRENT["lstm"]],
    "lstm_backward": [r.backward() for r in RECURRENT["lstm"]],
    "embedding_forward": list(embeddings(backward=False)),
    "embedding_backward": list(embeddings(backward=True)),
    "sigmoid_forward": elementwise({}, *_UNARY),
    "sigmoid_backward": elementwise({}, *_backward("y", Draw.unit, Draw.special)),
    "tanh_forward": elementwise({}, *_UNARY),
    "tanh_backward": elementwise({}, *_backward("y", Draw.unit, Draw.special)),
    "relu_forward": elementwise({}, *_UNARY),
    "relu_backward": elementwise({}, *_backward("y", Draw.normal, Draw.special)),
    "leaky_relu_forward": elementwise({}, *_UNARY)
    + elementwise({"negative_slope": 0.3}, *_UNARY, shapes=[(31,)]),
    "leaky_relu_backward": elementwise({}, *_backward("y", Draw.normal, Draw.special))
    + elementwise({"negative_slope": 0.3}, {"dy": Draw.normal, "y": Draw.normal}, shapes=[(31,)]),
    "gelu_forward": elementwise({}, *_UNARY),
    "gelu_backward": elementwise(
        {}, *_backward("x", Draw.normal, Draw.special, Draw.ramp, Draw.wide, Draw.subnormal)
    ),
    "softmax_forward": _rows(*_UNARY, {"x": Draw.ties}, {"x": Draw.large}),
    "softmax_backward": _rows(*_backward("y", Draw.distribution, Draw.special)),
    "dropout_forward": elementwise(
        {"rate": 0.2, "seed": 5}, {"x": Draw.normal}, {"x": Draw.special}
    )
    + elementwise({"rate": 0.0, "seed": 0}, {"x": Draw.normal}, shapes=[(31,)])
    + elementwise({"rate": 0.5, "seed": 2**32 + 9}, {"x": Draw.subnormal}, shapes=[(31,)])
    + elementwise({"rate": 0.999, "seed": 2**64 - 1}, {"x": Draw.normal}, shapes=[(33, 65)]),
    "dropout_backward": elementwise(
        {"rate": 0.2},
        {"dy": Draw.normal, "mask": Draw.mask},
        {"dy": Draw.special, "mask": Draw.mask},
    ),
    "softmax_cross_entropy_forward": _labelled(
        "logits", _LABELLED, Draw.normal, Draw.special, Draw.ramp, Draw.ties, Draw.large, Draw.holes
    ),
    "softmax_cross_entropy_backward": _labelled(
        "probabilities", [*_LABELLED, (0, 10)], Draw.distribution, Draw.special
    ),
    "sgd_inplace": _optimizer([], _LR, _DECAY),
    "sgd_momentum_inplace": _optimizer(
        ["velocity"],
        _LR | {"momentum": 0.9},
        _DECAY | {"momentum": 0.9},
        _DECAY | {"momentum": 0.5, "nesterov": True},
    ),
    "adagrad_inplace": _optimizer(["sum_squares"], _LR, _DECAY | {"eps": 1e-3}),
    "rmsprop_inplace": _optimizer(["mean_squares"], _LR, _DECAY | {"decay": 0.9, "eps": 1e-3}),
    "adam_inplace": _optimizer(
        ["mean", "mean_squares"],
        _LR | {"step": 1},
        _DECAY | {"step": 3, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4},
        _DECAY | {"step": 1000, "decoupled": True},
    ),
}

"""Wrong answers that are often given: who gets the same numbers has made the same mistake."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from diglot.kernels import reference
from diglot.kernels.draw import Arguments
from diglot.kernels.reference.recurrent import lstm_cell
from diglot.kernels.tolerance import Outputs, call

__all__ = ["recognised"]

Mistake: TypeAlias = tuple[Callable[..., Any], str]
"""A wrong function, and what to say to it."""


def _filters_turned(x: Any, w: Any, b: Any = None, **settings: Any) -> Any:
    return reference.conv2d_forward(x, w[:, :, ::-1, ::-1], b, **settings)


def _filters_turned_back(dy: Any, w: Any, **settings: Any) -> Any:
    return reference.conv2d_backward_input(dy, w[:, :, ::-1, ::-1], **settings)


def _added_once(dy: Any, tokens: Any, *, vocabulary_size: int) -> Any:
    dw = np.zeros((vocabulary_size, dy.shape[-1]), dy.dtype)
    dw[tokens] += dy
    return dw


def _won_once(dy: Any, indices: Any, *, input_size: tuple[int, int]) -> Any:
    N, C = dy.shape[:2]
    dx = np.zeros((N, C, input_size[0] * input_size[1]), dy.dtype)
    n, c = np.ogrid[:N, :C]
    dx[n[..., None, None], c[..., None, None], indices] += dy
    return dx.reshape(N, C, *input_size)


def _not_corrected(param: Any, grad: Any, mean: Any, mean_squares: Any, **settings: Any) -> None:
    settings["step"] = 10**9  # beta**step is 0
    reference.adam_inplace(param, grad, mean, mean_squares, **settings)


def _first_row_only(dy: Any, x: Any) -> Any:
    dw, db = reference.dense_backward_weight(dy, x)
    return dw, dy[0] if len(dy) else db


def _i_f_o_g(h: Any, w_x: Any, w_h: Any, b: Any, *, turned_back: bool, **others: Any) -> Any:
    """Take the third block for o and the fourth for g."""
    H = h.shape[1]
    order = np.r_[: 2 * H, 3 * H : 4 * H, 2 * H : 3 * H]
    h, c, gates = lstm_cell(h=h, w_x=w_x[:, order], w_h=w_h[:, order], b=b[order], **others)
    return h, c, gates if turned_back else gates[:, order]


_BLOCKS = "The blocks of the weights are i, f, g, o in this order: g is the third, o the fourth."

_MISTAKES: Mapping[str, Sequence[Mistake]] = {
    "sigmoid_backward": [
        (lambda dy, y: dy * y, "The factor 1 - y is missing."),
        (lambda dy, y: y * (1 - y), "That is the slope alone: by the chain rule, times dy."),
        (
            lambda dy, y: dy * reference.sigmoid_forward(y) * (1 - reference.sigmoid_forward(y)),
            "y is the output of the sigmoid already: do not apply it again.",
        ),
    ],
    "relu_backward": [
        (lambda dy, y: dy, "All gradients pass: y >= 0 is always true (erratum E4)."),
        (lambda dy, y: np.where(y <= 0, 0, 1), "That is the slope alone: where it is 1, give dy."),
    ],
    "dense_backward_weight": [(_first_row_only, "db is the sum over all rows, not one of them.")],
    "dropout_forward": [
        (
            lambda x, rate, seed: (
                x * reference.dropout_forward(x, rate=rate, seed=seed)[1],
                reference.dropout_forward(x, rate=rate, seed=seed)[1],
            ),
            "What is kept is not scaled up: times 1 / (1 - rate).",
        ),
    ],
    "adam_inplace": [
        (_not_corrected, "The correction of the start is missing: divide by 1 - beta**step."),
    ],
    "max_pool2d_backward": [
        (_won_once, "A pixel that has won several windows got the gradient of one: use np.add.at."),
    ],
    "embedding_backward": [
        (_added_once, "A token that stands twice got the gradient of one place: use np.add.at."),
    ],
    "conv2d_forward": [
        (
            _filters_turned,
            "The filters are turned around: a cross-correlation takes them as they are.",
        ),
    ],
    "lstm_cell": [
        (partial(_i_f_o_g, turned_back=False), _BLOCKS),
        (partial(_i_f_o_g, turned_back=True), _BLOCKS),
    ],
    "conv2d_backward_input": [
        (_filters_turned_back, "The filters are turned around the wrong way (erratum E2)."),
    ],
}


@np.errstate(all="ignore")
def recognised(name: str, actual: Outputs, arguments: Arguments, calls: int) -> str:
    """Say which known mistake gives the same numbers; "" if none does."""
    for wrong, text in _MISTAKES.get(name, ()):
        theirs = call(wrong, arguments, calls)
        if list(theirs) == list(actual) and all(
            np.shape(actual[key]) == np.shape(value)
            and np.allclose(actual[key], value, rtol=1e-4, atol=1e-6, equal_nan=True)
            for key, value in theirs.items()
        ):
            return f" {text}"
    return ""

"""From one long row of tokens to rows that a recurrent network trains on.

What is to be predicted is always the next token: y is x, shifted by one.

    tokens   T o   b e ,   o r   n o t
    x        T o   b e ,   o r   n o
    y        o   b e ,   o r   n o t
"""

from __future__ import annotations

import numpy as np

from diglot._arrays import plain_array
from diglot._typing import Array
from diglot.config import checked_seed, integer
from diglot.errors import DataError, ShapeError


def streams(tokens: Array, rows: int) -> tuple[Array, Array]:
    """Cut tokens into contiguous rows, for training that carries the state along each row.

        x[r, t] = tokens[r L + t],    y[r, t] = tokens[r L + t + 1],    L = (N - 1) // rows

    Walked through in pieces of T steps, a row's state at the end of one piece is the right one for
    the beginning of the next. The last N - 1 - rows L tokens, fewer than `rows`, are dropped.

    Args:
        tokens: integers, (N,).
        rows: how many streams are trained side by side.

    Returns:
        x and y, each (rows, L): views of the tokens.

    Raises:
        DataError: there are fewer than rows + 1 tokens, or they are no integers.
    """
    tokens = _checked(tokens)
    length = (len(tokens) - 1) // integer("rows", rows)
    _require(tokens, length >= 1, rows + 1, f"{rows} streams of a character each")
    end = rows * length
    return tokens[:end].reshape(rows, length), tokens[1 : end + 1].reshape(rows, length)


def windows(
    tokens: Array, length: int, count: int, rng: np.random.Generator | int | None
) -> tuple[Array, Array]:
    """Draw windows at random positions, each as likely as any other; they may overlap.

        x[i, t] = tokens[s_i + t],    y[i, t] = tokens[s_i + t + 1],    s_i in 0..N - length - 1

    Windows have nothing to do with each other, so no state is carried from one to another.

    Args:
        tokens: integers, (N,).
        length: of a window, in characters.
        count: how many windows.
        rng: draws the positions: a Generator, a seed, or None for chance.

    Returns:
        x and y, each (count, length): new arrays.

    Raises:
        DataError: there are fewer than length + 1 tokens, or they are no integers.
    """
    tokens = _checked(tokens)
    length, count = integer("length", length), integer("count", count)
    _require(tokens, len(tokens) > length, length + 1, f"a window of length {length}")
    starts = np.random.default_rng(checked_seed(rng)).integers(len(tokens) - length, size=count)
    each = np.lib.stride_tricks.sliding_window_view(tokens, length)
    return each[starts], each[starts + 1]


def consecutive_windows(tokens: Array, length: int) -> tuple[Array, Array]:
    """Cut tokens into windows side by side: every character is predicted once, the rest dropped.

        x[i, t] = tokens[i length + t],    y[i, t] = tokens[i length + t + 1]

    The book's windows begin one character after each other, and share all others (erratum E15).
    The last (N - 1) mod length tokens are dropped.

    Args:
        tokens: integers, (N,).
        length: of a window, in characters.

    Returns:
        x and y, each ((N - 1) // length, length): views of the tokens.

    Raises:
        DataError: there are fewer than length + 1 tokens, or they are no integers.
    """
    tokens = _checked(tokens)
    length = integer("length", length)
    _require(tokens, len(tokens) > length, length + 1, f"a window of length {length}")
    return streams(tokens[: (len(tokens) - 1) // length * length + 1], (len(tokens) - 1) // length)


def _checked(tokens: Array) -> Array:
    tokens = plain_array("tokens", tokens)
    if tokens.dtype.kind not in "iu":
        raise DataError(
            f"tokens have dtype {tokens.dtype}, expected integers: Vocabulary.encode makes them"
        )
    if tokens.ndim != 1:
        raise ShapeError(f"tokens have shape {tokens.shape}, expected one long row (N,)")
    return tokens


def _require(tokens: Array, enough: bool, least: int, what: str) -> None:
    if not enough:
        raise DataError(
            f"the text has {len(tokens)} characters, expected at least {least}: {what}, and one "
            "more to predict"
        )

"""From raw data to what a network trains on: scale, encode, split, cut into batches."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from diglot._arrays import plain_array, real_array
from diglot._typing import Array
from diglot.config import brief, checked_seed, integer, real
from diglot.errors import DataError

_MOST_ONE_HOT = 1 << 30  # numbers: 4 GiB
_ROWS = 1024  # rows per step: float64 copies of a whole image set would fill the memory


def standardize(train: Array, *others: Array) -> tuple[Array, ...]:
    """Shift and scale by two scalars: the training part gets mean 0 and standard deviation 1.

        (x - mean(train)) / std(train)

    Args:
        train: the training part, any shape, real numbers.
        others: further parts, scaled by the *training* part's two numbers.

    Returns:
        One float32 array for each argument: `x_train, x_test = standardize(x_train, x_test)`.

    Raises:
        DataError: `train` is empty, holds NaN or infinity, or all its values are equal.

    Book: chapter 4.
    """
    parts = [real_array("data", array) for array in (train, *others)]
    if parts[0].size == 0:
        raise DataError("the training part is empty: there is no mean to subtract")
    lowest, highest = float(parts[0].min()), float(parts[0].max())  # NaN if one value is
    if not math.isfinite(highest - lowest):
        raise DataError("the training part holds NaN or infinity: clean it before scaling")
    if lowest == highest:
        raise DataError(f"all values of the training part are {lowest:g}: nothing to scale")
    mean = float(parts[0].mean(dtype=np.float64))
    squares = sum(float(np.square(rows - mean).sum()) for rows in _rows(parts[0]))
    std = math.sqrt(squares / parts[0].size)
    return tuple(_scaled(part, mean, std) for part in parts)


def one_hot(labels: Array, classes: int | None = None) -> Array:
    """Write each label k as a row of zeros with a one at k.

    Args:
        labels: integers in 0..classes-1, any shape.
        classes: length of a row; by default the largest label plus one.

    Returns:
        float32, shape `labels.shape + (classes,)`.

    Raises:
        DataError: labels are not integers, one lies outside 0..classes-1, or there would be more
            than 2^30 numbers.

    Book: chapter 4.
    """
    labels = plain_array("labels", labels)
    if labels.dtype.kind not in "iu":
        raise DataError(f"labels have dtype {labels.dtype}, expected integers")
    if classes is None:
        classes = int(labels.max()) + 1 if labels.size else 0
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise DataError(
            f"labels lie in {labels.min()}..{labels.max()}, expected 0..{classes - 1} "
            f"for {classes} classes"
        )
    if labels.size * classes > _MOST_ONE_HOT:
        raise DataError(
            f"{labels.size} labels of {brief(classes)} classes are more than the {_MOST_ONE_HOT} "
            "numbers that one array may have here; encode a batch at a time"
        )
    rows = np.zeros((*labels.shape, classes), np.float32)
    np.put_along_axis(rows, labels.astype(np.intp)[..., None], 1, axis=-1)
    return rows


def train_test_split(
    *arrays: Array, test_size: float = 0.25, seed: int | np.random.Generator | None = None
) -> tuple[Array, ...]:
    """Shuffle rows and cut them in two, the same way for every array.

    Args:
        arrays: one or more arrays of equal length.
        test_size: the test part's share of the rows, between 0 and 1, rounded up to whole rows.
        seed: fixes the shuffle; None draws a fresh one.

    Returns:
        Two arrays per argument: `x_train, x_test, y_train, y_test = train_test_split(x, y)`.

    Raises:
        DataError: no arrays, lengths differ, or a part would be empty.
        ValueError: test_size is no finite number, or seed no seed.

    Book: chapter 2.
    """
    parts = [plain_array("data", array) for array in arrays]
    rows = _common_length(parts)
    if not 0 < real("test_size", test_size) < 1:
        raise DataError(f"test_size is {test_size}, expected a share between 0 and 1")
    test_rows = math.ceil(test_size * rows)
    if test_rows >= rows:
        raise DataError(f"{rows} rows are too few to split: the training part would be empty")
    order = np.random.default_rng(checked_seed(seed)).permutation(rows)
    test, train = order[:test_rows], order[test_rows:]
    return tuple(part[chosen] for part in parts for chosen in (train, test))


def batches(
    x: Array, y: Array, batch_size: int, *, rng: np.random.Generator | None = None
) -> Iterator[tuple[Array, Array]]:
    """Cut data into batches: every row once, the last batch may be short.

    Args:
        x: inputs, (N, ...).
        y: targets, (N, ...).
        batch_size: rows in a batch, 1 to N.
        rng: shuffles the rows; None keeps their order, and the batches are then views.

    Returns:
        An iterator over pairs (x_batch, y_batch).

    Raises:
        DataError: no data, lengths differ, or batch_size is above N.
        ValueError: batch_size is no integer of at least 1.

    Book: chapters 2 and 3.
    """
    x, y = plain_array("x", x), plain_array("y", y)
    rows = _common_length([x, y])
    if integer("batch_size", batch_size) > rows:
        raise DataError(f"batch_size is {batch_size}, expected 1 to {rows}, the number of rows")
    if rng is None:
        return ((x[i : i + batch_size], y[i : i + batch_size]) for i in range(0, rows, batch_size))
    order = rng.permutation(rows)
    chosen = (order[i : i + batch_size] for i in range(0, rows, batch_size))
    return ((x.take(index, 0), y.take(index, 0)) for index in chosen)


def _common_length(arrays: list[Array]) -> int:
    if not arrays:
        raise DataError("there are no arrays to split")
    if any(array.ndim == 0 for array in arrays):
        raise DataError("data must have rows, a single number has none")
    lengths = [len(array) for array in arrays]
    if min(lengths) != max(lengths):
        raise DataError(f"lengths differ: {' and '.join(map(str, lengths))} rows")
    if lengths[0] == 0:
        raise DataError("the data is empty: 0 rows")
    return lengths[0]


def _rows(array: Array) -> Iterator[Array]:
    array = np.atleast_1d(array)
    return (array[i : i + _ROWS] for i in range(0, len(array), _ROWS))


def _scaled(array: Array, mean: float, std: float) -> Array:
    scaled = np.empty(array.shape, np.float32)
    for rows, out in zip(_rows(array), _rows(scaled), strict=True):
        out[...] = (rows - mean) / std
    return scaled

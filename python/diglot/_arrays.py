"""What comes in as an array, and how it is refused. Nobody's mask is lost on the way."""

from typing import Any

import numpy as np

from diglot._typing import Array, DType
from diglot.errors import DataError

_COMPUTED_IN = (np.dtype(np.float32), np.dtype(np.float64))


def plain_array(name: str, value: Any) -> Array:
    """Take something as an array, but no masked one.

    Raises:
        DataError: the array has a mask, which NumPy would drop, or its rows differ in length.
    """
    if type(value) is np.ndarray:
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise DataError(
            f"{name} is a masked array, whose mask would be lost: fill it, or leave these rows out"
        )
    try:
        return np.asarray(value)
    except ValueError as error:  # rows of different lengths
        raise DataError(f"{name} is no array: {error}") from error


def real_array(name: str, value: Any) -> Array:
    """Take something as an array of real numbers: booleans, integers, or floating.

    Raises:
        DataError: it holds something else, or has a mask.
    """
    array = plain_array(name, value)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{name} has dtype {array.dtype}, expected real numbers")
    return array


def require_floating(name: str, value: Any) -> None:
    """Check for an array as the kernels take it; it runs at every step, so it does little.

    Raises:
        ValueError: it is no array, has a mask, or is neither float32 nor float64.
    """
    if type(value) is not np.ndarray:
        _require_plain(name, value)
    if value.dtype not in _COMPUTED_IN:
        raise ValueError(f"{name} has dtype {value.dtype}, expected float32 or float64")


def require_integers(name: str, value: Any) -> None:
    """Check for an array of integers, such as tokens.

    Raises:
        ValueError: it is no array, has a mask, or holds something else.
    """
    if type(value) is not np.ndarray:
        _require_plain(name, value)
    if value.dtype.kind not in "iu":
        raise ValueError(f"{name} has dtype {value.dtype}, expected integers")


def require_dtype(name: str, value: Any, dtype: DType) -> None:
    """Check for an array of one dtype, without a mask.

    Raises:
        ValueError: it is something else.
    """
    if type(value) is not np.ndarray:
        _require_plain(name, value)
    if value.dtype != dtype:
        raise ValueError(f"{name} has dtype {value.dtype}, expected {dtype}")


def classes_of_one_hot(rows: Array) -> Array:
    """Find the class of each one-hot row: (..., K) to integers (...).

    Raises:
        DataError: a row is not zeros and a single one.
    """
    labels: Array = rows.argmax(axis=-1)
    hot = np.take_along_axis(rows, labels[..., None], axis=-1)
    if not ((hot == 1).all() and np.count_nonzero(rows) == labels.size):
        raise DataError("the target's rows are not one-hot: each must hold a single 1, else 0")
    return labels


def _require_plain(name: str, value: Any) -> None:
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name} is a {type(value).__name__}, expected a NumPy array")
    plain_array(name, value)

"""Typical mistakes, recognised by what they do to a result."""

from collections.abc import Iterator

import numpy as np

from diglot._typing import Array
from diglot.kernels.cases import ROLES
from diglot.kernels.draw import Arguments
from diglot.kernels.tolerance import Truth

_INFINITE = (
    " The arguments hold infinities, and infinity * 0 is NaN: choose with np.where, where the "
    "formula chooses."
)

__all__ = ["cause_of_shape", "cause_of_value", "is_special", "wrong_elements"]


@np.errstate(all="ignore")
def wrong_elements(actual: Array, key: str, expected: Truth) -> Array:
    """Mark the elements that are farther from the truth than rounding may carry them."""
    value, tolerance = expected.values[key], expected.tolerances[key]
    rounded = value.astype(actual.dtype)
    same = (rounded == actual) | (np.isnan(rounded) & np.isnan(actual))
    near = np.abs(actual.astype(np.float64) - value) <= tolerance
    wrong: Array = ~(same | near)
    return wrong


def cause_of_shape(actual: Array, value: Array, arguments: Arguments) -> str:
    """Guess why a result has another shape; "" if nothing is recognised."""
    if actual.ndim == value.ndim and actual.shape == value.shape[::-1]:
        return " It is transposed."
    if actual.ndim == value.ndim and sorted(actual.shape) == sorted(value.shape):
        return " The axes are in another order."
    for axis in range(actual.ndim):
        left = actual.shape[:axis] + actual.shape[axis + 1 :]
        if left == value.shape:
            what = "the sum over the batch" if axis == 0 else f"a sum over axis {axis}"
            return f" One axis is too many: is {what} missing?"
    if actual.ndim == value.ndim == 4 and "w" in arguments:
        return " Rows: (H + 2*padding - dilation*(KH-1) - 1) // stride + 1; columns likewise."
    if actual.size == value.size:
        return " There are as many elements: it needs a reshape, or its axes another order."
    if actual.ndim < value.ndim:
        return " Axes are missing: was too much summed?"
    return ""


@np.errstate(all="ignore")
def cause_of_value(
    actual: Array, value: Array, wrong: Array, key: str, arguments: Arguments, nan: str
) -> str:
    """Guess why a result has other values; "" if nothing is recognised."""
    if value.dtype.kind != "f":
        return ""
    actual = actual.astype(np.float64)
    return next(_causes(actual, value, wrong, key, arguments, nan), "")


def _causes(
    actual: Array, value: Array, wrong: Array, key: str, arguments: Arguments, nan: str
) -> Iterator[str]:
    """Yield what fits, the surest first."""
    if ROLES.get(key) == "target" and np.array_equal(actual, arguments[key], equal_nan=True):
        yield (
            f" {key} has not changed. `{key} = ...` makes a new array, of which the caller sees "
            f"nothing; `{key}[...] = ...` and `{key} -= ...` change the one that was passed."
        )
    if np.isnan(actual[wrong]).all() and np.isfinite(value[wrong]).all():
        yield _INFINITE if is_special(_there(arguments, wrong)) else nan
    if wrong.any() and not actual.any():
        yield " All of it is 0: was nothing written into it?"
    yield from _causes_of_sums(actual, value, arguments)
    if value.ndim == 2 and value.shape[0] == value.shape[1] and _near(actual.T, value):
        yield " It is transposed."
    if value.ndim == 4 and wrong.shape[2] > 2 and not wrong[:, :, 1:-1, 1:-1].any():
        yield " Only the border of the image is wrong: look at the padding."
    if value.ndim and is_special(_there(arguments, wrong)):
        yield (
            " The arguments hold NaN or infinity, which must follow the formula: infinity * 0 is "
            "NaN, and each comparison with NaN is False."
        )


def _causes_of_sums(actual: Array, value: Array, arguments: Arguments) -> Iterator[str]:
    """Recognise a factor, a summand that is missing, and an order of axes."""
    counts = value != 0
    ratios = (actual / value)[counts & np.isfinite(actual) & np.isfinite(value)]
    if ratios.size and np.ptp(ratios) <= 1e-4 * abs(ratios[0]):
        yield from _cause_of_factor(float(np.median(ratios)), ratios.size > 1, arguments)
    bias = arguments.get("b")
    if isinstance(bias, np.ndarray) and bias.ndim == 1 and value.ndim in (2, 4):
        added = bias if value.ndim == 2 else bias[:, None, None]
        if added.size and _near(actual + added, value):
            yield " The bias b is missing."


def _cause_of_factor(factor: float, many: bool, arguments: Arguments) -> Iterator[str]:
    """Name a factor that all elements have in common; of a single one only what is certain."""
    rows = next((len(v) for v in arguments.values() if isinstance(v, np.ndarray) and v.ndim), 0)
    if abs(factor + 1) < 1e-4:
        yield " The sign is wrong."
    elif rows > 1 and abs(factor / rows - 1) < 1e-4:
        yield f" It is {rows} times too large: there are {rows} rows, is the mean missing?"
    elif rows > 1 and abs(factor * rows - 1) < 1e-4:
        yield f" It is {rows} times too small: there are {rows} rows, is a mean one too many?"
    elif many and abs(factor - 1) > 1e-3:
        yield f" All elements are {factor:.4g} times what they should be."


def _there(arguments: Arguments, wrong: Array) -> Arguments:
    """Give the numbers that an element is made of: those at its place, or all if nothing tells."""
    same = {n: v for n, v in arguments.items() if np.shape(v) == wrong.shape}
    return {n: v[wrong][:1] for n, v in same.items()} if same else arguments


def is_special(arguments: Arguments) -> bool:
    """Tell whether NaN or an infinity is among the numbers."""
    floats = [v for v in arguments.values() if isinstance(v, np.ndarray) and v.dtype.kind == "f"]
    return any(not np.isfinite(array).all() for array in floats)


def _near(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True))

"""MNIST as chapters 4 and 5 use it, and what their rows have in common."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from diglot._typing import Array
from diglot.datasets import mnist, standardize
from diglot.reproduce.rows import Outcome

_VALIDATION_ROWS = 5000


class Images(NamedTuple):
    """Training, validation and test part: float32 (N, 1, 28, 28) with integer labels (N,).

    The validation part is cut off the training images: it decides when to stop, so that the test
    part decides nothing.
    """

    x_train: Array
    y_train: Array
    x_val: Array
    y_val: Array
    x_test: Array
    y_test: Array


@cache
def load_images(quick: bool = False) -> Images:
    """Load MNIST; pixels minus the training mean, over the training standard deviation.

    Args:
        quick: take the first tenth only.
    """
    x, y, x_test, y_test = mnist()
    x, x_test = standardize(x, x_test)
    if quick:
        x, y, x_test, y_test = (part[: len(part) // 10] for part in (x, y, x_test, y_test))
    cut = len(x) - _VALIDATION_ROWS * len(x) // 60_000
    return Images(x[:cut], y[:cut], x[cut:], y[cut:], x_test, y_test)


def judge_accuracy(
    accuracy: float, bound: float, figures: Mapping[str, Any], *, judged: bool
) -> Outcome:
    """Compare an accuracy with its bound; both are shares of 1."""
    return Outcome(
        f"{100 * accuracy:.2f} %",
        f">= {100 * bound:.2f} %",
        accuracy >= bound if judged else None,
        {"accuracy": accuracy, "bound": bound, **figures},
    )

"""MNIST as chapters 4 and 5 use it, and what their rows have in common."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from diglot.datasets import Dataset, mnist, standardize
from diglot.reproduce.rows import Outcome


@cache
def load_images(quick: bool = False) -> Dataset:
    """Load MNIST; pixels minus the training mean, over the training standard deviation.

    Args:
        quick: take a tenth of each part only.

    Returns:
        Images float32 (N, 1, 28, 28), labels integers (N,).
    """
    x, y, x_test, y_test = mnist()
    x, x_test = standardize(x, x_test)
    data = Dataset(x, y, x_test, y_test)
    return Dataset(*(part[: len(part) // 10] for part in data)) if quick else data


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

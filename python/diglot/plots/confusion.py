"""Which classes a network takes for each other, and the rows it is most wrong about."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diglot import metrics
from diglot._typing import Array
from diglot.config import integer
from diglot.errors import DataError, ShapeError
from diglot.plots.figure import empty_figure, finished, make_figure
from diglot.plots.images import checked_images, class_name, draw_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def confusion_matrix(
    counts: Array,
    *,
    class_names: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw a confusion matrix: rows are true classes, columns predicted ones.

    The shade is the share of the row, the number is the count; zeros are left blank.

    Healthy: a dark diagonal. A dark square off it is a pair of classes that the network takes for
    each other; a dark column is a class that it guesses when in doubt.

    Args:
        counts: (K, K), from `metrics.confusion_matrix`.
        class_names: K names; by default numbers.
        path: where to write the picture.

    Returns:
        The figure.

    Raises:
        ShapeError: the counts are no square matrix.
        DataError: a count is negative or no number.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ShapeError(f"counts have shape {counts.shape}, expected (K, K)")
    if counts.dtype.kind not in "iuf" or not (counts >= 0).all():
        raise DataError("a count is negative or no number, expected how many rows there are")
    classes = len(counts)
    names = _names(classes, class_names)
    side = max(3.5, 0.5 * classes + 1.2)
    figure = make_figure(1, 1, width=side + 0.8, height=side)
    _matrix(figure.axes[0], counts, names)
    return finished(figure, path)


def worst_mistakes(
    images: Array,
    prediction: Array,
    true: Array,
    *,
    count: int = 12,
    class_names: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw a confusion matrix, and beside it the mistakes that the network was surest of.

    Above each image stand the class that was predicted with its probability, and the true class
    with its own. The order is that of the probability of the wrong class.

    Healthy: images that you would hesitate over, too. A clear image with 100 % for something else
    is a wrong label, or a kind of image that the training data lacks.

    Args:
        images: (N, 1, H, W) or (N, H, W), grey.
        prediction: (N, K), logits or probabilities, as the network predicts them.
        true: labels (N,), integers.
        count: how many mistakes to draw at most.
        class_names: K names; by default numbers.
        path: where to write the picture.

    Returns:
        The figure: the matrix, its scale of shades, and a panel for each mistake.

    Raises:
        ShapeError: there is not one prediction and one label for each image.
        DataError: a prediction is not finite, or a label is no class.
        ImportError: matplotlib is missing.
    """
    images, p, truth = checked_images(images), _probabilities(prediction), np.asarray(true)
    if p.shape[:1] != images.shape[:1]:
        raise ShapeError(f"prediction has shape {p.shape}, expected ({len(images)}, K)")
    if truth.shape != images.shape[:1]:
        raise ShapeError(f"true has shape {truth.shape}, expected {images.shape[:1]}")
    counts = metrics.confusion_matrix(p, truth)
    names = _names(p.shape[1], class_names)
    count = integer("count", count)
    rows = np.arange(len(p))
    found = p.argmax(axis=1)
    wrong = np.flatnonzero(found != truth)
    worst = wrong[np.argsort(-p[rows, found][wrong], kind="stable")][:count]

    side = max(3.5, 0.5 * len(counts) + 1.2)
    columns = min(4, max(len(worst), 1))
    lines = max(math.ceil(len(worst) / columns), 1)
    height = max(side, 1.55 * lines)
    figure = empty_figure(side + 1.0 + 1.35 * columns, height)
    halves = figure.subfigures(1, 2, squeeze=False, width_ratios=[side + 0.8, 1.35 * columns])
    left, right = halves[0]
    _matrix(left.subplots(), counts, names)
    panels = np.ravel(right.subplots(lines, columns))
    for panel in panels[len(worst) :]:
        panel.set_axis_off()
    for panel, i in zip(panels, worst, strict=False):
        title = (
            f"{names[found[i]]} {p[i, found[i]]:.0%}\nnot {names[truth[i]]} {p[i, truth[i]]:.0%}"
        )
        draw_image(panel, images[i], title, mistaken=True)
    shown = f"the {len(worst)} surest of {len(wrong)} mistakes" if len(worst) else "no mistake"
    right.suptitle(f"{shown}, {len(images)} images", fontsize=10)
    return finished(figure, path)


def _probabilities(prediction: Array) -> Array:
    """Take logits or probabilities; rows that are at least 0 and add up to 1 are the latter."""
    p = np.asarray(prediction, np.float64)
    if p.ndim != 2 or p.shape[1] < 2:
        raise ShapeError(f"prediction has shape {p.shape}, expected (N, K), K of at least 2")
    if not np.isfinite(p).all():
        raise DataError("a prediction is not finite: has the training diverged?")
    if (p >= 0).all() and np.allclose(p.sum(axis=1), 1, atol=1e-3):
        return p
    weights = np.exp(p - p.max(axis=1, keepdims=True))
    share: Array = weights / weights.sum(axis=1, keepdims=True)
    return share


def _names(classes: int, class_names: Sequence[str] | None) -> list[str]:
    if class_names is not None and len(class_names) != classes:
        raise ShapeError(f"class_names are {len(class_names)}, expected {classes}, one a class")
    return [class_name(k, class_names) for k in range(classes)]


def _matrix(panel: Axes, counts: Array, names: Sequence[str]) -> None:
    """Draw counts into a panel, and the scale of their shades beside it."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[i, j] > 0.5 else "black"
        panel.text(j, i, str(counts[i, j]), ha="center", va="center", color=colour, fontsize=9)
    panel.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) > 3 else 0)
    panel.set_yticks(range(len(names)), names)
    panel.set(xlabel="predicted", ylabel="true")
    panel.tick_params(length=0)
    panel.figure.colorbar(image, ax=panel, label="share of the true class", shrink=0.8)

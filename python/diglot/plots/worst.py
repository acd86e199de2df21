"""Where a classifier is wrong, and how surely."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diglot import metrics
from diglot._typing import Array
from diglot.errors import DataError, ShapeError
from diglot.network import NeuralNetwork
from diglot.plots.figure import empty_figure, finished
from diglot.plots.training import draw_confusion

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def worst_mistakes(
    network: NeuralNetwork,
    images: Array,
    labels: Array,
    *,
    count: int = 12,
    class_names: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the confusion matrix, and the images of which the network was surest and wrong.

    The worst mistake gives the right class the smallest probability. Look at them: are they
    mislabelled, hard for you as well, or of a kind that the training data do not have?

    Args:
        network: a classifier that gives logits, (N, K), as for SoftmaxCrossEntropy.
        images: (N, 1, H, W) or (N, H, W), as the network takes them; or rows (N, H * W) of square
            images.
        labels: the right classes, (N,), integers.
        count: how many images, at least 1.
        class_names: K names; by default numbers.
        path: where to write the picture.

    Returns:
        The figure: the matrix first, then the images, each with what was predicted, what is right,
        and both probabilities.

    Raises:
        ShapeError: the arrays do not fit.
        DataError: no image is classified wrongly.
    """
    if count < 1:
        raise ValueError(f"count is {count}, expected at least 1")
    logits, labels = network.predict(images), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1]:
        raise ShapeError(
            f"logits have shape {logits.shape} and labels {labels.shape}, expected (N, K) and (N,)"
        )
    shifted = logits - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    predicted = logits.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    if not len(wrong):
        raise DataError(f"all {len(labels)} images are classified rightly: there is no mistake")
    right_class = probabilities[wrong, labels[wrong]]
    worst = wrong[np.argsort(right_class, kind="stable")][:count]
    pictures = _pictures(np.asarray(images)[worst])

    columns = min(4, len(worst))
    rows = -(-len(worst) // columns)
    figure = empty_figure(4.6 + 1.6 * columns, max(4.2, 1.9 * rows))
    grid = figure.add_gridspec(1, 2, width_ratios=(4.6, 1.6 * columns))
    left, right_side = (figure.add_subfigure(part) for part in (grid[0], grid[1]))
    counts = metrics.confusion_matrix(logits, labels)
    draw_confusion(left.subplots(), counts, class_names)
    panels = np.ravel(right_side.subplots(rows, columns))
    for panel in panels[len(worst) :]:
        panel.set_axis_off()
    for panel, row, picture in zip(panels, worst, pictures, strict=False):
        panel.imshow(picture, cmap="gray_r", interpolation="nearest")
        panel.set(xticks=[], yticks=[])
        found, right = int(predicted[row]), int(labels[row])
        panel.set_title(
            f"{_name(found, class_names)} ({probabilities[row, found]:.0%}),\n"
            f"not {_name(right, class_names)} ({probabilities[row, right]:.0%})",
            fontsize=8,
        )
    return finished(figure, path)


def _pictures(images: Array) -> Array:
    if images.ndim == 4 and images.shape[1] == 1:
        return images[:, 0]
    side = round(images.shape[1] ** 0.5) if images.ndim == 2 else 0
    if images.ndim == 2 and side * side == images.shape[1]:
        return images.reshape(-1, side, side)
    if images.ndim == 3:
        return images
    raise ShapeError(
        f"images have shape {images.shape}, expected (N, 1, H, W), (N, H, W), or (N, H * H)"
    )


def _name(label: int, class_names: Sequence[str] | None) -> str:
    return str(label) if class_names is None else class_names[label]

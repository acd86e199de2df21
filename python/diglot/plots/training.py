"""Pictures of a training: its curves, and what the network predicts."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from diglot._typing import Array
from diglot.config import integer
from diglot.errors import DataError, ShapeError
from diglot.history import History
from diglot.plots.figure import COLOURS, MARKERS, finished, make_figure
from diglot.plots.images import checked_images, class_name, draw_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_IMAGES = 400


def training_curves(
    histories: History | Mapping[str, History], *, path: str | os.PathLike[str] | None = None
) -> Figure:
    """Draw loss and metrics over the epochs, of one training or of several named ones.

    Solid lines are the training data's, dashed ones the validation data's. The loss has a
    logarithmic scale where it falls by more than a factor of 20. A dotted line is the epoch that
    early stopping kept.

    Healthy: both losses fall and flatten out together. Training falls and validation rises: the
    network learns by heart. Neither falls: the learning rate is too small, or far too large.

    Args:
        histories: one History, or a dict of them: {"reference": a, "native": b}.
        path: where to write the picture.

    Returns:
        The figure, with one panel for the loss, one for each metric, and one for the learning rate
        if it changes.

    Raises:
        DataError: there is no epoch to draw.
        ImportError: matplotlib is missing.
    """
    runs = {"": histories} if isinstance(histories, History) else dict(histories)
    if not any(len(history) for history in runs.values()):
        raise DataError("there is nothing to draw: the history has no epochs")
    names = list(dict.fromkeys(n for history in runs.values() for n in _evaluated(history)))
    changing = any(len(set(history.learning_rate)) > 1 for history in runs.values())
    titles = ["loss", *names, *["learning rate"] * changing]
    figure = make_figure(len(titles), 1, width=4.6, height=3.6)
    panels = figure.axes
    for index, (label, history) in enumerate(runs.items()):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        other = colour if label else COLOURS[1]
        prefix = f"{label}, " if label else ""
        width = 1.5 + 2 * (len(runs) - 1 - index)  # so that of equal curves none is hidden
        _curve(panels[0], history, history.loss, f"{prefix}training", colour, marker, "-", width)
        validation = history.validation_loss
        _curve(panels[0], history, validation, f"{prefix}validation", other, marker, "--", width)
        for name, panel in zip(names, panels[1:], strict=False):
            column = history.metrics.get(name, [])
            _curve(panel, history, column, f"{prefix}validation", other, marker, "--", width)
        if changing:
            _curve(panels[-1], history, history.learning_rate, label, colour, marker, "-", width)
        if history.best_epoch is not None:
            for panel in panels[: 1 + len(names)]:
                panel.axvline(history.best_epoch, color=other, linestyle=":", zorder=0)
    _log_if_wide(panels[0])
    last = max(history.epoch[-1] for history in runs.values() if len(history))
    for panel, name in zip(panels, titles, strict=True):
        panel.set_title(name, loc="left", fontweight="bold")
        panel.set_xlabel("epoch")
        panel.set_xlim(0.5, last + 0.5)
        panel.locator_params(axis="x", integer=True, min_n_ticks=1)
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
        if panel.get_legend_handles_labels()[1]:
            panel.legend(frameon=False, fontsize="small", handlelength=2.8)
    return finished(figure, path)


def predictions(
    images: Array,
    predicted: Array,
    true: Array | None = None,
    *,
    class_names: Sequence[str] | None = None,
    columns: int = 8,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw a grid of images, each under the label that was predicted for it.

    Where that is wrong, the true label follows and the image has a frame.

    Args:
        images: (N, 1, H, W) or (N, H, W), grey; N at most 400.
        predicted: labels (N,), integers.
        true: the right labels (N,), if known.
        class_names: the labels' names; by default their numbers.
        columns: images in a row.
        path: where to write the picture.

    Returns:
        The figure.

    Raises:
        ShapeError: there is not one label for each image, or they are no grey images.
        DataError: labels are no integers, or have no name.
        ValueError: columns is less than 1.
        ImportError: matplotlib is missing.
    """
    columns = integer("columns", columns)
    images, predicted = checked_images(images), np.asarray(predicted)
    if not 1 <= len(images) <= _MAX_IMAGES:
        raise ShapeError(f"images have shape {images.shape}, expected N in 1..{_MAX_IMAGES}")
    truth = predicted if true is None else np.asarray(true)
    for name, labels in (("predicted", predicted), ("true", truth)):
        if labels.shape != images.shape[:1]:
            raise ShapeError(f"{name} has shape {labels.shape}, expected {images.shape[:1]}")
        if labels.dtype.kind not in "iu":
            raise DataError(f"{name} has dtype {labels.dtype}, expected integers")
    columns = min(columns, len(images))
    width, height = (1.05, 1.35) if class_names is None else (1.5, 2.0)
    figure = make_figure(columns, math.ceil(len(images) / columns), width=width, height=height)
    for panel, image, found, right in zip(figure.axes, images, predicted, truth, strict=False):
        title, mistaken = class_name(found, class_names), found != right
        if mistaken:
            title += f"\nnot {class_name(right, class_names)}" if class_names else f", not {right}"
        draw_image(panel, image, title, mistaken=bool(mistaken))
    for panel in figure.axes[len(images) :]:
        panel.set_axis_off()
    return finished(figure, path)


def _evaluated(history: History) -> list[str]:
    columns = history.metrics.items()
    return [name for name, column in columns if any(value is not None for value in column)]


def _curve(
    panel: Axes,
    history: History,
    values: Sequence[float | None],
    label: str,
    colour: str,
    marker: str,
    style: str,
    width: float,
) -> None:
    points = [(e, v) for e, v in zip(history.epoch, values, strict=False) if v is not None]
    if points:
        shown = marker if len(points) <= 30 else ""
        panel.plot(
            *zip(*points, strict=True),
            label=label or "_only",  # matplotlib leaves it out of the legend
            color=colour,
            linestyle=style,
            linewidth=width,
            marker=shown,
            markersize=3 + width,
            markerfacecolor=colour if style == "-" else "white",
        )


def _log_if_wide(panel: Axes) -> None:
    curves = [line for line in panel.lines if line.get_linestyle() != ":"]
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in curves])
    if values.min() > 0 and values.max() > 20 * values.min():
        from matplotlib.ticker import LogLocator, NullFormatter

        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())

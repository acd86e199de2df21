"""Pictures of a training: its curves, and what the network predicts."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from diglot._typing import Array
from diglot.errors import DataError, ShapeError
from diglot.history import History
from diglot.plots.figure import COLOURS, MARKERS, finished, make_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WRONG = "#B03A00"
_MAX_IMAGES = 400


def training_curves(
    histories: History | Mapping[str, History], *, path: str | os.PathLike[str] | None = None
) -> Figure:
    """Draw loss and metrics over the epochs, of one training or of several named ones.

    Solid lines are the training data's, dashed ones the validation data's. The loss has a
    logarithmic scale where it falls by more than a factor of 20.

    Args:
        histories: one History, or a dict of them: {"reference": a, "native": b}.
        path: where to write the picture.

    Returns:
        The figure, with one panel for the loss and one for each metric.

    Raises:
        DataError: there is no epoch to draw.
        ImportError: matplotlib is missing.
    """
    runs = {"": histories} if isinstance(histories, History) else dict(histories)
    if not any(len(history) for history in runs.values()):
        raise DataError("there is nothing to draw: the history has no epochs")
    names = list(dict.fromkeys(n for history in runs.values() for n in _evaluated(history)))
    figure = make_figure(1 + len(names), 1, width=4.6, height=3.6)
    panels = figure.axes
    for index, (label, history) in enumerate(runs.items()):
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        other = colour if label else COLOURS[1]
        prefix = f"{label}, " if label else ""
        width = 1.5 + 2 * (len(runs) - 1 - index)  # so that of equal curves none is hidden
        _curve(panels[0], history, history.loss, f"{prefix}training", colour, marker, "-", width)
        validation = history.validation_loss
        _curve(panels[0], history, validation, f"{prefix}validation", other, marker, "--", width)
        for name, panel in zip(names, panels[1:], strict=True):
            column = history.metrics.get(name, [])
            _curve(panel, history, column, f"{prefix}validation", other, marker, "--", width)
    _log_if_wide(panels[0])
    last = max(history.epoch[-1] for history in runs.values() if len(history))
    for panel, name in zip(panels, ["loss", *names], strict=True):
        panel.set_title(name, loc="left", fontweight="bold")
        panel.set_xlabel("epoch")
        panel.set_xlim(0.5, last + 0.5)
        panel.locator_params(axis="x", integer=True, min_n_ticks=1)
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
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
    """
    images, predicted = np.asarray(images), np.asarray(predicted)
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 3 or not 1 <= len(images) <= _MAX_IMAGES:
        raise ShapeError(
            f"images have shape {images.shape}, expected (N, 1, H, W) or (N, H, W) with N in "
            f"1..{_MAX_IMAGES}"
        )
    truth = predicted if true is None else np.asarray(true)
    for name, labels in (("predicted", predicted), ("true", truth)):
        if labels.shape != images.shape[:1]:
            raise ShapeError(f"{name} has shape {labels.shape}, expected {images.shape[:1]}")
    columns = min(columns, len(images))
    width, height = (1.05, 1.35) if class_names is None else (1.5, 2.0)
    figure = make_figure(columns, math.ceil(len(images) / columns), width=width, height=height)
    for panel, image, found, right in zip(figure.axes, images, predicted, truth, strict=False):
        panel.imshow(image, cmap="gray_r", interpolation="nearest")
        title, mistaken = _label(found, class_names), found != right
        if mistaken:
            title += f"\nnot {_label(right, class_names)}" if class_names else f", not {right}"
        panel.set_title(
            title,
            fontsize=9,
            color=_WRONG if mistaken else "black",
            fontweight="bold" if mistaken else "normal",
        )
        panel.spines[:].set(visible=bool(mistaken), color=_WRONG, linewidth=2)
    for panel in figure.axes:
        panel.set(xticks=[], yticks=[])
    for panel in figure.axes[len(images) :]:
        panel.set_axis_off()
    return finished(figure, path)


def confusion_matrix(
    counts: Array,
    *,
    class_names: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw a confusion matrix: rows are true classes, columns predicted ones.

    The shade is the share of the row, the number is the count; zeros are left blank.

    Args:
        counts: (K, K), from `metrics.confusion_matrix`.
        class_names: K names; by default numbers.
        path: where to write the picture.

    Returns:
        The figure.
    """
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ShapeError(f"counts have shape {counts.shape}, expected (K, K)")
    classes = len(counts)
    names = [_label(k, class_names) for k in range(classes)]
    side = max(3.5, 0.5 * classes + 1.2)
    figure = make_figure(1, 1, width=side + 0.8, height=side)
    (panel,) = figure.axes
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[i, j] > 0.5 else "black"
        panel.text(j, i, str(counts[i, j]), ha="center", va="center", color=colour, fontsize=9)
    panel.set_xticks(range(classes), names, rotation=90 if class_names else 0)
    panel.set_yticks(range(classes), names)
    panel.set(xlabel="predicted", ylabel="true")
    panel.tick_params(length=0)
    figure.colorbar(image, ax=panel, label="share of the true class", shrink=0.8)
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
            label=label,
            color=colour,
            linestyle=style,
            linewidth=width,
            marker=shown,
            markersize=3 + width,
            markerfacecolor=colour if style == "-" else "white",
        )


def _log_if_wide(panel: Axes) -> None:
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in panel.lines])
    if values.min() > 0 and values.max() > 20 * values.min():
        from matplotlib.ticker import LogLocator, NullFormatter

        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())


def _label(label: int, class_names: Sequence[str] | None) -> str:
    return str(label) if class_names is None else class_names[label]

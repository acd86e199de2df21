"""What all pictures share: an empty figure, a file, colours."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito's palette: told apart with every kind of colour vision."""
MARKERS = "osD^vPX"


def make_figure(columns: int, rows: int, *, width: float, height: float) -> Figure:
    """Make an empty figure of equal panels, each of so many inches."""
    figure = empty_figure(columns * width, rows * height)
    figure.subplots(rows, columns)
    return figure


def empty_figure(width: float, height: float) -> Figure:
    """Make a figure without panels, of so many inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "plots need matplotlib, which is not installed: pip install 'diglot[plots]'"
        ) from error
    return Figure(figsize=(width, height), layout="constrained")


def finished(figure: Figure, path: str | os.PathLike[str] | None) -> Figure:
    """Write a figure to a file, if there is a path, in the format that its name ends with."""
    if path is not None:
        path = Path(path)
        picture = io.BytesIO()  # drawn completely before a file is opened
        figure.savefig(picture, format=path.suffix[1:] or "png", dpi=144)
        path.write_bytes(picture.getvalue())
    return figure

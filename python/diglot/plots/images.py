"""One grey image in a panel, with what was thought of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diglot._typing import Array
from diglot.errors import DataError, ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WRONG = "#B03A00"


def checked_images(images: Any) -> Array:
    """Take grey images.

    Args:
        images: (N, 1, H, W) or (N, H, W).

    Returns:
        (N, H, W).

    Raises:
        ShapeError: they are something else.
    """
    array = np.asarray(images)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 3:
        raise ShapeError(f"images have shape {array.shape}, expected (N, 1, H, W) or (N, H, W)")
    return array


def draw_image(panel: Axes, image: Array, title: str, *, mistaken: bool) -> None:
    """Draw an image, with a frame if its title is a mistake."""
    panel.imshow(image, cmap="gray_r", interpolation="nearest")
    panel.set_title(
        title,
        fontsize=9,
        color=WRONG if mistaken else "black",
        fontweight="bold" if mistaken else "normal",
    )
    panel.spines[:].set(visible=mistaken, color=WRONG, linewidth=2)
    panel.set(xticks=[], yticks=[])


def class_name(label: int, class_names: Sequence[str] | None) -> str:
    """Name a class, by its number if there are no names.

    Raises:
        DataError: the class has no name.
    """
    if class_names is None:
        return str(label)
    if not 0 <= label < len(class_names):
        raise DataError(f"label is {label}, expected 0 to {len(class_names) - 1}: so many names")
    return class_names[label]

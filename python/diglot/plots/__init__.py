"""Pictures, drawn with matplotlib: `pip install 'diglot[plots]'`.

Every function returns a matplotlib Figure and, given a path, also writes it there (.png, .svg,
.pdf). No window is opened and no global state of matplotlib is touched.
"""

from diglot.plots.curves import compare_curves
from diglot.plots.roofline import Point, roofline
from diglot.plots.training import confusion_matrix, predictions, training_curves

__all__ = [
    "Point",
    "compare_curves",
    "confusion_matrix",
    "predictions",
    "roofline",
    "training_curves",
]

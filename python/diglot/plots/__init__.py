"""Pictures, drawn with matplotlib: `pip install 'diglot[plots]'`.

Every function returns a matplotlib Figure and, given a path, also writes it there (.png, .svg,
.pdf). No window is opened and no global state of matplotlib is touched. Nothing changes a network
that is drawn: what has to be computed is computed on a copy.
"""

from diglot.plots.confusion import confusion_matrix, worst_mistakes
from diglot.plots.convolution import feature_maps, filters
from diglot.plots.curves import compare_curves
from diglot.plots.distributions import distributions
from diglot.plots.gates import gates
from diglot.plots.roofline import Point, roofline
from diglot.plots.surface import Surface, loss_surface, measure_surface
from diglot.plots.training import predictions, training_curves

__all__ = [
    "Point",
    "Surface",
    "compare_curves",
    "confusion_matrix",
    "distributions",
    "feature_maps",
    "filters",
    "gates",
    "loss_surface",
    "measure_surface",
    "predictions",
    "roofline",
    "training_curves",
    "worst_mistakes",
]

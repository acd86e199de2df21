"""Why did the loss become NaN? A guess for whoever must repair it."""

import numpy as np

from diglot._typing import Array
from diglot.errors import TrainingDiverged
from diglot.optimizers import Optimizer

_LARGE = 20.0  # standardised data stays below it


def training_diverged(
    what: str,
    lr: float,
    *,
    optimizer: Optimizer,
    inputs: Array,
    targets: Array,
    tokens: bool = False,
) -> TrainingDiverged:
    """Make the error that says what happened and the likely causes.

    Args:
        what: what is no longer finite, in which epoch and batch, and what was done about it.
        lr: the learning rate at that time.
        optimizer: for its settings.
        inputs: all the inputs that the loss was computed from.
        targets: their targets.
        tokens: the inputs are tokens, whose size means nothing.
    """
    causes = _bad_rows("inputs", inputs) + _bad_rows("targets", targets)
    if not causes:
        causes = [f"the learning rate is too large: try {lr / 10:g}"]
        largest = float(np.abs(inputs, dtype=np.float64).max())
        if largest > _LARGE and not tokens:
            causes.append(f"the inputs reach {largest:g}: standardise them (datasets.standardize)")
        if optimizer.clip_norm is None and optimizer.clip_value is None:
            causes.append("the gradients explode: clip them, e.g. clip_norm=1.0 in the optimizer")
    headline = f"training diverged at learning rate {lr:g}: {what}\nLikely causes:"
    return TrainingDiverged("\n  - ".join([headline, *causes]))


def _bad_rows(name: str, array: Array) -> list[str]:
    if array.dtype.kind != "f":
        return []
    bad = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))
    if not bad.size:
        return []
    return [f"the {name} hold NaN or infinity in {bad.size} rows, the first is row {bad[0]}"]

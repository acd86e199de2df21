"""Losses: one number for how wrong predictions are, and its gradient.

All follow the book's rule: the sum over the outputs of a row, the mean over the rows. A row is what
lies along the last axis of the prediction, so (N, K) has N rows and (N, T, K) has N*T.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from diglot import kernels
from diglot._arrays import classes_of_one_hot, plain_array, real_array
from diglot._typing import Array
from diglot.config import Configured, positive
from diglot.errors import DataError, ShapeError


class Loss(Configured, ABC):
    """A number that training makes small.

    A new loss writes only `_target`, `_output` and `_input_grad`, which find `self.prediction` and
    `self.target`.

    Attributes:
        prediction: the last prediction.
        target: its target, as `_target` has returned it.
        rows: how many the prediction has.

    Book: chapter 3.
    """

    prediction: Array
    target: Array
    rows: int
    _ready = False

    @final
    def forward(self, prediction: Array, target: Array) -> float:
        """Compute the loss.

        Args:
            prediction: (..., K), at least one row.
            target: what the prediction should have been; see the class.

        Returns:
            The sum over the outputs of a row, the mean over the rows.

        Raises:
            ShapeError: the target's shape does not fit the prediction's.
            DataError: there are no rows, or the target holds what no target can be.
        """
        self._ready = False
        if not isinstance(prediction, np.ndarray) or prediction.ndim < 2:
            raise ShapeError(f"prediction has shape {np.shape(prediction)}, expected (N, K)")
        if prediction.dtype.kind != "f":
            raise DataError(f"prediction has dtype {prediction.dtype}, expected floating numbers")
        size = prediction.size
        if size == 0:
            raise DataError(
                f"prediction has shape {prediction.shape}: the mean of no rows is undefined"
            )
        plain_array("prediction", prediction)
        self.prediction = prediction
        self.rows = size // prediction.shape[-1]
        self.target = self._target(plain_array("the target", target))
        loss = self._output()
        self._ready = True
        return loss

    @final
    def backward(self) -> Array:
        """Compute the gradient of the last loss with respect to the prediction.

        Returns:
            The shape and dtype of the prediction.

        Raises:
            ValueError: forward has not been run, or has failed.
        """
        if not self._ready:
            raise ValueError(f"{self!r}: run forward before backward")
        return self._input_grad()

    @abstractmethod
    def _target(self, target: Array) -> Array:
        """Check a target against `self.prediction`, and bring it into the form that is used."""

    @abstractmethod
    def _output(self) -> float:
        """Compute the loss."""

    @abstractmethod
    def _input_grad(self) -> Array:
        """Compute the gradient of the prediction."""


@final
@dataclass(eq=False, repr=False)
class MeanSquaredError(Loss):
    """The squares of the errors.

        loss = 1/rows * sum (prediction - target)²

    The target has the prediction's shape; (N,) will do for (N, 1).

    Book: chapter 3.
    """

    def _target(self, target: Array) -> Array:
        return _numbers(target, self.prediction)

    def _output(self) -> float:
        self._error = self.prediction - self.target
        return _sum(np.square(self._error)) / self.rows

    def _input_grad(self) -> Array:
        return 2 / self.rows * self._error


@final
@dataclass(eq=False, repr=False)
class MeanAbsoluteError(Loss):
    """The sizes of the errors: outliers count less than in MeanSquaredError.

        loss = 1/rows * sum |prediction - target|

    The target has the prediction's shape; (N,) will do for (N, 1). At an error of 0 the gradient is
    taken as 0.
    """

    def _target(self, target: Array) -> Array:
        return _numbers(target, self.prediction)

    def _output(self) -> float:
        self._error = self.prediction - self.target
        return _sum(np.abs(self._error)) / self.rows

    def _input_grad(self) -> Array:
        grad: Array = np.sign(self._error) / self.rows
        return grad


@final
@dataclass(eq=False, repr=False)
class Huber(Loss):
    """Squares of small errors, sizes of large ones.

        loss = 1/rows * sum h(prediction - target)
        h(e) = e²/2 where |e| <= delta, else delta * (|e| - delta/2)

    The target has the prediction's shape; (N,) will do for (N, 1).

    Args:
        delta: where small ends, in the target's unit.

    Source: Huber 1964, "Robust estimation of a location parameter".
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        self.delta = positive("delta", self.delta)

    def _target(self, target: Array) -> Array:
        return _numbers(target, self.prediction)

    def _output(self) -> float:
        self._error = self.prediction - self.target
        size = np.abs(self._error)
        small = np.minimum(size, self.delta)  # h(e) = small * (|e| - small/2) in both cases
        return _sum(small * (size - small / 2)) / self.rows

    def _input_grad(self) -> Array:
        grad: Array = np.clip(self._error, -self.delta, self.delta) / self.rows
        return grad


@final
@dataclass(eq=False, repr=False)
class SoftmaxCrossEntropy(Loss):
    """How surprised the softmax of the prediction is by the right classes, in nats.

        p = softmax(prediction),    loss = -1/rows * sum log p[right class]

    The prediction is logits (..., K); the target is integer labels (...), or one-hot rows (..., K).

    Book: chapter 4 (erratum E8: it prints the binary form, see
    `metrics.binary_form_cross_entropy`).
    """

    def _target(self, target: Array) -> Array:
        shape = self.prediction.shape
        classes = shape[-1]
        if classes < 2:
            raise ShapeError(
                f"prediction has shape {shape}: the softmax of one logit is always 1; "
                "use BinaryCrossEntropy"
            )
        if target.dtype.kind not in "fiub":
            raise DataError(f"labels have dtype {target.dtype}, expected integers")
        if target.shape == shape:
            return classes_of_one_hot(target).ravel()
        if target.shape != shape[:-1]:
            raise ShapeError(
                f"target has shape {target.shape}, expected labels {shape[:-1]} "
                f"or one-hot rows {shape}"
            )
        if target.dtype.kind not in "iu":
            raise DataError(f"labels have dtype {target.dtype}, expected integers")
        if not _lie_below(target, classes):
            lowest, highest = target.min(), target.max()
            raise DataError(f"labels lie in {lowest}..{highest}, expected 0..{classes - 1}")
        return target if target.ndim == 1 else target.ravel()

    def _output(self) -> float:
        logits = self.prediction
        if logits.ndim != 2:
            logits = logits.reshape(self.rows, logits.shape[-1])
        loss, self._probabilities = kernels.softmax_cross_entropy_forward(logits, self.target)
        return float(loss)

    def _input_grad(self) -> Array:
        grad: Array = kernels.softmax_cross_entropy_backward(self._probabilities, self.target)
        return grad if self.prediction.ndim == 2 else grad.reshape(self.prediction.shape)


@final
@dataclass(eq=False, repr=False)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of yes-or-no questions, one for each output, in nats.

        p = sigmoid(prediction),    loss = -1/rows * sum [t log p + (1 - t) log(1 - p)]

    computed from the logits z without a logarithm of what may have become 0:

        -t log p - (1 - t) log(1 - p) = max(z, 0) - z t + log(1 + exp(-|z|))

    The prediction is logits; the target has its shape and lies in [0, 1]; (N,) will do for (N, 1).

    Book: chapter 4.
    """

    def _target(self, target: Array) -> Array:
        target = _numbers(target, self.prediction)
        if not (target.min() >= 0 and target.max() <= 1):
            raise DataError(f"targets lie in {target.min()}..{target.max()}, expected 0..1")
        return target

    def _output(self) -> float:
        z = self.prediction
        losses = np.maximum(z, 0) - z * self.target + np.log1p(np.exp(-np.abs(z)))
        return _sum(losses) / self.rows

    def _input_grad(self) -> Array:
        p = kernels.sigmoid_forward(self.prediction)
        grad: Array = (p - self.target) / self.rows
        return grad


LOSSES: Mapping[str, type[Loss]] = {
    cls.__name__: cls
    for cls in (
        MeanSquaredError,
        MeanAbsoluteError,
        Huber,
        SoftmaxCrossEntropy,
        BinaryCrossEntropy,
    )
}
"""The losses that a network knows by name."""


_UNSIGNED = {
    np.dtype(name): (np.dtype(f"u{name}".replace("uu", "u")), np.iinfo(name).max + 1)
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
}


def _lie_below(labels: Array, classes: int) -> bool:
    """Tell whether 0 <= labels < classes, in one pass: without its sign, -1 is very large."""
    if labels.dtype not in _UNSIGNED:  # of another byte order
        return bool(labels.min() >= 0 and labels.max() < classes)
    unsigned, above_all = _UNSIGNED[labels.dtype]
    return bool(np.maximum.reduce(labels.view(unsigned), None) < min(classes, above_all))


def _numbers(target: Array, prediction: Array) -> Array:
    """Bring a target to the prediction's dtype; refuse a shape that would only broadcast."""
    if target.shape != prediction.shape:
        if (*target.shape, 1) != prediction.shape:
            raise ShapeError(f"target has shape {target.shape}, expected {prediction.shape}")
        target = target.reshape(prediction.shape)
    return real_array("the target", target).astype(prediction.dtype, copy=False)


def _sum(losses: Array) -> float:
    return float(losses.sum(dtype=np.float64))

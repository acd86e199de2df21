"""How good predictions are. Functions take (prediction, target) and change neither.

For classes, a prediction is an array of scores (..., K), one per class (logits or probabilities),
or of labels (...), integers; a target is an array of labels (...) or of one-hot rows (..., K).
`perplexity` and `bits_per_character` say a language model's loss in other units.
"""

import math
from typing import NamedTuple

import numpy as np

from diglot._arrays import classes_of_one_hot, plain_array, real_array
from diglot._typing import Array
from diglot.config import brief, integer, real
from diglot.errors import DataError, ShapeError

_MOST_GUESSED_CLASSES = 1000  # a matrix of 8 MB
_MOST_CLASSES = 10_000  # a matrix of 800 MB


def accuracy(prediction: Array, target: Array) -> float:
    """Share of the rows whose highest score is at the right class; the first of equals counts.

    Args:
        prediction: scores (..., K) or labels (...).
        target: labels (...) or one-hot rows (..., K).

    Returns:
        A number from 0 to 1.

    Raises:
        ShapeError, DataError: shapes or labels do not fit, no rows, or a score is NaN.

    Book: chapter 4.
    """
    true, predicted, _ = _labels(prediction, target)
    return float(np.mean(true == predicted))


def binary_accuracy(prediction: Array, target: Array) -> float:
    """Share of the outputs that fall on the right side: a logit above 0 says 1, else 0.

    Args:
        prediction: logits, any shape.
        target: zeros and ones, the same shape.

    Returns:
        A number from 0 to 1.
    """
    prediction, target = _same_shape(prediction, target)
    _refuse_nan(prediction)
    if not np.isin(target, (0, 1)).all():
        raise DataError("targets must be 0 or 1")
    return float(np.mean((prediction > 0) == (target == 1)))


def top_k_accuracy(prediction: Array, target: Array, k: int = 5) -> float:
    """Share of the rows where the right class is among the k highest scores.

    Of equal scores the one of the lower class is the higher, so that k = 1 is `accuracy`.

    Args:
        prediction: scores (..., K).
        target: labels (...) or one-hot rows (..., K).
        k: 1 to K.

    Returns:
        A number from 0 to 1.
    """
    prediction = plain_array("prediction", prediction)
    true, _, classes = _labels(prediction, target)
    if prediction.ndim != true.ndim + 1:
        raise ShapeError(f"prediction has shape {prediction.shape}, expected scores (..., K)")
    if integer("k", k) > classes:
        raise ValueError(f"k is {k}, expected 1 to {classes}, the number of classes")
    score = np.take_along_axis(prediction, true[..., None], axis=-1)
    ahead = (prediction > score) | (
        (prediction == score) & (np.arange(classes) < true[..., None])
    )  # (..., K): the classes ranked before the right one
    return float(np.mean(ahead.sum(axis=-1) < k))


def confusion_matrix(prediction: Array, target: Array, classes: int | None = None) -> Array:
    """Count the rows of every pair of a true and a predicted class.

    Args:
        prediction: scores (..., K) or labels (...).
        target: labels (...) or one-hot rows (..., K).
        classes: K, needed only where it cannot be seen; else the largest label plus one, if that
            is at most 1000. It may be at most 10,000.

    Returns:
        counts: (K, K) integers; counts[i, j] rows of class i were taken for class j.
    """
    if classes is not None:
        classes = integer("classes", classes)
        if classes > _MOST_CLASSES:
            raise DataError(
                f"classes is {brief(classes)}, expected at most {_MOST_CLASSES}: a matrix of all "
                "pairs must fit into memory"
            )
    given = classes
    true, predicted, classes = _labels(prediction, target, classes)
    if given is None and classes > _MOST_GUESSED_CLASSES:
        raise DataError(
            f"the largest label is {classes - 1}: if it is no mistake, say how many classes there "
            "are, classes=…"
        )
    pairs = classes * true.ravel() + predicted.ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


class PrecisionRecallF1(NamedTuple):
    """Three numbers, or three arrays (K,) with one number per class."""

    precision: Array | float
    recall: Array | float
    f1: Array | float


def precision_recall_f1(
    prediction: Array, target: Array, *, average: str | None = None, classes: int | None = None
) -> PrecisionRecallF1:
    """How many of those called k are k, how many of the k are found, and the two in one number.

        precision = TP / (TP + FP)     recall = TP / (TP + FN)     F1 = 2 TP / (2 TP + FP + FN)

    A ratio 0/0 (a class that is never predicted, or never occurs) is 0.

    Args:
        prediction: scores (..., K) or labels (...).
        target: labels (...) or one-hot rows (..., K).
        average: None gives one number per class; "macro" is the mean over the classes; "micro"
            adds up the counts of all classes first.
        classes: K, as in `confusion_matrix`.

    Returns:
        precision, recall and F1: arrays (K,), or floats if averaged.
    """
    if average not in (None, "macro", "micro"):
        raise ValueError(f"average is {average!r}, expected None, 'macro' or 'micro'")
    counts = confusion_matrix(prediction, target, classes)
    hits, called, actual = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    if average == "micro":
        hits, called, actual = (part.sum(keepdims=True) for part in (hits, called, actual))
    scores = (_ratio(hits, called), _ratio(hits, actual), _ratio(2 * hits, called + actual))
    if average is None:
        return PrecisionRecallF1(*scores)
    return PrecisionRecallF1(*(float(score.mean()) for score in scores))


def mean_absolute_error(prediction: Array, target: Array) -> float:
    """Mean of |prediction - target| over all elements, in the target's unit.

    Book: chapter 2.
    """
    return float(np.mean(np.abs(_errors(prediction, target))))


def root_mean_squared_error(prediction: Array, target: Array) -> float:
    """Square root of the mean of (prediction - target)² over all elements, in the target's unit.

    Book: chapter 2.
    """
    return float(np.sqrt(np.mean(np.square(_errors(prediction, target)))))


def r2_score(prediction: Array, target: Array) -> float:
    """Share of the target's variance that the prediction explains.

        1 - sum (target - prediction)² / sum (target - mean(target))²

    1 is perfect, 0 is what the constant mean(target) gets; below 0 is worse than that. Of several
    outputs (columns) it is the mean of their scores.

    Raises:
        DataError: an output's target is constant: there is no variance to explain.
    """
    errors = _errors(prediction, target)
    rows = len(errors)
    values = np.asarray(target, np.float64).reshape(rows, -1)
    spread = np.square(values - values.mean(axis=0)).sum(axis=0)
    if not spread.all():
        raise DataError("the target is constant: R² is undefined")
    return float(np.mean(1 - np.square(errors.reshape(rows, -1)).sum(axis=0) / spread))


def binary_form_cross_entropy(prediction: Array, target: Array) -> float:
    """The loss that the book prints for classes: every class as a yes-or-no question.

        p = softmax(logits), clipped to [1e-9, 1 - 1e-9]
        mean over rows of  sum_k [-y_k log(p_k) - (1 - y_k) log(1 - p_k)],  in nats

    It is larger than the cross-entropy that is trained on, -log(p) of the right class, and serves
    to compare with the book's figures.

    Args:
        prediction: logits (..., K).
        target: labels (...) or one-hot rows (..., K).

    Book: chapter 4.
    """
    logits = real_array("prediction", prediction).astype(np.float64, copy=False)
    true, _, classes = _labels(logits, target)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p = np.clip(weights / weights.sum(axis=-1, keepdims=True), 1e-9, 1 - 1e-9)
    right = np.arange(classes) == true[..., None]
    return float(-np.log(np.where(right, p, 1 - p)).sum(axis=-1).mean())


def perplexity(nats: float) -> float:
    """Say a loss as a number of choices: as unsure as if so many tokens were equally likely.

        exp(nats)

    Args:
        nats: the mean cross-entropy of a token, at least 0, in nats; of a sum over T tokens, T
            times too large, divide first.

    Returns:
        1 for a model that is certain and right, V for one that knows nothing of V tokens.
    """
    try:
        return math.exp(real("nats", nats, least=0))
    except OverflowError:
        return math.inf


def bits_per_character(nats: float) -> float:
    """Say a loss in bits: how long the text would be, compressed with the model, per character.

        nats / log(2)

    Args:
        nats: the mean cross-entropy of a character, at least 0, in nats.
    """
    return real("nats", nats, least=0) / math.log(2)


def _labels(
    prediction: Array, target: Array, classes: int | None = None
) -> tuple[Array, Array, int]:
    """Reduce both to labels of one shape, and count the classes."""
    prediction, target = real_array("prediction", prediction), plain_array("target", target)
    if prediction.size == 0:
        raise DataError(f"there is nothing to judge: prediction has shape {prediction.shape}")
    if prediction.dtype.kind in "iu":
        predicted = prediction
    else:
        predicted = _best(prediction)
        classes = prediction.shape[-1]
    if target.ndim == predicted.ndim + 1:
        classes = classes or target.shape[-1]
    if target.shape == (*predicted.shape, classes):
        true = classes_of_one_hot(target)
    elif target.shape == predicted.shape:
        true = target
    else:
        raise ShapeError(
            f"target has shape {target.shape}, expected labels {predicted.shape} "
            f"or one-hot rows {(*predicted.shape, classes or 'K')}"
        )
    if true.dtype.kind not in "iu":
        raise DataError(f"labels have dtype {true.dtype}, expected integers")
    classes = classes or int(max(true.max(), predicted.max())) + 1
    for name, labels in (("target", true), ("prediction", predicted)):
        if labels.min() < 0 or labels.max() >= classes:
            raise DataError(
                f"{name} has labels in {labels.min()}..{labels.max()}, expected 0..{classes - 1}"
            )
    return true.astype(np.intp), predicted.astype(np.intp), classes


def _best(scores: Array) -> Array:
    if scores.ndim < 2 or scores.shape[-1] < 2:
        raise ShapeError(
            f"prediction has shape {scores.shape}, expected scores (N, K) with K >= 2, or integer "
            "labels (N,); for one logit per row see binary_accuracy"
        )
    _refuse_nan(scores)
    best: Array = scores.argmax(axis=-1)
    return best


def _errors(prediction: Array, target: Array) -> Array:
    prediction, target = _same_shape(prediction, target)
    return prediction.astype(np.float64) - target


def _same_shape(prediction: Array, target: Array) -> tuple[Array, Array]:
    """Check that shapes agree; (N,) and (N, 1) do. Anything else would broadcast silently."""
    prediction, target = real_array("prediction", prediction), real_array("target", target)
    if prediction.size == 0:
        raise DataError(f"there is nothing to judge: prediction has shape {prediction.shape}")
    if {prediction.shape, target.shape} == {(target.size,), (target.size, 1)}:
        return prediction.reshape(-1, 1), target.reshape(-1, 1)
    if prediction.shape != target.shape:
        raise ShapeError(f"target has shape {target.shape}, expected {prediction.shape}")
    return prediction, target


def _refuse_nan(scores: Array) -> None:
    if np.isnan(scores).any():
        raise DataError("a score is NaN: no class can be chosen")


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)

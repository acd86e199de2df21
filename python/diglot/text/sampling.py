"""From logits to the next token: temperature, top-k, top-p, and a draw. All in float64."""

from __future__ import annotations

import numpy as np

from diglot._arrays import real_array
from diglot._typing import Array
from diglot.config import integer, real
from diglot.errors import DataError, ShapeError


def next_token_probabilities(
    logits: Array,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Array:
    """Turn the logits of one step into the probabilities that the next token is drawn with.

        p = softmax(logits / temperature),  then only the top k,  then only the nucleus of p

    The nucleus is that of the k tokens, whose probabilities add up to 1 again.

    Args:
        logits: (V,), finite or -infinity, which is a token that cannot be.
        temperature: below 1 bolder, above 1 more varied; 0 is the most likely token for certain.
        top_k: as in `keep_most_likely`; None keeps all.
        top_p: as in `keep_nucleus`; None keeps all.

    Returns:
        p: float64, (V,), which add up to 1.

    Raises:
        ShapeError, DataError: logits are not one row of real numbers, hold NaN or infinity, or
            every token is impossible.
        ValueError: a setting is out of its range.
    """
    check_settings(temperature, top_k, top_p, len(logits) if np.ndim(logits) else 0)
    p = _softmax(_checked(logits), temperature)
    if top_k is not None:
        p = keep_most_likely(p, top_k)
    if top_p is not None:
        p = keep_nucleus(p, top_p)
    return p


def keep_most_likely(p: Array, k: int) -> Array:
    """Keep exactly the k most likely tokens; of equals, those with the lower number.

    Args:
        p: probabilities, (V,).
        k: at least 1; from V on, all are kept.

    Returns:
        Probabilities, (V,), 0 for the others; they add up to 1.

    Source: Fan, Lewis & Dauphin 2018, arXiv:1805.04833.
    """
    return _only(p, _ranking(p)[: integer("k", k)])


def keep_nucleus(p: Array, share: float) -> Array:
    """Keep the smallest set of most likely tokens that has the share p; of equals, the lower ones.

        the i-th in rank stays  if  the sum of those before it < share

    Args:
        p: probabilities, (V,), which add up to 1.
        share: above 0, at most 1. 1 keeps all, however small.

    Returns:
        Probabilities, (V,), 0 for the others; they add up to 1.

    Source: Holtzman et al. 2020, arXiv:1904.09751.
    """
    if not 0 < real("share", share) <= 1:
        raise ValueError(f"share is {share}, expected above 0 and at most 1")
    if share == 1:
        return _only(p, np.arange(len(p)))  # rounded sums may reach 1 before the last token
    ranking = _ranking(p)
    sums = np.cumsum(p[ranking])
    before = np.concatenate([[0.0], sums[:-1]])
    return _only(p, ranking[before < share])


def draw(p: Array, rng: np.random.Generator) -> int:
    """Draw a token: the first whose cumulative probability is above a number from [0, 1).

    A token of probability 0 is never drawn: where it stands, the sum does not grow.
    """
    sums = np.cumsum(p)
    return int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))


def check_settings(
    temperature: float, top_k: int | None, top_p: float | None, vocabulary_size: int
) -> None:
    """Check what `next_token_probabilities` takes beside the logits.

    Raises:
        ValueError: a setting is out of its range.
    """
    real("temperature", temperature, least=0)
    if top_k is not None and integer("top_k", top_k) > vocabulary_size:
        raise ValueError(
            f"top_k is {top_k}, expected 1 to {vocabulary_size}, the size of the vocabulary"
        )
    if top_p is not None and not 0 < real("top_p", top_p) <= 1:
        raise ValueError(f"top_p is {top_p}, expected above 0 and at most 1")


def _checked(logits: Array) -> Array:
    logits = real_array("logits", logits)
    if logits.ndim != 1 or not logits.size:
        raise ShapeError(f"logits have shape {logits.shape}, expected (V,), those of one step")
    largest = logits.max()  # NaN if one of them is
    if np.isnan(largest) or largest == np.inf:
        raise DataError(
            f"logits hold {largest}: the network's parameters are not finite, or too large"
        )
    if largest == -np.inf:
        raise DataError("all logits are -infinity: no token can follow")
    return logits.astype(np.float64)


def _softmax(logits: Array, temperature: float) -> Array:
    below = logits - logits.max()  # <= 0, so that exp cannot overflow
    if temperature == 0:
        p = np.zeros(len(logits))
        p[below.argmax()] = 1
        return p
    with np.errstate(over="ignore", under="ignore"):  # of a tiny temperature: exp(-inf) is 0
        weights = np.exp(below / temperature)
    share: Array = weights / weights.sum()
    return share


def _ranking(p: Array) -> Array:
    """List the tokens by probability, the most likely first; a stable sort settles ties."""
    return np.argsort(-p, kind="stable")


def _only(p: Array, tokens: Array) -> Array:
    kept = np.zeros(len(p))
    kept[tokens] = p[tokens]
    kept /= kept.sum()
    return kept

"""Softmax cross-entropy on integer labels."""

import numpy as np

from diglot._typing import Array


@np.errstate(all="ignore")
def softmax_cross_entropy_forward(logits: Array, labels: Array) -> tuple[float, Array]:
    """Measure how surprised the softmax of `logits` is by the right classes.

        p[n, k] = exp(z[n, k]) / sum_j exp(z[n, j]),    z[n] = logits[n] - max(logits[n])
        loss = -1/N * sum_n log p[n, labels[n]] = 1/N * sum_n (log sum_j exp(z[n, j]) - z[n, label])

    The second form has no logarithm of a number that may have become 0.

    Args:
        logits: (N, K).
        labels: (N,), integers of any width, 0 <= label < K.

    Returns:
        loss: the mean over the rows, in nats; summed in float64.
        probabilities: (N, K).

    Raises (native):
        ValueError: there are no rows, the lengths differ, or a label is outside 0..K-1.

    Book: chapter 4 (erratum E8: it prints the binary form). Native: csrc/kernels/losses.cpp
    """
    N = len(logits)
    z = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    exp_z = np.exp(z)
    total = exp_z.sum(axis=1)
    losses = np.log(total) - z[np.arange(N), labels]
    return float(losses.mean(dtype=np.float64)), np.ascontiguousarray(exp_z / total[:, None])


@np.errstate(all="ignore")
def softmax_cross_entropy_backward(probabilities: Array, labels: Array) -> Array:
    """Compute the gradient of the mean loss with respect to the logits.

        dlogits[n, k] = (p[n, k] - [k == labels[n]]) / N

    Args:
        probabilities: what softmax_cross_entropy_forward returned, (N, K).
        labels: (N,), integers of any width, 0 <= label < K.

    Returns:
        dlogits: (N, K).

    Raises (native):
        ValueError: the lengths differ, or a label is outside 0..K-1.

    Book: chapter 4. Native: csrc/kernels/losses.cpp
    """
    N, K = probabilities.shape
    one_hot = labels[:, None] == np.arange(K)
    return np.ascontiguousarray((probabilities - one_hot) / N)

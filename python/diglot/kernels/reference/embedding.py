"""Embeddings: each token of a vocabulary has a row of numbers of its own."""

import numpy as np

from diglot._typing import Array


@np.errstate(all="ignore")
def embedding_forward(tokens: Array, w: Array) -> Array:
    """Look up each token's row of weights.

        y[..., d] = w[tokens[...], d]

    This is the product of one-hot rows with w, without the zeros.

    Args:
        tokens: integers of any width, any shape (...), 0 <= token < V.
        w: weights, (V, D).

    Returns:
        y: (..., D).

    Raises (native):
        ValueError: a token is outside 0..V-1.

    Source: Bengio et al. 2003, JMLR 3. Native: csrc/kernels/embedding.cpp
    """
    return np.ascontiguousarray(w[tokens], w.dtype.newbyteorder("="))


@np.errstate(all="ignore")
def embedding_backward(dy: Array, tokens: Array, *, vocabulary_size: int) -> Array:
    """Add up, for each token of the vocabulary, the gradients of the places where it stands.

        dw[v, d] = sum of dy[..., d] over the places with tokens[...] = v

    in the order of the places.

    Args:
        dy: gradient of the output, (..., D).
        tokens: as in the forward pass, (...).
        vocabulary_size: V.

    Returns:
        dw: gradient of the weights, (V, D).

    Raises (native):
        ValueError: the shapes of dy and tokens do not fit, or a token is outside 0..V-1.

    Source: Bengio et al. 2003, JMLR 3. Native: csrc/kernels/embedding.cpp
    """
    dw = np.zeros((vocabulary_size, dy.shape[-1]), dy.dtype.newbyteorder("="))
    np.add.at(dw, tokens, dy)
    return dw

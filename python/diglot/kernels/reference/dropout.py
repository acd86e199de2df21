"""Dropout, with random bits that depend on the seed and the position alone."""

import numpy as np
import numpy.typing as npt

from diglot._typing import Array

_WORD = np.uint64(0xFFFFFFFF)  # words have 32 bits; they are kept in uint64 so that products fit
_HALF = np.uint64(32)


def philox4x32(counters: npt.NDArray[np.uint64], key: tuple[int, int]) -> npt.NDArray[np.uint64]:
    """Encrypt counters into random words: Philox4x32-10.

    Ten rounds of two multiplications; a round sends the words (c0, c1, c2, c3) and the key to

        (high(M1*c2) ^ c1 ^ k0,  low(M1*c2),  high(M0*c0) ^ c3 ^ k1,  low(M0*c0))

    and adds a constant to each half of the key. Any block can be computed without the others: that
    is why every thread, and every backend, draws the same bits.

    Args:
        counters: (blocks, 4), words of 32 bits.
        key: two words of 32 bits.

    Returns:
        (blocks, 4), random words of 32 bits.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """
    c0, c1, c2, c3 = counters.T
    k0, k1 = key
    for _ in range(10):
        product0 = np.uint64(0xD2511F53) * c0
        product1 = np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (product1 >> _HALF) ^ c1 ^ np.uint64(k0),
            product1 & _WORD,
            (product0 >> _HALF) ^ c3 ^ np.uint64(k1),
            product0 & _WORD,
        )
        k0 = (k0 + 0x9E3779B9) & 0xFFFFFFFF
        k1 = (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1)


def _random_words(count: int, seed: int) -> npt.NDArray[np.uint64]:
    """Draw `count` words: number i is word i % 4 of block i // 4."""
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    counters = np.zeros((blocks.size, 4), np.uint64)
    counters[:, 0] = blocks & _WORD
    counters[:, 1] = blocks >> _HALF
    return philox4x32(counters, (seed & 0xFFFFFFFF, seed >> 32)).ravel()[:count]


@np.errstate(all="ignore")
def dropout_forward(x: Array, *, rate: float, seed: int) -> tuple[Array, Array]:
    """Drop a random share of the numbers, and scale up the rest ("inverted" dropout).

        y = x * mask / (1 - rate),    mask[i] = word[i] >= floor(rate * 2**32)

    so the expected value of y is x, and nothing has to be done at inference. Element i, counted in
    row-major order, uses word i of the generator Philox4x32-10 with the key `seed`.

    Args:
        x: numbers, any shape.
        rate: the share that is dropped, 0 <= rate < 1.
        seed: 0 <= seed < 2**64.

    Returns:
        y: the shape of x.
        mask: the shape of x, bool; True where a number was kept.

    Raises (native):
        ValueError: rate or seed is out of its range.

    Book: chapter 4 (which scales at inference). Source: Srivastava et al. 2014, JMLR 15.
    Native: csrc/kernels/dropout.cpp
    """
    mask = (_random_words(x.size, seed) >= int(rate * 2**32)).reshape(x.shape)
    return dropout_backward(x, mask, rate=rate), mask


@np.errstate(all="ignore")
def dropout_backward(dy: Array, mask: Array, *, rate: float) -> Array:
    """Propagate the gradient through the numbers that were kept.

        dx = dy * mask / (1 - rate)

    Args:
        dy: gradient of the output, any shape.
        mask: what dropout_forward returned, the shape of dy, bool.
        rate: as in the forward pass.

    Returns:
        dx: the shape of dy.

    Raises (native):
        ValueError: the shapes of dy and mask differ, or rate is out of its range.

    Book: chapter 4. Native: csrc/kernels/dropout.cpp
    """
    return np.asarray(dy * mask * (1 / (1 - rate)), order="C")

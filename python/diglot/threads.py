"""How many threads the native kernels use: one number for the whole library.

It starts as OMP_NUM_THREADS, or as the number of processors that the process may use, of which a
container's quota may be less. Results do not depend on it, bit for bit. A child made by `fork`
begins with one thread: children mostly come in pools, as many as there are processors. It may set
another number, since OpenMP's threads are ended before a fork (csrc/kernels/starting.cpp).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from diglot.kernels import native

__all__ = ["get_num_threads", "num_threads", "set_num_threads"]

_forks = 0  # between the first process and this one


def get_num_threads() -> int:
    """Return the number of threads that the native kernels use."""
    return native.thread_count()


def set_num_threads(count: int) -> None:
    """Set the number of threads that the native kernels use, in the whole process.

    Args:
        count: at least 1, at most 1024.

    Raises:
        ValueError: the count is not a positive integer.
    """
    integer = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if not integer or not 1 <= count <= native.MOST_THREADS:
        raise ValueError(
            f"the number of threads is {count!r}, expected an integer of at least 1 and at most "
            f"{native.MOST_THREADS}"
        )
    native.set_thread_count(int(count))


@contextmanager
def num_threads(count: int) -> Iterator[None]:
    """Use another number of threads within a `with` block, in the whole process.

    Args:
        count: at least 1.
    """
    before, forks = get_num_threads(), _forks
    set_num_threads(count)
    try:
        yield
    finally:
        native.set_thread_count(before if forks == _forks else 1)


def _after_fork_in_child() -> None:
    global _forks
    _forks += 1
    native.after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

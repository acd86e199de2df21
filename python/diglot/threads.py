"""How many threads the native kernels use: one number for the whole library.

It starts as OMP_NUM_THREADS, or as the number of processors that the process may use. Results do
not depend on it, bit for bit. A child made by `fork` runs on one thread: the threads of its parent
do not exist there, and OpenMP would wait for them for ever.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from diglot.kernels import native

__all__ = ["get_num_threads", "num_threads", "set_num_threads"]

_forked = False


def get_num_threads() -> int:
    """Return the number of threads that the native kernels use."""
    return native.thread_count()


def set_num_threads(count: int) -> None:
    """Set the number of threads that the native kernels use, in the whole process.

    Args:
        count: at least 1, at most 1024.

    Raises:
        ValueError: the count is not a positive integer.
        RuntimeError: more than one thread is asked for in a forked child, which would hang.
    """
    integer = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if not integer or not 1 <= count <= native.MOST_THREADS:
        raise ValueError(
            f"the number of threads is {count!r}, expected an integer of at least 1 and at most "
            f"{native.MOST_THREADS}"
        )
    if _forked and count > 1:
        raise RuntimeError(
            f"{count} threads were asked for in a forked process, where OpenMP can start none; "
            'use the start method "spawn" or "forkserver" of multiprocessing'
        )
    native.set_thread_count(int(count))


@contextmanager
def num_threads(count: int) -> Iterator[None]:
    """Use another number of threads within a `with` block.

    Args:
        count: at least 1.
    """
    before = get_num_threads()
    set_num_threads(count)
    try:
        yield
    finally:
        native.set_thread_count(1 if _forked else before)


def _after_fork_in_child() -> None:
    global _forked
    _forked = True
    native.set_thread_count(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

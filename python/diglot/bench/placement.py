"""Keep two OpenMP threads on two processors.

A thread that wakes another one may find it on its own processor, and on some systems both then stay
there: each call waits for the other's turn to end, and a product of 5 microseconds takes 400. It is
chance, it lasts for the whole process, and it hits whoever is timed in that process. OMP_PROC_BIND
would prevent it, but it also binds the main thread, and JAX's threads would inherit that.

So the worker is bound for good, and the main thread only while it is the worker's turn. This is
done for two threads, where OpenMP's worker lives as long as the process; in larger teams workers
come and go.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import final

from diglot.threads import num_threads

_TASKS = Path("/proc/self/task")


@final
class Placement:
    """Binds OpenMP's worker, if this process has not used it before.

    Args:
        module: a native build, which starts the worker.
        threads: of the team; unless there are two, nothing is bound.
    """

    def __init__(self, module: ModuleType, threads: int) -> None:
        self._home: set[int] | None = None
        self._all: set[int] = set()
        bound = "OMP_PROC_BIND" in os.environ or "GOMP_CPU_AFFINITY" in os.environ
        if threads != 2 or bound or not _TASKS.exists():
            return
        self._all = os.sched_getaffinity(0)
        if len(self._all) < 2:
            return
        before = set(_TASKS.iterdir())
        with num_threads(2):
            module._fma_peak("float32", 1e-6)
        workers = set(_TASKS.iterdir()) - before
        if len(workers) == 1:
            home, other, *_ = sorted(self._all)
            os.sched_setaffinity(int(workers.pop().name), {other})
            self._home = {home}

    def __str__(self) -> str:
        if self._home is None:
            return "left to the system"
        return "two, each on a processor of its own (diglot, and PyTorch if it shares them)"

    @contextmanager
    def turn(self, openmp: bool) -> Iterator[None]:
        """Bind the main thread within a `with` block, if those who use OpenMP take their turn."""
        if self._home is None or not openmp:
            yield
            return
        os.sched_setaffinity(0, self._home)
        try:
            yield
        finally:
            os.sched_setaffinity(0, self._all)

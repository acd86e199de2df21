"""Where a benchmark ran, and whether anything disturbed it."""

import os
import platform
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from diglot.bench.placement import Placement
from diglot.kernels import native

_ENVIRONMENT = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_PROC_BIND", "OMP_NUM_THREADS")
_A_WHILE = 0.2  # seconds; a clock tick is a hundredth
_MOST_SPREAD, _MOST_STEAL, _MOST_LOAD = 0.1, 0.01, 0.5


def processor() -> str:
    """Name the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def limit_pools(threads: int) -> ExitStack:
    """Give NumPy's and OpenMP's pools so many threads, until the stack is closed."""
    stack = ExitStack()
    try:
        import threadpoolctl
    except ImportError:
        return stack
    stack.enter_context(threadpoolctl.threadpool_limits(threads))
    return stack


def pools() -> list[str]:
    """Describe every pool of threads in this process that can be asked."""
    try:
        import threadpoolctl
    except ImportError:
        return [
            "unknown, and NumPy's is as large as it likes: pip install threadpoolctl, or set "
            "OPENBLAS_NUM_THREADS"
        ]
    return [
        f"{pool['internal_api']} {pool.get('version') or ''} {pool.get('architecture') or ''}: "
        f"{pool['num_threads']} ({Path(pool['filepath']).name})".replace("  ", " ")
        for pool in threadpoolctl.threadpool_info()
    ]


def describe(build: str, threads: int) -> dict[str, Any]:
    """Collect what a reader of the figures must know, ready for JSON."""
    info = native.load(build).build_info()
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "threads": threads,
        "build": build,
        "vector_bits": info["vector_bits"],
        "compiler": info["compiler"],
        "flags": info["flags"],
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "pools": pools(),
        "environment": environment,
    }


@final
@dataclass
class Noise:
    """Signs of others at work on this machine, from its making to `warnings`.

    Attributes:
        build: whose multiply-add loop is the probe.
        placement: of its threads.
    """

    build: str
    placement: Placement
    _steal: tuple[float, float] = field(init=False)
    _load: float = field(init=False)
    spreads: list[float] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._steal, self._load = _ticks(), _load_average()
        self.probe()

    def probe(self) -> None:
        """Time one fixed loop again and again: on a quiet machine it takes the same time."""
        module = native.load(self.build)
        times = []
        with self.placement.turn(openmp=True):
            for _ in range(15):
                start = time.perf_counter()
                module._fma_peak("float32", 1e-6)  # one block, of some milliseconds
                times.append(time.perf_counter() - start)
        low, *_, high = statistics.quantiles(times, n=10)
        self.spreads.append((high - low) / statistics.median(times))

    def to_dict(self) -> dict[str, float]:
        """Give the figures, ready for JSON."""
        stolen, all_ = (now - then for now, then in zip(_ticks(), self._steal, strict=True))
        return {
            "probe_spread": max(self.spreads),
            "steal": stolen / all_ if all_ else 0.0,
            "load_average_before": self._load,
        }

    def warnings(self) -> list[str]:
        """Say what speaks against the figures."""
        found, processors = self.to_dict(), os.cpu_count() or 1
        lines = []
        if found["probe_spread"] > _MOST_SPREAD:
            lines.append(
                f"a loop that should always take the same time varied by "
                f"{100 * found['probe_spread']:.0f} %"
            )
        if found["steal"] > _MOST_STEAL:
            lines.append(f"the hypervisor took {100 * found['steal']:.1f} % of the time away")
        if found["load_average_before"] > _MOST_LOAD * processors:
            lines.append(
                f"the load average was {found['load_average_before']:.2f} before the start"
            )
        return lines


@final
class Others:
    """Watches how many processors all others keep busy, from its making on."""

    def __init__(self) -> None:
        self._start = time.perf_counter(), time.process_time(), _busy_seconds()

    def processors(self) -> float:
        """Give the average; 0 where the system does not tell, or after too few clock ticks."""
        wall, own, busy = self._start
        seconds = time.perf_counter() - wall
        others = (_busy_seconds() - busy) - (time.process_time() - own)
        return max(0.0, others / seconds) if busy and seconds > _A_WHILE else 0.0


def _ticks() -> tuple[float, float]:
    """Read (stolen, all) clock ticks of the processors since the machine was started."""
    fields = _stat()
    return (fields[7], sum(fields[:8])) if fields else (0.0, 0.0)


def _busy_seconds() -> float:
    """Read the time that all processors were busy, since the machine was started."""
    fields = _stat()
    idle = fields[3] + fields[4] if fields else 0.0
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _stat() -> list[float]:
    """Read ticks: user, nice, system, idle, waiting for disks, interrupts (2), stolen."""
    try:
        return [float(text) for text in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    except OSError:
        return []


def _load_average() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0

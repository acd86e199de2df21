"""What the machine can do at most, measured: operations and bytes a second, for some threads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from diglot.bench.work import Work
from diglot.kernels import native

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_TYPICAL = {2: 1 << 20, 3: 32 << 20}
_MOST_MEMORY = 1 << 30


@final
@dataclass(frozen=True)
class Level:
    """One floor of the memory: what fits in so many bytes is moved at this speed (bytes/s)."""

    name: str
    size: float
    bandwidth: float


@final
@dataclass(frozen=True)
class Ceilings:
    """The roofs over all kernels.

    Attributes:
        fma: operations a second, of the dtype that was asked for.
        levels: of memory, the fastest first.
    """

    fma: float
    levels: tuple[Level, ...]

    def level(self, size: float) -> Level:
        """Give the fastest memory that `size` bytes fit in."""
        return next((level for level in self.levels if size <= level.size), self.levels[-1])

    def share(self, work: Work, seconds: float) -> float:
        """Tell how near a time comes to the nearer one of the two ceilings: 1 is the limit."""
        by_memory = work.bytes / self.level(work.bytes).bandwidth
        return max(work.flops / self.fma, by_memory) / seconds

    def to_dict(self) -> dict[str, Any]:
        """Copy everything into plain values, ready for JSON."""
        levels = {level.name: level.bandwidth for level in self.levels}
        return {"fma_flops": self.fma, "triad_bytes": levels}


def measure(build: str, seconds: float = 0.3, dtype: str = "float32") -> Ceilings:
    """Measure them with the library's number of threads.

    Args:
        build: the native build, whose registers and instructions count.
        seconds: for each figure.
        dtype: "float32" or "float64".
    """
    module, threads = native.load(build), native.thread_count()
    triad: Callable[[int, float], float] = module._triad_peak
    second, third = _cache_size(2) * threads, _cache_size(3)
    memory = min(max(4 * third, 1 << 26), _MOST_MEMORY)
    return Ceilings(
        module._fma_peak(dtype, seconds),
        (
            Level("L2", second, triad(second // 2, seconds)),
            Level("L3", third, triad(max(third // 3, second), seconds)),
            Level("memory", float("inf"), triad(memory, seconds)),
        ),
    )


def _cache_size(level: int) -> int:
    """Read the bytes of a cache; a typical number where the system does not tell."""
    for index in sorted(_CACHES.glob("index*")):
        if (index / "level").read_text().strip() == str(level):
            text = (index / "size").read_text().strip()
            return int(text.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}.get(text[-1], 0)
    return _TYPICAL[level]

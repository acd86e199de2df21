"""What a row of the benchmark table is: a piece of work, and the speed it should have."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np

from diglot._typing import Array
from diglot.kernels import reference

Arguments: TypeAlias = dict[str, Any]
"""The arrays and settings of a piece of work, by name."""

OURS, NUMPY, TORCH, JAX, ONE_THREAD = "ours", "NumPy", "PyTorch", "JAX", "1 thread"
PEERS = (NUMPY, TORCH, JAX)
BEST, PEAK = "best", "peak"


class Run(NamedTuple):
    """Work that is ready to be timed: its arrays are converted, its functions compiled.

    Attributes:
        call: does the work once, and waits until it is done.
        outputs: brings what `call` returned, or changed, to NumPy.
    """

    call: Callable[[], Any]
    outputs: Callable[[Any], list[Array]]


@final
@dataclass(frozen=True)
class Goal:
    """How fast a row should be.

    Attributes:
        least: the smallest ratio of the other's time to ours; of PEAK, the smallest share.
        of: whose time: a peer, BEST of the peers that are there, ONE_THREAD of ours, or PEAK, the
            nearer of the two measured ceilings.
        build: the build that it is for; "" is the fastest one of this processor, "any" each.
    """

    least: float
    of: str
    build: str = ""

    def __str__(self) -> str:
        if self.of == PEAK:
            return f"≥ {100 * self.least:g} % of peak"
        return f"≥ {self.least:g}x {self.of}"


NEVER_SLOWER = Goal(1.0, NUMPY, "any")
"""Every kernel is at least as fast as its definition, in every build."""


@final
@dataclass(frozen=True)
class Source:
    """Draws the arrays of a piece of work, float32."""

    rng: np.random.Generator

    def normal(self, *shape: int) -> Array:
        """Draw from the standard normal distribution."""
        return self.rng.standard_normal(shape, dtype=np.float32)

    def labels(self, N: int, classes: int) -> Array:
        """Draw N integers below `classes`."""
        return self.rng.integers(0, classes, N)

    def distribution(self, *shape: int) -> Array:
        """Draw rows of probabilities."""
        return reference.softmax_forward(self.normal(*shape))

    def unit(self, *shape: int) -> Array:
        """Draw from [0, 1)."""
        return self.rng.random(shape, dtype=np.float32)

    def zeros(self, *shape: int) -> Array:
        """Give zeros, the state in which an optimizer begins."""
        return np.zeros(shape, np.float32)

    def mask(self, *shape: int) -> Array:
        """Draw truth values, one in five of them false."""
        return self.rng.random(shape, dtype=np.float32) >= 0.2


@final
@dataclass(frozen=True)
class Work:
    """One row of the table.

    Attributes:
        name: tells it from all others.
        group: its family, which NAMES and colours go by.
        kind: what is computed; each competitor looks up here how it does that.
        draw: makes the arguments.
        flops, bytes: operations, and bytes that must move, once for each array that a kernel reads
            or writes; 0 where that is not known.
        goals: the speeds it should have.
        label: a short name, for pictures; "" where the row before has it.
        check: makes the arguments that results are compared on, if those of `draw` do not serve.
        tolerance: how far a result may be off, as a share of the results' root mean square.
        scale: what is printed is the time of so many calls: an epoch, from a slice of it.
        skip: competitors that do not take part.
        unchecked: those whose results cannot be compared, such as what chance decides.
        note: what a reader must know about this row.
    """

    name: str
    group: str
    kind: str
    draw: Callable[[Source], Arguments]
    flops: float = 0.0
    bytes: float = 0.0
    goals: tuple[Goal, ...] = ()
    label: str = ""
    check: Callable[[Source], Arguments] | None = None
    tolerance: float = 1e-3
    scale: float = 1.0
    skip: frozenset[str] = frozenset()
    unchecked: frozenset[str] = frozenset()
    note: str = ""

    @property
    def intensity(self) -> float:
        """Operations for each byte that moves."""
        return self.flops / self.bytes if self.bytes else math.nan

    @property
    def counts_flops(self) -> bool:
        """Tell whether GFLOP/s, and not GB/s, is how people speak of this work."""
        return self.group in ("matmul", "conv2d") or (self.group == "recurrent" and self.flops > 0)

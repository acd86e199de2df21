"""What was measured of one row: times, ratios, and which goals they meet."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

from diglot.bench.work import BEST, ONE_THREAD, OURS, PEAK, PEERS, Goal, Work

_DISTURBED = 0.15
"""Processors."""


@final
@dataclass(frozen=True)
class Quartiles:
    """Median and quartiles of some samples."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Quartiles":
        """Compute them; of one sample, all are the same."""
        if len(samples) == 1:
            return cls(samples[0], samples[0], samples[0])
        low, middle, high = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(middle, low, high)


@final
@dataclass
class Result:
    """What was measured of one row.

    Attributes:
        work: the row.
        samples: seconds of one call, by competitor and round.
        processors: how many processors a competitor kept busy, on average.
        errors: by competitor: why it was not timed. If we are among them, nobody was.
        others: processors that other programs kept busy meanwhile, on average.
        share: of the nearer ceiling that we reach.
        verdicts: each goal that applies here, and whether it is met (None: nobody to compare with).
    """

    work: Work
    samples: dict[str, list[float]] = field(default_factory=dict)
    processors: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    others: float = 0.0
    share: float = math.nan
    verdicts: list[tuple[Goal, bool | None]] = field(default_factory=list)

    def seconds(self, name: str) -> float:
        """Give a competitor's median time, of what the row shows; NaN if it has none."""
        samples = self.samples.get(name)
        return statistics.median(samples) * self.work.scale if samples else math.nan

    def ratio(self, name: str) -> Quartiles | None:
        """Compare a competitor with us, round by round: above 1, we are faster."""
        theirs, ours = self.samples.get(name), self.samples.get(OURS)
        if name == BEST:
            return self.ratio(self.best_peer) if self.best_peer else None
        if not theirs or not ours:
            return None
        return Quartiles.of([other / mine for other, mine in zip(theirs, ours, strict=False)])

    @property
    def best_peer(self) -> str:
        """Name the fastest of the others, "" if there is none."""
        there = [name for name in PEERS if self.samples.get(name)]
        return min(there, key=self.seconds, default="")

    @property
    def speed(self) -> tuple[float, float] | None:
        """Give our place in a roofline: operations for each byte, and operations a second.

        Returns:
            None for work that has none: it only moves numbers, or its operations are not counted.
        """
        if not self.samples or not self.work.bytes or not self.work.flops:
            return None
        return self.work.intensity, self.work.flops / self.seconds(OURS)

    @property
    def disturbed(self) -> bool:
        """Tell whether other programs took so much of the machine that the figures suffered."""
        return self.others > _DISTURBED

    @property
    def met(self) -> bool | None:
        """Tell whether all goals are met; None if none can be judged."""
        judged = [met for _, met in self.verdicts if met is not None]
        return all(judged) if judged else None

    def judge(self, build: str, fastest: bool) -> None:
        """Compare with the goals that are for this build."""
        self.verdicts = [
            (goal, self._meets(goal))
            for goal in self.work.goals
            if goal.build in ("any", build) or (not goal.build and fastest)
        ]

    def _meets(self, goal: Goal) -> bool | None:
        if goal.of == PEAK:
            return None if math.isnan(self.share) else self.share >= goal.least
        ratio = self.ratio(goal.of)
        return None if ratio is None else ratio.median >= goal.least

    def to_dict(self) -> dict[str, Any]:
        """Copy everything into plain values, ready for JSON."""
        work = self.work
        ratios = {name: self.ratio(name) for name in (*PEERS, ONE_THREAD)}
        return {
            "name": work.name,
            "group": work.group,
            "kind": work.kind,
            "flops": work.flops,
            "bytes": work.bytes,
            "scale": work.scale,
            "note": work.note,
            "seconds": {name: self.seconds(name) for name in self.samples},
            "samples": self.samples,
            "processors": self.processors,
            "others": self.others,
            "ratios": {
                name: {"median": ratio.median, "quartiles": [ratio.low, ratio.high]}
                for name, ratio in ratios.items()
                if ratio is not None
            },
            "best_peer": self.best_peer or None,
            "share_of_peak": None if math.isnan(self.share) else self.share,
            "goals": [{"goal": str(goal), "met": met} for goal, met in self.verdicts],
            "met": self.met,
            "errors": self.errors,
        }

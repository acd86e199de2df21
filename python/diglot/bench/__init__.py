"""Benchmarks: one table of work, done by diglot, NumPy, PyTorch and JAX in turn.

`diglot bench` prints it, and the suites in benchmarks/ time the same work.
"""

from diglot.bench.ceilings import Ceilings, Level
from diglot.bench.measure import Settings, measure
from diglot.bench.result import Result
from diglot.bench.table import COSTS, WORKS, select
from diglot.bench.work import Goal, Work

__all__ = [
    "COSTS",
    "WORKS",
    "Ceilings",
    "Goal",
    "Level",
    "Result",
    "Settings",
    "Work",
    "measure",
    "select",
]

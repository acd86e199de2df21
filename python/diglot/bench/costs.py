"""Rows that are not speeds: what an import costs, and how much memory a kernel needs for itself.

Each is measured in processes of its own.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final


@final
@dataclass(frozen=True)
class Cost:
    """One row: a figure that should be small.

    Attributes:
        name: what is measured.
        unit: of the figure.
        most: the goal.
        measure: takes a native build and a number of threads, and gives the figure, or None where
            this system cannot tell.
        group: its family.
    """

    name: str
    unit: str
    most: float
    measure: Callable[[str, int], float | None]
    group: str = "costs"

    def result(self, build: str, threads: int) -> dict[str, Any]:
        """Measure it: figure, goal and verdict, ready for JSON."""
        figure = self.measure(build, threads)
        return {
            "name": self.name,
            "figure": figure,
            "unit": self.unit,
            "goal": f"≤ {self.most:g} {self.unit}",
            "met": None if figure is None else figure <= self.most,
        }


_IMPORT = """
import sys, time
start = time.perf_counter()
import {0}
print(time.perf_counter() - start)
"""

# /proc/self/status knows the most memory so far; "5" in clear_refs sets that back to what is in
# use. What a call takes beyond its result is then the peak, less the memory before and the result.
_SCRATCH = """
import json, sys
import numpy as np
from diglot.kernels import native
build, threads, N = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
k = native.load(build)
k.set_num_threads(threads)
x, w = np.ones((N, 32, 28, 28), np.float32), np.ones((64, 32, 3, 3), np.float32)
dy = np.ones((N, 64, 28, 28), np.float32)

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def scratch(call):
    call(slice(1))  # makes the threads, and pages in the code
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = status("VmRSS")
    result = call(slice(None))
    parts = result if isinstance(result, tuple) else (result,)
    return status("VmHWM") - before - sum(part.nbytes for part in parts)

print(json.dumps(max(
    scratch(lambda n: k.conv2d_forward(x[n], w, padding=1)),
    scratch(lambda n: k.conv2d_backward_input(dy[n], w, input_size=(28, 28), padding=1)),
    scratch(lambda n: k.conv2d_backward_weight(dy[n], x[n], kernel_size=3, padding=1)),
)))
"""


def _python(program: str, *arguments: object) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def import_time(build: str, threads: int) -> float:
    """Give the milliseconds by which `import diglot` takes longer than `import numpy`."""

    def seconds(package: str) -> float:
        return float(_python(_IMPORT.format(package)))

    pairs = [(seconds("diglot"), seconds("numpy")) for _ in range(7)]
    return 1e3 * statistics.median(ours - numpy for ours, numpy in pairs)


def scratch_memory(N: int) -> Callable[[str, int], float | None]:
    """Make the measurement of a convolution's scratch memory, MB a thread, at a batch of N."""

    def measure(build: str, threads: int) -> float | None:
        if not sys.platform.startswith("linux"):
            return None
        return float(json.loads(_python(_SCRATCH, build, threads, N))) / threads / 1e6

    return measure


COSTS = (
    Cost("import diglot, beyond import numpy", "ms", 60, import_time),
    Cost("scratch of conv2d a thread, batch 8", "MB", 2.1, scratch_memory(8)),
    Cost("scratch of conv2d a thread, batch 128", "MB", 2.1, scratch_memory(128)),
)

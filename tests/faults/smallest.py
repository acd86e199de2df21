"""What runs under valgrind: `smallest.py BUILD`, every kernel and rung of a build on few numbers.

`smallest.py faults COUNT` makes the faults instead that valgrind must notice, in arrays of so many
numbers.
"""

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "kernels"))

SMALL_BLOCK = 1024
"""NumPy keeps freed blocks of fewer bytes, a few of each size, and gives them out again."""

KEPT = []
"""Everything, so that no output lies where something else has been written before."""


def use(value, nowhere):
    """Read every byte of an output, in a way that valgrind takes as a use of it."""
    KEPT.append(value)
    if isinstance(value, tuple):
        for part in value:
            use(part, nowhere)
    elif isinstance(value, np.ndarray):
        os.write(nowhere, memoryview(np.ascontiguousarray(value)).cast("B") if value.size else b"")
    elif isinstance(value, float):
        os.write(nowhere, np.float64(value).tobytes())


def take_what_numpy_keeps():
    KEPT.extend(np.empty(size, np.uint8) for size in range(1, SMALL_BLOCK) for _ in range(8))


def run_kernels(build, nowhere):
    from odd_arrays import SUBJECTS, arrays

    calls = [
        (subject, case.arguments(dtype))
        for subject in SUBJECTS
        for case in subject.cases()
        for dtype in ("float32", "float64")
    ]
    KEPT.append(calls)
    take_what_numpy_keeps()
    for subject, arguments in calls:
        use(subject.function(build)(**arguments), nowhere)
        for _, array in arrays(arguments):
            use(array, nowhere)
    print(len(calls))


def run_faults(count, nowhere):
    from diglot import _faults

    take_what_numpy_keeps()
    use(_faults.output_with_a_hole(count), nowhere)
    _faults.branch_on_output(count)
    _faults.write_behind_output(count)
    _faults.write_behind_scratch(count)
    _faults.read_freed_output(count)


if __name__ == "__main__":
    with open(os.devnull, "wb", buffering=0) as null:
        if sys.argv[1] == "faults":
            run_faults(int(sys.argv[2]), null.fileno())
        else:
            run_kernels(sys.argv[1], null.fileno())

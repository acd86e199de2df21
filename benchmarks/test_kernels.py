"""Time every kernel, on each backend: `pytest benchmarks --benchmark-enable`.

The arguments are those of the kernel's largest case in the case table. A result is compared with
the reference before it is timed.
"""

import numpy as np
import pytest

from diglot import kernels
from diglot.kernels.cases import CASES
from diglot.kernels.draw import Case
from diglot.kernels.tolerance import call, largest_difference, truth


def largest_case(kernel: str) -> Case:
    """The one with the most numbers in its arguments."""

    def numbers(case: Case) -> int:
        return sum(np.size(value) for value in case.arguments(np.float32).values())

    return max((case for case in CASES[kernel] if case.calls == 1), key=numbers)


@pytest.mark.parametrize("backend", ["reference", *kernels.available_builds()])
@pytest.mark.parametrize("kernel", CASES)
def test_time(benchmark, kernel, backend):
    case = largest_case(kernel)
    arguments = case.arguments(np.float32)
    expected = truth(kernel, case, arguments, np.dtype(np.float32))
    benchmark.group = f"{kernel}, {case.name}"
    with kernels.use_backend(backend):
        function = getattr(kernels, kernel)
        worst = largest_difference(call(function, arguments, case.calls), expected)
        assert worst.units <= 1, str(worst)
        benchmark(lambda: function(**arguments))

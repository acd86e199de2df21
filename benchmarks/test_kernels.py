"""Time every kernel: `pytest benchmarks/test_kernels.py --benchmark-enable -k "conv2d and N60"`.

The work is that of `diglot bench`, at sizes that networks have, and a little of it at sizes that
loops in Python can do.
"""

import pytest

from competitors import BACKENDS, LOOPS, NAIVE, PEERS, competitor, time
from diglot.bench.convolutions import Convolution
from diglot.bench.elements import cross_entropy, pooling
from diglot.bench.products import product
from diglot.bench.table import WORKS

KERNELS = [work for work in WORKS if work.group != "training"]
TINY = [
    product(16, 16, 16),
    *(work for work in Convolution(2, 3, 8, 4, 3, 1).works() if work.kind in LOOPS),
    pooling("max_pool2d", (2, 3, 8, 8), 2, 2, 0),
    pooling("avg_pool2d", (2, 3, 8, 8), 2, 2, 0),
    cross_entropy(8, 10),
]


@pytest.mark.parametrize("name", [*BACKENDS, *PEERS])
@pytest.mark.parametrize("work", KERNELS, ids=lambda work: work.name)
def test_time(benchmark, work, name):
    if not competitor(name).knows(work.kind):
        pytest.skip(f"{name} does not do this in one call")
    time(benchmark, name, work)


@pytest.mark.parametrize("name", [NAIVE, *BACKENDS, *PEERS])
@pytest.mark.parametrize("work", TINY, ids=lambda work: f"tiny {work.name}")
def test_time_beside_loops(benchmark, work, name):
    time(benchmark, name, work)

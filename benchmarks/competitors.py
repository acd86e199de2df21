"""Those that the suites time: naive loops, the reference, each native build, PyTorch and JAX.

The work and the peers are those of `diglot bench`; only the naive loops are the tests' own.
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np

from diglot import kernels
from diglot.bench import peers
from diglot.bench.kinds import as_arrays
from diglot.bench.measure import compare
from diglot.bench.peers import Competitor
from diglot.bench.work import Arguments, Run, Source, Work
from diglot.kernels import native, reference
from diglot.threads import get_num_threads

sys.path.append(str(Path(__file__).parents[1] / "tests" / "kernels"))

import naive

NAIVE = "naive loops"
BACKENDS = ["reference", *kernels.available_builds()]
PEERS = peers.installed()


def both(value):
    return (value, value)


def convolution(a):
    s = a["settings"]
    pairs = [both(s[name]) for name in ("stride", "padding", "dilation")]
    return naive.conv2d(a["x"], a["w"], a["b"], a["dy"], *pairs, s["groups"])


def pooling(function):
    def run(a):
        return function(a["x"], a["dy"], *(both(value) for value in a["settings"].values()))

    return run


def max_pooling(a):
    y, _, dx = pooling(naive.max_pool2d)(a)
    return y, dx


LOOPS = {
    "matmul": lambda a: naive.matmul(a["a"], a["b"]),
    "conv2d": convolution,
    "max_pool2d": max_pooling,
    "avg_pool2d": pooling(naive.avg_pool2d),
    "softmax_cross_entropy": lambda a: naive.cross_entropy(a["logits"], a["labels"]),
}


def prepare_loops(kind: str, arguments: Arguments) -> Run:
    return Run(lambda: LOOPS[kind](arguments), as_arrays)


@cache
def competitor(name: str) -> Competitor:
    if name == NAIVE:
        return Competitor(name, "", prepare_loops, frozenset(LOOPS))
    if name in peers.installed():
        return peers.load(name, get_num_threads())
    return peers.backend(name, reference if name == "reference" else native.load(name))


def check(name: str, work: Work) -> None:
    """Compare a competitor's result with the reference's, on the same numbers."""
    arguments = (work.check or work.draw)(Source(np.random.default_rng(0)))
    expected = competitor("reference").prepare(work.kind, arguments)
    outputs = [output.copy() for output in expected.outputs(expected.call())]
    run = competitor(name).prepare(work.kind, arguments)
    actual = run.outputs(run.call())
    if name not in work.unchecked:
        compare(actual, outputs, work.tolerance)


def time(benchmark, name: str, work: Work) -> None:
    """Check, then time."""
    check(name, work)
    benchmark.group = work.name
    benchmark.extra_info |= {"flops": work.flops, "bytes": work.bytes, "of": 1 / work.scale}
    arguments = work.draw(Source(np.random.default_rng(1)))
    benchmark(competitor(name).prepare(work.kind, arguments).call)

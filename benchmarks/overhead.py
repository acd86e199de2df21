"""Time what the framework itself costs: a training step, a kernel call, the import.

    python benchmarks/overhead.py [--repeats N]

The network is the book's 784-89-10 with batches of 60. Its step is timed in three forms:

- *Python alone*: the same layers with next to no numbers (2-2-2, batches of 2), and every kernel
  replaced by a function that returns at once what the kernel returned for the first batch. What is
  left is the Python of trainer, network, layers, operations, loss and optimizer.
- *Python and bindings*: the same with the kernels, which have nothing to compute.
- *in full*.

All run on one thread: waking another is no cost of the framework. Each number is the smallest of
many repetitions, for everything that disturbs a short piece of Python makes it slower.
"""

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

import diglot
from diglot import kernels

STEPS = 100


def training(features: int, hidden: int, classes: int, batch: int) -> Callable[[], None]:
    """Make a function that trains one epoch of STEPS batches."""
    layers = [diglot.Flatten(), diglot.Dense(hidden, diglot.Tanh), diglot.Dense(classes)]
    network = diglot.NeuralNetwork(layers, loss=diglot.SoftmaxCrossEntropy(), seed=1)
    trainer = diglot.Trainer(network, diglot.SGDMomentum(lr=0.01, momentum=0.9))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((STEPS * batch, 1, 1, features), dtype=np.float32)
    y = rng.integers(0, classes, STEPS * batch)

    def epoch() -> None:
        trainer.fit(x, y, epochs=1, batch_size=batch, progress=False, seed=1)

    return epoch


def smallest(function: Callable[[], object], repeats: int, calls: int) -> float:
    """Microseconds for one of the `calls` that `function` makes, in its fastest repetition."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds) / calls * 1e6


@contextmanager
def replaced(functions: Mapping[str, Callable[..., object]]) -> Iterator[None]:
    """Run a block with other functions in the place of kernels."""
    before = {name: getattr(kernels, name) for name in functions}
    for name, function in functions.items():
        setattr(kernels, name, function)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(kernels, name, function)


def recorded(epoch: Callable[[], None]) -> tuple[dict[str, Callable[..., object]], int]:
    """Make functions that repeat what the kernels returned; count a step's kernel calls."""
    results: dict[str, list[object]] = {}

    def record(name: str, kernel: Callable[..., object]) -> Callable[..., object]:
        def recording(*arguments: Any, **settings: Any) -> object:
            result = kernel(*arguments, **settings)
            results.setdefault(name, []).append(result)
            return result

        return recording

    def repeat(values: list[object]) -> Callable[..., object]:
        following = itertools.cycle(values).__next__
        return lambda *arguments, **settings: following()

    names = kernels.reference.__all__
    with replaced({name: record(name, getattr(kernels, name)) for name in names}):
        epoch()
    players = {name: repeat(values[: len(values) // STEPS]) for name, values in results.items()}
    return players, sum(map(len, results.values())) // STEPS


def calls() -> dict[str, Callable[[], object]]:
    """Make kernel calls on a handful of numbers."""
    one = np.ones((2, 2), np.float32)
    labels, images = np.zeros(2, int), np.ones((1, 1, 4, 4), np.float32)
    w, b, v, s = (np.ones(n, np.float32) for n in ((1, 1, 3, 3), 1, (2, 2), (2, 2)))
    return {
        "matmul": lambda: kernels.matmul(one, one),
        "tanh_forward": lambda: kernels.tanh_forward(one),
        "tanh_backward": lambda: kernels.tanh_backward(one, one),
        "softmax_cross_entropy_forward": lambda: kernels.softmax_cross_entropy_forward(one, labels),
        "sgd_inplace": lambda: kernels.sgd_inplace(v, one, lr=0.1),
        "sgd_momentum_inplace": lambda: kernels.sgd_momentum_inplace(
            v, one, s, lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0
        ),
        "conv2d_forward": lambda: kernels.conv2d_forward(images, w, b, stride=1, padding=0),
        "max_pool2d_forward": lambda: kernels.max_pool2d_forward(images, kernel_size=2),
        "the lookup of kernels.matmul": lambda: kernels.matmul,
        "for comparison, numpy.add": lambda: np.add(one, one),
    }


def repeated(function: Callable[[], object], count: int) -> Callable[[], None]:
    def loop() -> None:
        for _ in itertools.repeat(None, count):
            function()

    return loop


def import_milliseconds(repeats: int) -> float:
    """How much longer `import diglot` takes than `import numpy` (with compiled bytecode)."""
    code = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    seconds: dict[str, list[float]] = {"numpy": [], "diglot": []}
    for _, (name, times) in itertools.product(range(repeats), seconds.items()):
        done = subprocess.run(
            [sys.executable, "-c", code.format(name)], capture_output=True, check=True
        )
        times.append(float(done.stdout))
    return (min(seconds["diglot"]) - min(seconds["numpy"])) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=30)
    repeats = parser.parse_args().repeats
    print(f"diglot {diglot.__version__} ({diglot.get_backend()}), NumPy {np.__version__}")
    with diglot.num_threads(1):
        tiny = training(2, 2, 2, 2)
        players, count = recorded(tiny)
        with replaced(players):
            python = smallest(tiny, repeats, STEPS)
        both = smallest(tiny, repeats, STEPS)
        full = smallest(training(784, 89, 10, 60), repeats, STEPS)
        print(f"one training step of 784-89-10, batch 60: {count} kernel calls")
        print(f"  {python:7.1f} us  Python alone")
        print(f"  {both:7.1f} us  Python and bindings")
        print(f"  {full:7.1f} us  in full, one thread")
        print("one call")
        nothing = smallest(repeated(lambda: None, 1000), repeats, 1000)
        for name, call in calls().items():
            print(f"  {smallest(repeated(call, 1000), repeats, 1000) - nothing:7.2f} us  {name}")
    print(f"{import_milliseconds(repeats):.0f} ms more for `import diglot` than for `import numpy`")


if __name__ == "__main__":
    main()

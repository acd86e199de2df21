"""Time what the framework itself costs: a training step without arithmetic, kernel calls, the import.

    python benchmarks/overhead.py [--repeats N]

The network is the book's 784-89-10 with batches of 60. Its step is timed in three forms:

- *Python alone*: every kernel is replaced by a function that returns, at once, what the kernel
  returned for the first batch. What is left is the Python of trainer, network, layers, operations,
  loss and optimizer, and the gathering of the shuffled batch.
- *Python and bindings*: the same layers, so small (2-2-2, batches of 2) that the kernels have
  nothing to compute. No batch of 188 KB is gathered here.
- *in full*.

All run on one thread: waking another is no cost of the framework. Each number is the smallest of
many repetitions, for everything that disturbs a short piece of Python makes it slower.
"""

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
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
def backend(module: ModuleType) -> Iterator[None]:
    """Run a block on functions that are none of the library's builds."""
    token = kernels._active.set(module)
    try:
        yield
    finally:
        kernels._active.reset(token)


def recorded(epoch: Callable[[], None]) -> tuple[ModuleType, int]:
    """Make a backend that repeats what the kernels returned; count a step's kernel calls."""
    native, results = kernels._active.get(), {}

    def record(name: str) -> Callable[..., object]:
        def kernel(*arguments: Any, **settings: Any) -> object:
            result = getattr(native, name)(*arguments, **settings)
            results.setdefault(name, []).append(result)
            return result

        return kernel

    def repeat(values: list[object]) -> Callable[..., object]:
        following = itertools.cycle(values).__next__
        return lambda *arguments, **settings: following()

    recorder, player = ModuleType("recorder"), ModuleType("player")
    for name in kernels.reference.__all__:
        setattr(recorder, name, record(name))
    with backend(recorder):
        epoch()
    for name, values in results.items():
        a_step = len(values) // STEPS
        setattr(player, name, repeat(values[:a_step]))
    return player, sum(map(len, results.values())) // STEPS


def calls() -> dict[str, Callable[[], object]]:
    """Make kernel calls on a handful of numbers."""
    one = np.ones((2, 2), np.float32)
    labels, images = np.zeros(2, int), np.ones((1, 1, 4, 4), np.float32)
    w, b, v, s = (np.ones(n, np.float32) for n in ((1, 1, 3, 3), 1, (2, 2), (2, 2)))
    native = kernels._active.get()
    return {
        "matmul": lambda: native.matmul(one, one),
        "tanh_forward": lambda: native.tanh_forward(one),
        "tanh_backward": lambda: native.tanh_backward(one, one),
        "softmax_cross_entropy_forward": lambda: native.softmax_cross_entropy_forward(one, labels),
        "sgd_inplace": lambda: native.sgd_inplace(v, one, lr=0.1),
        "sgd_momentum_inplace": lambda: native.sgd_momentum_inplace(
            v, one, s, lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0
        ),
        "conv2d_forward": lambda: native.conv2d_forward(images, w, b, stride=1, padding=0),
        "max_pool2d_forward": lambda: native.max_pool2d_forward(images, kernel_size=2),
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
        epoch = training(784, 89, 10, 60)
        player, count = recorded(epoch)
        with backend(player):
            alone = smallest(epoch, repeats, STEPS)
        tiny = smallest(training(2, 2, 2, 2), repeats, STEPS)
        full = smallest(epoch, repeats, STEPS)
        print(f"one training step of 784-89-10, batch 60: {count} kernel calls")
        print(f"  {alone:7.1f} us  Python alone (with the gathering of the batch)")
        print(f"  {tiny:7.1f} us  Python and bindings (2-2-2, batch 2)")
        print(f"  {full:7.1f} us  in full, one thread")
        print("one call")
        nothing = smallest(repeated(lambda: None, 1000), repeats, 1000)
        for name, call in calls().items():
            print(f"  {smallest(repeated(call, 1000), repeats, 1000) - nothing:7.2f} us  {name}")
    print(f"{import_milliseconds(repeats):.0f} ms more for `import diglot` than for `import numpy`")


if __name__ == "__main__":
    main()

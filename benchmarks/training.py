"""Time one epoch of the book's networks, in diglot and in PyTorch's eager mode, in one run.

    python benchmarks/training.py [--repeats N] [--threads N] [--quick]

Both train the same network on data of MNIST's size (60 000 images of 28 x 28; random pixels: the
time does not depend on what is drawn), with the same batches of 60, in float32, with the same
number of threads. The competitors take turns, and the medians are compared.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import threadpoolctl
from rich.console import Console
from rich.table import Table

import diglot

BATCH = 60


def diglot_mlp() -> diglot.NeuralNetwork:
    layers = [diglot.Flatten(), diglot.Dense(89, diglot.Tanh), diglot.Dense(10)]
    return diglot.NeuralNetwork(layers, loss=diglot.SoftmaxCrossEntropy(), seed=1)


def diglot_cnn() -> diglot.NeuralNetwork:
    """The book's, row 5.3: one convolution with dropout, one dense layer."""
    convolution = diglot.Conv2D(
        32, kernel_size=5, padding="same", activation=diglot.Tanh, dropout=0.2, flatten=True
    )
    return diglot.NeuralNetwork(
        [convolution, diglot.Dense(10)], loss=diglot.SoftmaxCrossEntropy(), seed=1
    )


def diglot_epoch(network: diglot.NeuralNetwork, lr: float) -> Callable[..., None]:
    trainer = diglot.Trainer(network, diglot.SGDMomentum(lr=lr, momentum=0.9))

    def epoch(x: np.ndarray, y: np.ndarray) -> None:
        trainer.fit(x, y, epochs=1, batch_size=BATCH, progress=False, seed=1)

    return epoch


def torch_epoch(name: str, lr: float) -> Callable[..., None]:
    import torch
    from torch import nn

    if name == "mlp":
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 89), nn.Tanh(), nn.Linear(89, 10))
    else:
        model = nn.Sequential(
            nn.Conv2d(1, 32, 5, padding=2),
            nn.Tanh(),
            nn.Dropout(0.2),
            nn.Flatten(),
            nn.Linear(32 * 28 * 28, 10),
        )
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()

    def epoch(x: np.ndarray, y: np.ndarray) -> None:
        images, labels = torch.from_numpy(x), torch.from_numpy(y)
        order = torch.randperm(len(images))
        for first in range(0, len(images), BATCH):
            batch = order[first : first + BATCH]
            optimizer.zero_grad()
            loss_function(model(images[batch]), labels[batch]).backward()
            optimizer.step()

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=diglot.get_num_threads())
    parser.add_argument("--quick", action="store_true", help="600 images instead of 60 000")
    options = parser.parse_args()

    import torch

    torch.set_num_threads(options.threads)
    diglot.set_num_threads(options.threads)
    console = Console()
    console.print(
        f"diglot {diglot.__version__} ({diglot.get_backend()}), PyTorch {torch.__version__}, "
        f"{options.threads} threads"
    )
    with threadpoolctl.threadpool_limits(options.threads):
        for pool in threadpoolctl.threadpool_info():
            console.print(f"  {pool['internal_api']} {pool['version']}: {pool['num_threads']}")
        rng = np.random.default_rng(0)
        count = 600 if options.quick else 60_000
        x = rng.standard_normal((count, 1, 28, 28), dtype=np.float32)
        y = rng.integers(0, 10, count)
        table = Table("one epoch", "diglot", "PyTorch", "PyTorch / diglot", "spread")
        for title, name, network, lr in [
            ("784-89-10", "mlp", diglot_mlp(), 0.01),
            ("the book's CNN (row 5.3)", "cnn", diglot_cnn(), 0.001),
        ]:
            ours, theirs = diglot_epoch(network, lr), torch_epoch(name, lr)
            seconds = take_turns([ours, theirs], x, y, options.repeats)
            medians = [statistics.median(times) for times in seconds]
            ratios = [theirs / ours for ours, theirs in zip(*seconds, strict=True)]
            table.add_row(
                title,
                f"{medians[0]:.3f} s",
                f"{medians[1]:.3f} s",
                f"{medians[1] / medians[0]:.2f}",
                f"{min(ratios):.2f} to {max(ratios):.2f}",
            )
    console.print(table)


def take_turns(
    competitors: list[Callable[..., None]], x: np.ndarray, y: np.ndarray, repeats: int
) -> list[list[float]]:
    """Seconds of each competitor, which run one after the other, `repeats` times."""
    for run in competitors:
        run(x[:600], y[:600])  # warm up: threads, allocations, lazy set-up
    seconds: list[list[float]] = [[] for _ in competitors]
    for _ in range(repeats):
        for run, times in zip(competitors, seconds, strict=True):
            start = time.perf_counter()
            run(x, y)
            times.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main()

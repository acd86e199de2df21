"""`diglot demo`: one convolutional network learns real digits on both backends."""

import argparse
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from rich.console import Console

from diglot import kernels, plots
from diglot._typing import Array
from diglot.cli.console import (
    UsageError,
    make_console,
    make_table,
    natural_number,
    positive_number,
    style_of,
)
from diglot.datasets import Dataset, digits, standardize
from diglot.history import History
from diglot.layers import AvgPool2D, Conv2D, Dense, Flatten
from diglot.losses import SoftmaxCrossEntropy
from diglot.network import NeuralNetwork
from diglot.operations import Tanh
from diglot.optimizers import SGDMomentum
from diglot.reproduce.training import fit
from diglot.schedules import Cosine
from diglot.threads import get_num_threads
from diglot.trainer import Trainer

_BATCH_SIZE = 32
_MODEL = "digits.safetensors"
_GOOD_ACCURACY = 0.97
_SAME_LOSS = 1e-4
"""How far the two losses of an epoch may differ, as a share of the loss. The backends add the same
terms in another order, which float32 shows in the seventh digit; training multiplies it a little.
"""

_DESCRIPTION = """Train a small convolutional network on 1442 real handwritten digits, once on the
NumPy reference and once on the native kernels, from the same seed. Compare the losses epoch by
epoch, then the accuracy on 355 other digits and the time. Exit status 1 if the backends disagree or
the accuracy is not above 97 %."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "train a small network on real digits, on both backends"
    parser = commands.add_parser("demo", help=text, description=_DESCRIPTION)
    parser.add_argument("--epochs", type=positive_number, default=15, metavar="N", help="(15)")
    parser.add_argument("--seed", type=natural_number, default=1, metavar="N", help="(1)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("diglot-demo"),
        metavar="DIR",
        help="where the model and the pictures go (diglot-demo)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Train, compare, save, and tell whether all went as it should."""
    console = make_console()
    arguments.out.mkdir(parents=True, exist_ok=True)
    data = digits()
    native = _native_name()
    console.print(f"{len(data.x_train)} digits of 8 x 8 pixels to learn from.\n")
    console.print(f"{make_network(arguments.seed).summary(data.x_train.shape[1:])}\n")
    runs = []
    for backend in ("reference", native):
        console.print(f"training on {_title(backend)} ...")
        runs.append(train(backend, data, arguments.epochs, arguments.seed))
    reference, fast = runs
    agree = _print_losses(console, reference.history, fast.history)
    accurate = _print_scores(console, runs)
    _save(console, fast, reference, data, arguments.out)
    _print_next_steps(console, arguments.out)
    return agree and accurate


@final
@dataclass(frozen=True)
class Run:
    """One training: on which backend, the network, its history, and its scores (N, 10)."""

    backend: str
    network: NeuralNetwork
    history: History
    scores: Array
    accuracy: float


def make_network(seed: int) -> NeuralNetwork:
    """Build the network: two layers of filters, two of neurons.

    All of it is smooth. With ReLU or max pooling, a number that rounding moves across a threshold
    changes the rest of the training, and the backends would part.
    """
    layers = [
        Conv2D(16, 3, Tanh, padding="same"),
        Conv2D(32, 3, Tanh, padding="same"),
        AvgPool2D(2),
        Flatten(),
        Dense(64, Tanh, dropout=0.2),
        Dense(10),
    ]
    return NeuralNetwork(layers, SoftmaxCrossEntropy(), seed=seed)


def train(backend: str, data: Dataset, epochs: int, seed: int, *, progress: bool = True) -> Run:
    """Train the network on one backend.

    The held-out digits are looked at after each epoch for the picture of the curves; they decide
    nothing.

    Args:
        backend: "reference" or a native build.
        data: the digits.
        epochs: how many.
        seed: draws the first weights, the order of the digits and what dropout drops.
        progress: show a bar, if stderr is a terminal.
    """
    x_train, x_test = standardize(data.x_train, data.x_test)
    network = make_network(seed)
    with kernels.use_backend(backend):
        trainer = Trainer(network, SGDMomentum(Cosine(0.05, per="batch"), 0.9))
        history = fit(
            trainer,
            x_train,
            data.y_train,
            validation=(x_test, data.y_test),
            epochs=epochs,
            batch_size=_BATCH_SIZE,
            seed=seed,
            progress=progress,
        )
        scores = network.predict(x_test)
    accuracy = float(np.mean(scores.argmax(axis=1) == data.y_test))
    return Run(backend, network, history, scores, accuracy)


def _native_name() -> str:
    try:
        with kernels.use_backend("native"):
            return kernels.get_backend()
    except ImportError as error:
        raise UsageError(f"the demo needs both backends. {error}") from error


def _title(backend: str) -> str:
    if backend == "reference":
        return "the NumPy reference"
    return f"the native kernels ({backend}, threads: {get_num_threads()})"


def _print_losses(console: Console, reference: History, native: History) -> bool:
    table = make_table(
        "epoch",
        "loss, reference",
        "loss, native",
        "relative difference",
        right=["epoch", "loss, reference", "loss, native", "relative difference"],
    )
    differences = []
    for epoch, one, other in zip(reference.epoch, reference.loss, native.loss, strict=True):
        differences.append(abs(one - other) / one)
        table.add_row(str(epoch), f"{one:.7f}", f"{other:.7f}", f"{differences[-1]:.1e}")
    console.print(table)
    agree = max(differences) <= _SAME_LOSS
    verdict = "the same" if agree else "DIFFERENT"
    console.print(
        f"training losses: {verdict}; largest relative difference {max(differences):.1e}, "
        f"allowed {_SAME_LOSS:.0e}",
        style=style_of(agree),
    )
    return agree


def _print_scores(console: Console, runs: list[Run]) -> bool:
    times = [sum(run.history.seconds) for run in runs]
    table = make_table(
        "backend", "held-out accuracy", "seconds", "speed-up",
        right=["held-out accuracy", "seconds", "speed-up"],
    )  # fmt: skip
    for run, seconds in zip(runs, times, strict=True):
        table.add_row(
            run.backend,
            f"{100 * run.accuracy:.2f} %",
            f"{seconds:.2f}",
            f"{times[0] / seconds:.1f}x",
        )
    console.print(table)
    accurate = all(run.accuracy > _GOOD_ACCURACY for run in runs)
    verdict = "above" if accurate else "NOT ABOVE"
    console.print(
        f"accuracy on {len(runs[0].scores)} digits that were not trained on: {verdict} "
        f"{100 * _GOOD_ACCURACY:.0f} %\n",
        style=style_of(accurate),
    )
    return accurate


def _save(console: Console, native: Run, reference: Run, data: Dataset, out: Path) -> None:
    """Write the model, and pictures if matplotlib is there."""
    model = out / _MODEL
    native.network.save(model)
    console.print(f"saved {model}")
    predicted = native.scores.argmax(axis=1)
    chosen = _some_with_all_mistakes(predicted, data.y_test)
    try:
        curves, pictures = out / "curves.png", out / "predictions.png"
        plots.training_curves(
            {"reference": reference.history, "native": native.history}, path=curves
        )
        plots.predictions(
            data.x_test[chosen], predicted[chosen], data.y_test[chosen], path=pictures
        )
    except ImportError as error:
        console.print(f"no pictures: {error}")
    else:
        console.print(f"saved {curves}\nsaved {pictures}")


def _some_with_all_mistakes(predicted: Array, true: Array, count: int = 40) -> Array:
    """Choose `count` digits, among them the first mistakes."""
    wrong = np.flatnonzero(predicted != true)[: count // 2]
    right = np.flatnonzero(predicted == true)[: count - len(wrong)]
    return np.sort(np.concatenate([wrong, right]))


def _print_next_steps(console: Console, out: Path) -> None:
    console.print(
        "\nWhat next?\n"
        f"  {_load_command(out / _MODEL)}\n"
        "  diglot pair lstm_forward   # the equation, NumPy and C++, side by side\n"
        "  diglot exercise list       # write a piece of it yourself, and be graded\n"
        "  diglot mistakes            # wrong code, and the checks that catch it\n"
        "  diglot verify              # compare every kernel with its definition, on this machine\n"
        "  diglot reproduce 1         # the book's experiments, chapter by chapter",
        soft_wrap=True,
    )


def _load_command(model: Path) -> str:
    program = f"import diglot; print(diglot.NeuralNetwork.load({json.dumps(str(model))}))"
    return shlex.join(["python", "-c", program])

"""Chapter 6: the next character of a text, and what carries over from one to the next.

The book's loss is a sum over rows and steps, ours a mean over them: so its learning rates (of plain
SGD) and its bound of 2 on every element of a gradient are brought to the mean. Its text is read in
rows side by side, piece after piece, and each row keeps its own state; the book carries the mean of
all rows' states, and windows that overlap (erratum E15).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from diglot.datasets import Text, one_hot, streams
from diglot.layers import GRU, LSTM, RNN, Dense, Layer
from diglot.losses import SoftmaxCrossEntropy
from diglot.metrics import binary_form_cross_entropy
from diglot.network import NeuralNetwork
from diglot.optimizers import SGD, AdaGrad, Optimizer
from diglot.reproduce.rows import Outcome, Row, Settings
from diglot.reproduce.texts import load_text
from diglot.reproduce.training import fit
from diglot.trainer import Trainer

_HIDDEN, _CLIP = 256, 2.0


@final
@dataclass(frozen=True)
class Experiment:
    """One row of the chapter's table.

    Attributes:
        id: the row.
        network: the layers before the scores, for the reader.
        published: the loss in the book's binary form, per character, in nats.
        layers: makes them.
        optimizer: made from a learning rate and the bound of a gradient's elements.
        lr: the book's learning rate.
        rows: read side by side.
        steps: in a piece.
        updates: how many, in all.
        epochs: how often the text is read for that; the text's length follows.
    """

    id: str
    network: str
    published: float
    layers: Callable[[], list[Layer]]
    optimizer: type[SGD] | type[AdaGrad]
    lr: float
    rows: int
    steps: int
    updates: int
    epochs: int

    def make_optimizer(self) -> Optimizer:
        """Make the optimizer for a loss that is a mean, where the book's is a sum."""
        terms = self.rows * self.steps
        lr = self.lr * terms if self.optimizer is SGD else self.lr  # AdaGrad divides by the size
        return self.optimizer(lr, clip_value=_CLIP / terms)

    def text(self, quick: bool) -> tuple[Text, int]:
        """Give the beginning of the text that is read, and how often."""
        pieces = 4 if quick else self.updates // self.epochs
        text = load_text(pieces * self.rows * self.steps + self.rows)
        return text, 1 if quick else self.epochs


def train(experiment: Experiment, settings: Settings, seed: int = 1) -> dict[str, Any]:
    """Train on the beginning of the text, and judge on the same, as the book does.

    Returns:
        The loss per character in the book's binary form, and in nats of plain cross-entropy.
    """
    text, epochs = experiment.text(settings.quick)
    classes = len(text.vocabulary)
    tokens, y = streams(text.tokens, experiment.rows)
    x = one_hot(tokens, classes)
    network = NeuralNetwork(
        [*experiment.layers(), Dense(classes)], SoftmaxCrossEntropy(), seed=seed
    )
    trainer = Trainer(
        network,
        experiment.make_optimizer(),
        metrics={"binary-form loss": binary_form_cross_entropy},
    )
    fit(
        trainer,
        x,
        y,
        epochs=epochs,
        batch_size=experiment.rows,
        bptt=experiment.steps,
        shuffle=False,
        progress=settings.progress,
    )
    return trainer.evaluate(x, y, piece=experiment.steps)


def _row(experiment: Experiment) -> Row:
    def run(settings: Settings) -> Outcome:
        figures = train(experiment, settings)
        ours, bound = figures["binary-form loss"], experiment.published
        return Outcome(
            f"{ours:.3f} ({figures['loss']:.3f} nats)",
            f"<= {bound:.2f}",
            None if settings.quick else ours <= bound,
            {**figures, "bound": bound},
        )

    what = (
        f"{experiment.network}, {experiment.optimizer.__name__} {experiment.lr:g}, "
        f"{experiment.rows} rows, {experiment.steps} steps, {experiment.updates} updates"
    )
    return Row(experiment.id, what, f"{experiment.published:.2f}", run)


ROWS = tuple(
    map(
        _row,
        (
            Experiment(
                "6.1", "RNN(256)", 3.55,
                lambda: [RNN(_HIDDEN)], SGD, 0.001, 32, 10, 1000, 4,
            ),
            Experiment(
                "6.2", "LSTM(256)", 3.75,
                lambda: [LSTM(_HIDDEN)], AdaGrad, 0.01, 3, 25, 1000, 1,
            ),
            Experiment(
                "6.3", "RNN(256)->128, LSTM(256)", 3.42,
                lambda: [RNN(_HIDDEN), Dense(128), LSTM(_HIDDEN)], AdaGrad, 0.01, 32, 25, 2000, 16,
            ),
            Experiment(
                "6.4", "LSTM(256)->128, LSTM(256)", 3.07,
                lambda: [LSTM(_HIDDEN), Dense(128), LSTM(_HIDDEN)], SGD, 0.01, 32, 25, 2000, 16,
            ),
            Experiment(
                "6.5", "GRU(256)->128, LSTM(256)", 3.69,
                lambda: [GRU(_HIDDEN), Dense(128), LSTM(_HIDDEN)], AdaGrad, 0.01, 32, 25, 2000, 16,
            ),
        ),
    )
)  # fmt: skip
"""The rows of the chapter."""

"""Chapter 5: one convolutional layer, one dense layer, one epoch of MNIST."""

from diglot.layers import Conv2D, Dense, Layer
from diglot.losses import SoftmaxCrossEntropy
from diglot.metrics import accuracy, binary_form_cross_entropy
from diglot.network import NeuralNetwork
from diglot.operations import ReLU, Tanh
from diglot.optimizers import AdamW, Optimizer, SGDMomentum
from diglot.reproduce.images import judge_accuracy, load_images
from diglot.reproduce.rows import Outcome, Row, Settings
from diglot.reproduce.training import fit
from diglot.schedules import Cosine
from diglot.trainer import Trainer


def book_layers(channels: int) -> list[Layer]:
    """Make the book's layers: 5 x 5 filters, tanh, dropout that keeps .8; ten outputs."""
    filters = Conv2D(channels, 5, Tanh, padding="same", dropout=0.2, flatten=True)
    return [filters, Dense(10)]


def our_layers() -> list[Layer]:
    """Make row 5.6's layers: 9 x 9 filters and ReLU, which learn faster; ten outputs."""
    return [Conv2D(32, 9, ReLU, padding="same", flatten=True, weight_init="he"), Dense(10)]


def train(
    layers: list[Layer], optimizer: Optimizer, batch_size: int, settings: Settings, seed: int = 1
) -> dict[str, float]:
    """Train for one epoch on the whole training part.

    Returns:
        Accuracy and binary-form loss on the test part.
    """
    data = load_images(settings.quick)
    network = NeuralNetwork(layers, SoftmaxCrossEntropy(), seed=seed)
    fit(
        Trainer(network, optimizer),
        data.x_train,
        data.y_train,
        epochs=1,
        batch_size=batch_size,
        seed=seed,
        progress=settings.progress,
    )
    scores = network.predict(data.x_test)
    return {
        "accuracy": accuracy(scores, data.y_test),
        "binary-form loss": binary_form_cross_entropy(scores, data.y_test),
    }


def _book(channels: int, lr: float, bound: float, settings: Settings) -> Outcome:
    figures = train(book_layers(channels), SGDMomentum(lr, 0.9), 60, settings)
    return judge_accuracy(figures["accuracy"], bound, figures, judged=not settings.quick)


def _ours(settings: Settings) -> Outcome:
    optimizer = AdamW(Cosine(0.002, per="batch"), weight_decay=0.5)
    figures = train(our_layers(), optimizer, 32, settings)
    return judge_accuracy(figures["accuracy"], 0.98, figures, judged=not settings.quick)


ROWS = (
    Row(
        "5.1",
        "16 filters 5 x 5 tanh, keeping .8, 10 outputs, momentum .1, 1 epoch",
        "90.31 %",
        lambda settings: _book(16, 0.1, 0.9031, settings),
    ),
    Row(
        "5.3",
        "32 filters, momentum .01, else the same",
        "90.50 %",
        lambda settings: _book(32, 0.01, 0.955, settings),
    ),
    Row(
        "5.6",
        "32 filters 9 x 9 relu, 10 outputs, AdamW along a cosine, 1 epoch",
        "-",
        _ours,
    ),
)
"""The experiments of chapter 5; the figures are accuracies on the test part."""

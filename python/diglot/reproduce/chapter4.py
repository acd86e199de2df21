"""Chapter 4: fully connected networks on MNIST, and what makes them better, one thing at a time.

The book looks at the test set every ten epochs and stops when its loss rises, so that the test set
takes part in the training. Here every network is trained to the end, on all 60 000 images, and sees
the test set once. (The loss on images that were held back rises long before the accuracy stops
rising: to stop there costs up to a point.)
"""

import statistics
from dataclasses import dataclass
from typing import Any, final

from diglot.datasets import one_hot
from diglot.layers import Dense
from diglot.losses import Loss, MeanSquaredError, SoftmaxCrossEntropy
from diglot.metrics import accuracy, binary_form_cross_entropy
from diglot.network import NeuralNetwork
from diglot.operations import Activation, ReLU, Sigmoid, Tanh
from diglot.operations import Linear as Identity
from diglot.optimizers import SGD, Optimizer, SGDMomentum
from diglot.reproduce.images import judge_accuracy, load_images
from diglot.reproduce.rows import Outcome, Row, Settings
from diglot.reproduce.training import fit
from diglot.schedules import Exponential, Linear, Schedule
from diglot.trainer import Trainer

_BATCH_SIZE, _MOMENTUM = 60, 0.9
_FALLING, _SHRINKING = Linear(0.15, 0.05), Exponential(0.2, 0.05)


@final
@dataclass(frozen=True)
class Experiment:
    """One row of the chapter's table.

    Attributes:
        id: the row.
        what: the experiment, for the reader.
        published: accuracy, in percent.
        lr: the learning rate; with momentum 0.9 unless `momentum` is false.
        hidden: neurons of each hidden layer, all of which have the activation `activation`.
        output: activation of the ten outputs.
        loss: what is trained on.
        init: distribution of the first weights. The book draws the biases from it, too, if it is
            the standard normal one.
        keep: the share of each hidden layer that dropout keeps.
        noise: how far ours may lie below the published accuracy, in percentage points.
        seeds: how many runs there are; their median counts. A network whose weights begin so large
            that its neurons are saturated depends on where they begin.
    """

    id: str
    what: str
    published: float
    activation: type[Activation]
    lr: float | Schedule
    momentum: bool = True
    hidden: tuple[int, ...] = (89,)
    output: type[Activation] = Identity
    loss: type[Loss] = SoftmaxCrossEntropy
    init: str = "standard"
    keep: float = 1.0
    epochs: int = 50
    noise: float = 0.5
    seeds: int = 1

    def network(self, seed: int) -> NeuralNetwork:
        """Build the network."""
        sizes = [(neurons, self.activation, 1 - self.keep) for neurons in self.hidden]
        layers = [
            Dense(
                neurons,
                activation,
                dropout=dropout,
                weight_init=self.init,
                bias_init="standard" if self.init == "standard" else "zeros",
            )
            for neurons, activation, dropout in [*sizes, (10, self.output, 0.0)]
        ]
        return NeuralNetwork(layers, self.loss(), seed=seed)

    def optimizer(self) -> Optimizer:
        """Make the optimizer."""
        return SGDMomentum(self.lr, _MOMENTUM) if self.momentum else SGD(self.lr)

    def row(self) -> Row:
        """Make the row of the table."""
        return Row(self.id, self.what, f"{self.published:.2f} %", self.run)

    def run(self, settings: Settings) -> Outcome:
        """Run it with each seed; the median of the accuracies on the test part counts."""
        seeds = range(1, 2 if settings.quick else self.seeds + 1)
        runs = [self._train(seed, settings) for seed in seeds]
        median = statistics.median(run["accuracy"] for run in runs)
        bound = (self.published - self.noise) / 100
        return judge_accuracy(median, bound, {"runs": runs}, judged=not settings.quick)

    def _train(self, seed: int, settings: Settings) -> dict[str, Any]:
        data = load_images(settings.quick)
        x_train, x_test = (x.reshape(len(x), -1) for x in (data.x_train, data.x_test))
        one_hot_rows = self.loss is MeanSquaredError
        network = self.network(seed)
        fit(
            Trainer(network, self.optimizer()),
            x_train,
            one_hot(data.y_train, 10) if one_hot_rows else data.y_train,
            epochs=2 if settings.quick else self.epochs,
            batch_size=_BATCH_SIZE,
            seed=seed,
            progress=settings.progress,
        )
        scores = network.predict(x_test)
        return {
            "seed": seed,
            "accuracy": accuracy(scores, data.y_test),
            "binary-form loss": binary_form_cross_entropy(scores, data.y_test),
        }


_DROPOUT_NOISE = 1.0  # the book scales at inference, diglot in training

EXPERIMENTS = (
    Experiment(
        "4.1", "tanh, sigmoid outputs, squared error, SGD .1", 72.58, Tanh, 0.1, momentum=False,
        output=Sigmoid, loss=MeanSquaredError, noise=5.0, seeds=3,
    ),
    Experiment("4.3", "sigmoid, SGD .1", 92.14, Sigmoid, 0.1, momentum=False),
    Experiment("4.4", "relu, SGD .1", 76.38, ReLU, 0.1, momentum=False, noise=5.0, seeds=3),
    Experiment("4.5", "tanh, SGD .1", 91.01, Tanh, 0.1, momentum=False, seeds=3),
    Experiment("4.6", "sigmoid, momentum .1", 92.12, Sigmoid, 0.1),
    Experiment("4.7", "tanh, momentum .1", 95.51, Tanh, 0.1),
    Experiment("4.8", "tanh, momentum .15 to .05 in a line", 95.91, Tanh, _FALLING),
    Experiment("4.9", "tanh, momentum .2 to .05 exponentially", 96.06, Tanh, _SHRINKING, seeds=3),
    Experiment("4.10", "4.8 from Glorot's weights", 96.71, Tanh, _FALLING, init="glorot"),
    Experiment("4.11", "4.9 from Glorot's weights", 96.71, Tanh, _SHRINKING, init="glorot"),
    Experiment(
        "4.12", "4.11 with dropout, keeping .8", 96.95, Tanh, _SHRINKING, init="glorot",
        keep=0.8, noise=_DROPOUT_NOISE,
    ),
    Experiment(
        "4.13", "784-178-46-10 tanh, else 4.12, 100 epochs", 97.15, Tanh, _SHRINKING,
        hidden=(178, 46), init="glorot", keep=0.8, epochs=100, noise=_DROPOUT_NOISE,
    ),
    Experiment(
        "4.14", "4.13 without dropout", 94.53, Tanh, _SHRINKING,
        hidden=(178, 46), init="glorot", epochs=100,
    ),
    Experiment(
        "4.15", "sigmoid, else 4.11, 25 epochs", 97.46, Sigmoid, _SHRINKING,
        init="glorot", epochs=25,
    ),
)  # fmt: skip

ROWS = tuple(experiment.row() for experiment in EXPERIMENTS)
"""The experiments of chapter 4; the figures are accuracies on the test part."""

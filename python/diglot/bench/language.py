"""Rows of language models in training, on random tokens: no text needs to be downloaded."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import final

from diglot import kernels
from diglot._typing import Shape
from diglot.bench.work import JAX, NUMPY, TORCH, Arguments, Goal, Run, Source, Work
from diglot.layers import LSTM, Dense, Embedding, Layer
from diglot.losses import SoftmaxCrossEntropy
from diglot.network import NeuralNetwork
from diglot.optimizers import SGD, Adam, Optimizer
from diglot.trainer import Trainer


@final
@dataclass(frozen=True)
class Model:
    """A language model and how it is trained, in words that every framework can build it from.

    Attributes:
        vocabulary: how many tokens there are.
        embedding: numbers that stand for one; 0 for one-hot rows.
        hidden: the size of each LSTM.
        dropout: share dropped after each of them.
        adam: train with Adam, the gradients' norm clipped to 1, instead of SGD.
        lr: the learning rate.
    """

    vocabulary: int
    embedding: int
    hidden: tuple[int, ...]
    dropout: float = 0.0
    adam: bool = False
    lr: float = 0.1

    def parameter_shapes(self) -> Iterator[Shape]:
        """List the shapes of all parameters, in diglot's order."""
        features = self.embedding or self.vocabulary
        if self.embedding:
            yield self.vocabulary, self.embedding
        for size in self.hidden:
            yield from ((features, 4 * size), (size, 4 * size), (4 * size,))
            features = size
        yield from ((features, self.vocabulary), (self.vocabulary,))


def language_model(
    name: str, model: Model, goals: tuple[Goal, ...], *, rows: int, steps: int, pieces: int
) -> Work:
    """Describe so many updates of a model, from `pieces` pieces of `steps` steps.

    Results are compared after two updates by SGD without dropout: Adam would divide the rounding of
    a gradient near zero by its size.
    """

    def draw(source: Source, model: Model, pieces: int) -> Arguments:
        shape = (rows, steps * pieces)
        tokens = source.labels(rows * steps * pieces, model.vocabulary).reshape(shape)
        x = tokens if model.embedding else source.one_hot(tokens, model.vocabulary)
        return {
            "model": model,
            "parameters": [0.1 * source.normal(*s) for s in model.parameter_shapes()],
            "x": x,
            "y": source.labels(tokens.size, model.vocabulary).reshape(shape),
            "steps": steps,
        }

    certain = replace(model, dropout=0.0, adam=False, lr=0.1)
    return Work(
        name=f"training {name}",
        group="training",
        kind="language",
        draw=partial(draw, model=model, pieces=pieces),
        check=partial(draw, model=certain, pieces=2),
        goals=goals,
        label=name,
        tolerance=1e-2,
        scale=1 / pieces,
        skip=frozenset({NUMPY, JAX}),
        note=f"random tokens; the time of one update, of {pieces} that are timed",
    )


def prepare(module: ModuleType, arguments: Arguments) -> Run:
    """Make a training ready in diglot, on the kernels of one backend."""
    model: Model = arguments["model"]
    layers: list[Layer] = [LSTM(size, dropout=model.dropout) for size in model.hidden]
    if model.embedding:
        layers.insert(0, Embedding(model.vocabulary, model.embedding))
    layers.append(Dense(model.vocabulary))
    network = NeuralNetwork(layers, SoftmaxCrossEntropy(), seed=1)
    x, y, steps = arguments["x"], arguments["y"], arguments["steps"]
    network.setup(x.shape[1:])
    network.load_parameters(dict(zip(network.parameters(), arguments["parameters"], strict=True)))
    optimizer: Optimizer = Adam(model.lr, clip_norm=1.0) if model.adam else SGD(model.lr)
    trainer = Trainer(network, optimizer, metrics={})
    backend = module.__name__.rpartition(".")[2].removeprefix("_native_")

    def call() -> None:
        with kernels.use_backend(backend):
            trainer.fit(
                x, y, epochs=1, batch_size=len(x), bptt=steps, shuffle=False, progress=False
            )

    return Run(call, lambda _: list(network.parameters().values()))


WORKS = (
    language_model(
        "character LSTM, one update",
        Model(62, 0, (256,)),
        (Goal(1.8, TORCH),),
        rows=32,
        steps=25,
        pieces=10,
    ),
    language_model(
        "2-layer language model, one update",
        Model(65, 64, (256, 256), dropout=0.2, adam=True, lr=0.001),
        (Goal(1.0, TORCH),),
        rows=64,
        steps=50,
        pieces=3,
    ),
)

"""Compare a peer's way of doing each kind of work with the reference's: a program of its own.

PyTorch and JAX start threads that would spoil the tests which fork.
"""

import sys

import numpy as np

from diglot.bench import peers
from diglot.bench.convolutions import Convolution
from diglot.bench.elements import WORKS, activation, cross_entropy, dropout, pooling
from diglot.bench.measure import compare
from diglot.bench.products import product, whole_layer
from diglot.bench.recurrent import embedding, network
from diglot.bench.trainings import Stage, training
from diglot.bench.work import Source
from diglot.kernels import reference

STAGES = (
    Stage("conv", 3, 3, "relu"),
    Stage("pool"),
    Stage("conv", 4, 3, "tanh"),
    Stage("flatten"),
    Stage("dense", 7, activation="tanh", dropout=0.5),
    Stage("dense", 10),
)
TINY = [
    *(product(5, 6, 7, transposed) for transposed in ("", "a", "b")),
    whole_layer(5, 6, 7),
    *Convolution(2, 4, 9, 6, 3, 1, 2, groups=2).works(),
    *Convolution(2, 3, 9, 4, 3, 2, dilation=2).works(),
    *Convolution(2, 3, 6, 4, 1).works(),
    *(pooling(kind, (2, 3, 8, 8), 3, 2, 1) for kind in ("max_pool2d", "avg_pool2d")),
    *(pooling(kind, (2, 3, 8, 8), 2, 2, 0) for kind in ("max_pool2d", "avg_pool2d")),
    *(w for name in ("sigmoid", "tanh", "relu", "leaky_relu") for w in activation(name, (5, 7))),
    *activation("gelu", (5, 7), saved="x"),
    *activation("softmax", (5, 7), fill="distribution"),
    cross_entropy(5, 7),
    dropout((5, 7)),
    *(network(kind, 3, 4, 5, 6, torch=1.0) for kind in ("rnn", "gru", "lstm")),
    embedding(3, 4, 7, 5),
    *(work for work in WORKS if work.group == "optim"),
    training("tiny", STAGES, (), batch_size=6, steps=1, of=1, lr=0.1, image=(1, 8, 8)),
]


def main(name: str) -> None:
    peer, definition = peers.load(name, 1), peers.backend("reference", reference)
    for work in TINY:
        if not peer.knows(work.kind):
            continue
        arguments = (work.check or work.draw)(Source(np.random.default_rng(0)))
        expected = definition.prepare(work.kind, dict(arguments))
        truth = [output.copy() for output in expected.outputs(expected.call())]
        run = peer.prepare(work.kind, dict(arguments))
        actual = run.outputs(run.call())
        if name not in work.unchecked:
            compare(actual, truth, 1e-4)
            assert len(actual) in (len(truth), 1), (work.name, len(actual), len(truth))
        print(work.kind)


if __name__ == "__main__":
    main(sys.argv[1])

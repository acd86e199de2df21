"""`diglot train-text`: a language model learns a text, character by character."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from rich.console import Console

from diglot.callbacks import Fit
from diglot.cli.console import (
    UsageError,
    make_console,
    natural_number,
    positive_number,
    positive_real,
    positive_share,
    share,
)
from diglot.datasets import Text, streams, text
from diglot.history import History
from diglot.layers import GRU, LSTM, RNN, Dense, Embedding, Layer, Recurrent
from diglot.losses import SoftmaxCrossEntropy
from diglot.metrics import bits_per_character, perplexity
from diglot.network import NeuralNetwork
from diglot.optimizers import Adam
from diglot.schedules import Cosine
from diglot.text import generate
from diglot.trainer import Trainer

CELLS: dict[str, type[Recurrent]] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
"""The layers that `--layers` may name."""

_DESCRIPTION = """Train a recurrent network to predict the next character of a text. The text is cut
into rows that are read side by side; each row's state is carried from piece to piece, and the
gradient goes back through one piece (truncated back-propagation through time). After each epoch
come the loss on the end of the text, which is not trained on, and a sample; the model is saved.
Ctrl-C keeps what was learned. `diglot write MODEL` goes on writing."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    help_text = "train a character-level language model on a text"
    parser = commands.add_parser("train-text", help=help_text, description=_DESCRIPTION)
    add = parser.add_argument
    corpora = "alice, tiny_shakespeare, or a UTF-8 file (alice)"
    add("--corpus", default="alice", metavar="TEXT", help=corpora)
    layers = "rnn, gru or lstm, and the hidden size, of each layer (lstm:256,lstm:256)"
    add("--layers", type=recurrent_layers, default="lstm:256,lstm:256", metavar="L,L", help=layers)
    numbers = "numbers that stand for a character (64)"
    add("--embedding", type=positive_number, default=64, metavar="N", help=numbers)
    add("--dropout", type=share, default=0.2, metavar="X", help="after each of them (0.2)")
    add("--epochs", type=positive_number, default=10, metavar="N", help="(10)")
    add("--batch-size", type=positive_number, default=64, metavar="N", help="rows (64)")
    add("--bptt", type=positive_number, default=50, metavar="T", help="steps in a piece (50)")
    add("--lr", type=positive_real, default=0.004, metavar="X", help="of Adam, at first (0.004)")
    add(
        "--validation",
        type=positive_share,
        default=0.1,
        metavar="X",
        help="share of the text (0.1)",
    )
    written = "characters to write after an epoch (200)"
    add("--sample", type=natural_number, default=200, metavar="N", help=written)
    add("--seed", type=natural_number, default=1, metavar="N", help="(1)")
    out = "where the model goes; what is there is replaced (model.safetensors)"
    add("--out", type=Path, default=Path("model.safetensors"), metavar="FILE", help=out)
    parser.set_defaults(run=run)


def recurrent_layers(text: str) -> list[tuple[type[Recurrent], int]]:
    """Parse "lstm:256,gru:128"."""
    found = []
    for part in text.split(","):
        name, _, size = part.strip().lower().partition(":")
        if name not in CELLS or not size.isdecimal() or int(size) < 1:
            raise argparse.ArgumentTypeError(
                f"{part!r} is no layer such as lstm:256; the cells are {', '.join(CELLS)}"
            )
        found.append((CELLS[name], int(size)))
    return found


def language_model(
    vocabulary_size: int,
    cells: list[tuple[type[Recurrent], int]],
    embedding: int,
    dropout: float,
    seed: int,
) -> NeuralNetwork:
    """Build the network: an embedding, recurrent layers, and a score for each character."""
    layers: list[Layer] = [Embedding(vocabulary_size, embedding)]
    layers += [cell(size, dropout=dropout) for cell, size in cells]
    return NeuralNetwork([*layers, Dense(vocabulary_size)], SoftmaxCrossEntropy(), seed=seed)


def run(arguments: argparse.Namespace) -> bool:
    """Train, report and save after every epoch."""
    _require_writable(arguments.out.resolve())
    console = make_console()
    corpus = text(arguments.corpus)
    training, validation = corpus.split(1 - arguments.validation)
    x, y = streams(training.tokens, arguments.batch_size)
    x_val, y_val = streams(validation.tokens, min(arguments.batch_size, _rows(validation)))
    network = language_model(
        len(corpus.vocabulary),
        arguments.layers,
        arguments.embedding,
        arguments.dropout,
        arguments.seed,
    )
    network.notes["vocabulary"] = corpus.vocabulary.characters
    network.setup((arguments.bptt,))
    console.print(f"{corpus!r}; the last {len(validation)} characters judge\n")
    console.print(f"{network.summary()}\n")

    trainer = Trainer(network, Adam(Cosine(arguments.lr, per="batch"), clip_norm=1.0), metrics={})
    history = trainer.fit(
        x,
        y,
        validation=(x_val, y_val),
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        bptt=arguments.bptt,
        seed=arguments.seed,
        callbacks=_Report(console, corpus, arguments),
    )
    network.save(arguments.out)
    if history.interrupted:
        console.print(f"interrupted; what was learned is in {arguments.out}")
    console.print(f'\ngo on with: diglot write {arguments.out} --prompt "..."')
    return True


@final
@dataclass
class _Report:
    """Save the model after each epoch, say how good it is, and let it write."""

    console: Console
    corpus: Text
    arguments: argparse.Namespace

    def on_epoch_end(self, fit: Fit) -> None:
        network = fit.trainer.network
        network.save(self.arguments.out)
        _print_epoch(self.console, fit.trainer.history)
        _print_sample(self.console, network, self.corpus, self.arguments)


def _require_writable(out: Path) -> None:
    """Find out before the training, not after, whether the model can be saved."""
    if not out.parent.is_dir():
        raise UsageError(f"--out: there is no folder {out.parent}")
    if out.is_dir():
        raise UsageError(f"--out: {out} is a folder, expected the name of a file")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise UsageError(f"--out: nothing can be written into the folder {out.parent}")


def _rows(validation: Text) -> int:
    """Choose how many rows the validation text is read in: at least 100 steps each, if it can."""
    return max(1, len(validation) // 100)


def _print_epoch(console: Console, history: History) -> None:
    nats = history.validation_loss[-1] or 0.0
    console.print(
        f"epoch {len(history)}: {history.loss[-1]:.3f} nats a character in training, "
        f"{nats:.3f} in validation (perplexity {perplexity(nats):.2f}, "
        f"{bits_per_character(nats):.2f} bits), {history.seconds[-1]:.1f} s"
    )


def _print_sample(
    console: Console, network: NeuralNetwork, corpus: Text, arguments: argparse.Namespace
) -> None:
    if arguments.sample:
        characters = generate(
            network,
            corpus.vocabulary,
            "",
            arguments.sample,
            temperature=0.8,
            seed=arguments.seed,
        )
        # Verbatim: no line is broken anew, and ":cat:" is no picture of a cat.
        console.print("".join(characters), style="italic", soft_wrap=True, emoji=False)
        console.print()

"""`diglot write`: a trained language model writes on."""

import argparse
import unicodedata
from itertools import chain
from pathlib import Path
from typing import Any

from diglot.cli.console import (
    UsageError,
    natural_number,
    nonnegative_real,
    positive_number,
    positive_real,
)
from diglot.datasets import Vocabulary
from diglot.network import NeuralNetwork
from diglot.text import generate

_DESCRIPTION = """Continue a text, character by character, as a model of `diglot train-text` has
learned it."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    help_text = "let a trained language model write"
    parser = commands.add_parser("write", help=help_text, description=_DESCRIPTION)
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a file of diglot train-text")
    add("--prompt", default="", metavar="TEXT", help="what it goes on from")
    add("--length", type=positive_number, default=500, metavar="N", help="characters (500)")
    add("--temperature", type=nonnegative_real, default=0.8, metavar="X",
        help="0 takes the likeliest character, 1 draws as the model says (0.8)")  # fmt: skip
    add("--top-k", type=positive_number, metavar="N", help="only the N likeliest characters")
    add("--top-p", type=positive_real, metavar="X",
        help="only the likeliest characters that have X of the probability together")  # fmt: skip
    add("--seed", type=natural_number, metavar="N", help="the same text every time")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> bool:
    """Load the model and print what it writes as it comes."""
    network = NeuralNetwork.load(arguments.model)
    characters = network.notes.get("vocabulary")
    if not isinstance(characters, str):
        raise UsageError(
            f"{arguments.model} has no vocabulary: it is no language model of diglot train-text"
        )
    try:
        written = generate(
            network,
            Vocabulary(characters),
            arguments.prompt,
            arguments.length,
            temperature=arguments.temperature,
            top_k=arguments.top_k,
            top_p=arguments.top_p,
            seed=arguments.seed,
        )
        first = next(written)  # which finds out whether the network fits the vocabulary
    except ValueError as error:
        raise UsageError(f"{arguments.model} cannot write: {error}") from error
    print(arguments.prompt, end="", flush=True)
    for character in chain([first], written):
        print(_shown(character), end="", flush=True)
    print()
    return True


def _shown(character: str) -> str:
    """Spell out what a terminal obeys; a model from elsewhere may know how to command one."""
    if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs"):
        return character
    return character.encode("unicode_escape").decode()

"""What the gates of an LSTM or GRU do while it reads a text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from diglot._typing import Array
from diglot.config import brief, integer
from diglot.datasets.vocabulary import Vocabulary
from diglot.errors import DataError
from diglot.layers import GRU, LSTM
from diglot.network import NeuralNetwork
from diglot.operations import Bidirectional, RecurrentOp
from diglot.plots.choice import fitting, one_of
from diglot.plots.figure import finished, make_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_CHARACTERS = 200
_SIGNS = {" ": "␣", "\n": "↵", "\t": "⇥"}
_TITLES = {
    "i": "input gate i: what is written",
    "f": "forget gate f: what is kept",
    "g": "candidate g: what would be written",
    "o": "output gate o: what is shown",
    "c": "tanh of the cell c: what is remembered",
    "r": "reset gate r: what the candidate sees of the state",
    "z": "update gate z: what is kept",
    "n": "candidate n: what would be written",
    "h": "state h",
}


def gates(
    network: NeuralNetwork,
    text: str,
    vocabulary: Vocabulary,
    *,
    layer: int | None = None,
    units: int | Sequence[int] = 8,
    reverse: bool = False,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draw the gates of some units along the characters of a text, a row a unit.

    An LSTM has panels for i, f, g, o and for its cell, a GRU for r, z, n and its state. Gates go
    from 0, shut, to 1, open; candidates and states from -1, blue, to 1, red. The text begins with a
    fresh state.

    Healthy: gates that move with the text. A unit whose forget gate is near 1 all along keeps
    something for long; a cell that changes its colour at a space, a quotation mark or a line's end
    has found out what these mean. Columns that are all alike: the network has learned little.

    Args:
        network: takes the tokens of the vocabulary, or rows of zeros and a one for each.
        text: up to 200 characters.
        vocabulary: the one that the network was trained with.
        layer: its place in the network; by default the first LSTM or GRU.
        units: which ones, or how many: those whose state varies most along the text.
        reverse: the reverse direction's of a bidirectional layer.
        path: where to write the picture.

    Returns:
        The figure: a panel for each gate.

    Raises:
        DataError: there is no such layer or unit, or the vocabulary lacks a character.
        ImportError: matplotlib is missing.
    """
    what = "LSTM or GRU"
    found = fitting(network, lambda one: isinstance(one, LSTM | GRU), what)
    position = one_of(network, layer, found, what)
    if not isinstance(vocabulary, Vocabulary):
        raise DataError(f"vocabulary is {brief(vocabulary)}, expected a Vocabulary")
    tokens = vocabulary.encode(text)
    if not 1 <= len(tokens) <= _MOST_CHARACTERS:
        raise DataError(
            f"text has {len(tokens)} characters, expected 1 to {_MOST_CHARACTERS}: longer ones "
            "cannot be read in a picture"
        )
    one_hot = not network.layers[0].takes_integers
    seen = network.observe((np.eye(len(vocabulary))[tokens] if one_hot else tokens)[None])
    traces = _trace(seen.of_layer(position)[0].operation, reverse)
    if "c" in traces:
        traces["c"] = np.tanh(traces["c"])
        del traces["h"]  # o * tanh(c): both are drawn
    state = traces["c" if "c" in traces else "h"]
    chosen = _units(units, state)

    width = max(0.115 * len(text) + 1.8, 4.5)
    figure = make_figure(1, len(traces), width=width, height=0.14 * len(chosen) + 0.55)
    for panel, (name, values) in zip(figure.axes, traces.items(), strict=True):
        signed = name in "gnch"
        image = panel.imshow(
            values[:, chosen].T,
            aspect="auto",
            interpolation="nearest",
            cmap="RdBu_r" if signed else "viridis",
            vmin=-1 if signed else 0,
            vmax=1,
        )
        panel.set_title(_TITLES[name], fontsize=9, loc="left")
        panel.set_yticks(range(len(chosen)), list(map(str, chosen)), fontsize=7)
        panel.set_xticks(
            range(len(text)), [_SIGNS.get(c, c) for c in text], fontsize=8, family="monospace"
        )
        panel.tick_params(length=0, pad=2)
        panel.set_ylabel("unit", fontsize=8)
        bar = panel.figure.colorbar(
            image, ax=panel, pad=0.01, ticks=[-1, 0, 1] if signed else [0, 1]
        )
        bar.ax.tick_params(labelsize=7, length=0)
    return finished(figure, path)


def _trace(operation: object, reverse: bool) -> dict[str, Array]:
    """Give the traces (T, H) of the only row, by gate, in the order of the text."""
    if isinstance(operation, Bidirectional):
        one = operation.directions[int(reverse)]
    elif isinstance(operation, RecurrentOp) and not reverse:
        one = operation
    else:
        raise DataError("reverse is True, but the layer is not bidirectional")
    return {name: part[0, :: -1 if reverse else 1] for name, part in one.trace().items()}


def _units(units: int | Sequence[int], state: Array) -> list[int]:
    hidden = state.shape[1]
    if isinstance(units, int) and not isinstance(units, bool):
        most = np.argsort(-state.std(axis=0), kind="stable")[: integer("units", units)]
        return sorted(map(int, most))
    if not isinstance(units, Sequence) or not units:
        raise DataError(f"units is {brief(units)}, expected how many, or a list of their numbers")
    chosen = [integer("a unit", unit, least=0) for unit in units]
    if max(chosen) >= hidden:
        raise DataError(f"unit {max(chosen)} does not exist: the layer has units 0 to {hidden - 1}")
    return chosen

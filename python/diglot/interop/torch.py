"""PyTorch's weights in diglot's networks, and diglot's in PyTorch's.

    diglot.interop.torch.load_state_dict(network, module.state_dict())
    state = diglot.interop.torch.to_state_dict(network)    # torch.from_numpy makes tensors of it

PyTorch itself is not imported: a state dict is a mapping of names to tensors, or to NumPy arrays.

    Dense       nn.Linear      weight (out, in), ours is (in, out)
    Conv2D      nn.Conv2d      the same
    Embedding   nn.Embedding   the same
    RNN, GRU,   nn.RNN, GRU,   weight_ih_l0 (G*H, D), weight_hh_l0 (G*H, H), ours are transposed;
    LSTM        LSTM           gates in the same order. Of two biases, RNN and LSTM have the sum.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from diglot._arrays import real_array
from diglot._typing import Array
from diglot.errors import ShapeError
from diglot.layers import GRU, Conv2D, Dense, Embedding, Layer, Recurrent
from diglot.network import NeuralNetwork
from diglot.operations import REVERSE

_LEVEL = re.compile(r"_l(\d+)(?:_reverse)?$")  # of one of the layers that an nn.LSTM stacks


class _Entry(NamedTuple):
    """One of our parameters: where it is in a state dict, and how it lies there."""

    ours: str
    theirs: tuple[str, ...]  # the sum of these
    transposed: bool


def load_state_dict(
    network: NeuralNetwork, state: Mapping[str, Any], names: Sequence[str] | None = None
) -> None:
    """Overwrite a network's parameters by those of a PyTorch module.

    Modules and layers are matched in order, each module with the next layer that has parameters; a
    stacked nn.LSTM stands for several layers.

    Args:
        network: set up; its layers are those of the module.
        state: what `module.state_dict()` has given.
        names: the module of each layer with parameters, where the order does not do:
            ["embedding", "lstm", "lstm", "head"] for an nn.LSTM of two levels.

    Raises:
        ValueError: a layer or a parameter is missing or left over, a ShapeError if one does not
            fit, or the layer does what PyTorch's cannot. Then nothing has been changed.
    """
    learning = _learning_layers(network)
    prefixes = _prefixes_in(state) if names is None else _leveled(names)
    if len(prefixes) != len(learning):
        raise ValueError(
            f"the state has {len(prefixes)} layers, {_listed(prefixes)}, but the network has "
            f"{len(learning)} with parameters"
        )
    own, found, used = network.parameters(), {}, set()
    for (position, layer), (prefix, level) in zip(learning, prefixes, strict=True):
        for entry in _entries(layer, level):
            name = f"{position}.{entry.ours}"
            parts = []
            for key in (prefix + theirs for theirs in entry.theirs):
                if key not in state:
                    raise ValueError(f"the state has no {key}, for {name} of {layer!r}")
                parts.append(_checked(key, state[key], own[name], name, entry.transposed))
                used.add(key)
            found[name] = sum(parts[1:], parts[0])
    if left := [key for key in state if key not in used]:
        raise ValueError(
            f"the state has {left[0]}, which no layer has a place for; the network has "
            f"{', '.join(own)}"
        )
    network.load_parameters(found)


def to_state_dict(network: NeuralNetwork, names: Sequence[str] | None = None) -> dict[str, Array]:
    """Copy a network's parameters into what a PyTorch module's `load_state_dict` takes.

    Args:
        network: set up.
        names: the module of each layer with parameters; by default the layer's position, as in an
            nn.Sequential that has the same layers. One name for several recurrent layers in a row
            means one module that stacks them.

    Returns:
        Arrays by PyTorch's names, for `torch.from_numpy`. Where PyTorch has two biases and diglot
        their sum, the second is zero.

    Raises:
        ValueError: PyTorch has no such layer, or there are more or fewer names than layers.
    """
    learning = _learning_layers(network)
    prefixes = _leveled([str(i) for i, _ in learning] if names is None else names)
    if len(prefixes) != len(learning):
        raise ValueError(f"names has {len(prefixes)} entries, expected {len(learning)}")
    own, state = network.parameters(), {}
    for (position, layer), (prefix, level) in zip(learning, prefixes, strict=True):
        for entry in _entries(layer, level):
            array = own[f"{position}.{entry.ours}"]
            first, *others = entry.theirs
            state[prefix + first] = (array.T if entry.transposed else array).copy()
            for other in others:
                state[prefix + other] = np.zeros_like(array)
    return state


def _learning_layers(network: NeuralNetwork) -> list[tuple[int, Layer]]:
    network.parameters()  # raises an error where there are none yet
    return [(i, layer) for i, layer in enumerate(network.layers) if layer.parameters()]


def _entries(layer: Layer, level: int) -> Iterator[_Entry]:
    """List a layer's parameters, as they stand in a state dict."""
    if isinstance(layer, Recurrent):
        if layer.initial_state != "zeros":
            raise ValueError(f"{layer!r}: PyTorch's recurrent modules have no learned state")
        if isinstance(layer, GRU) and not layer.reset_after:
            raise ValueError(f"{layer!r}: PyTorch's GRU resets after the product only")
        for ours in layer.parameters():
            end = f"_l{level}" + "_reverse" * ours.startswith(REVERSE)
            kind = ours.removeprefix(REVERSE)
            theirs = {
                "input_weight": ("weight_ih",),
                "recurrent_weight": ("weight_hh",),
                "bias": ("bias_ih",) if isinstance(layer, GRU) else ("bias_ih", "bias_hh"),
                "recurrent_bias": ("bias_hh",),
            }[kind]
            yield _Entry(ours, tuple(name + end for name in theirs), "weight" in kind)
    elif isinstance(layer, Dense | Conv2D | Embedding):
        for ours in layer.parameters():
            yield _Entry(ours, (ours,), isinstance(layer, Dense) and ours == "weight")
    else:
        raise ValueError(f"{layer!r} has parameters, and no counterpart in PyTorch is known")


def _checked(key: str, value: Any, own: Array, name: str, transposed: bool) -> Array:
    """Take a tensor as an array of our layout."""
    tensor = value.detach().cpu() if hasattr(value, "detach") else value
    array = real_array(key, tensor)
    expected = own.shape[::-1] if transposed else own.shape
    if array.shape != expected:
        raise ShapeError(f"{key} has shape {array.shape}, expected {expected} for {name}")
    # Sums of two biases are of numbers, not of bytes or booleans.
    array = array.astype(np.result_type(array, own), copy=False)
    return array.T if transposed else array


def _prefixes_in(state: Mapping[str, Any]) -> list[tuple[str, int]]:
    """List the layers of a state dict, in order: ("lstm.", level)."""
    found: dict[tuple[str, int], None] = {}
    for key in state:
        prefix, _, last = key.rpartition(".")
        level = _LEVEL.search(last)
        found[prefix + "." * bool(prefix), int(level[1]) if level else 0] = None
    return list(found)


def _leveled(names: Sequence[str]) -> list[tuple[str, int]]:
    """Number the layers that share a name."""
    if isinstance(names, str):
        raise ValueError(f"names is {names!r}, expected a list of names")
    return [(f"{name}." * bool(name), names[:i].count(name)) for i, name in enumerate(names)]


def _listed(prefixes: Sequence[tuple[str, int]]) -> str:
    return ", ".join(prefix.rstrip(".") or "the module itself" for prefix, _ in prefixes)

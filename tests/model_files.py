"""Model files, sound and crafted, and what diglot says of them."""

import json

import pytest

import diglot
from diglot.errors import ModelFileError
from diglot.network import NeuralNetwork


def small(**settings):
    layers = [diglot.Dense(2, "leaky_relu"), diglot.Dense(1)]
    network = NeuralNetwork(layers, "mean_squared_error", seed=1, **settings)
    network.setup((3,))
    return network


def sound(path):
    """Save a small network, and give the file's header, without the checksum, and its numbers."""
    small().save(path)
    return without_checksum(path.read_bytes())


def without_checksum(content):
    """Take a model file apart as a forger does, who leaves the checksums out."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    for name in ("crc32", "crc32.parameters", "crc32.training"):
        header["__metadata__"].pop(name, None)
    return header, content[8 + length :]


def craft(path, header, numbers=b"", length=None):
    if isinstance(header, dict):
        header = json.dumps(header)
    if isinstance(header, str):
        header = header.encode()
    length = len(header) if length is None else length
    path.write_bytes(length.to_bytes(8, "little") + header + numbers)


def refusal(path):
    with pytest.raises(ModelFileError) as caught:
        NeuralNetwork.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message) < 700
    return message.removeprefix(f"{path}: ")

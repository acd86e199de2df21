"""Where two descriptions differ, in words: of networks, optimizers, data."""

from collections.abc import Iterator
from typing import Any

from diglot.config import brief


def difference(name: str, there: Any, here: Any) -> str | None:
    """Name the first place where two trees in JSON's types differ.

    Args:
        name: of the trees.
        there: from a file; it may hold anything.
        here: what it should be.

    Returns:
        Such as "layers[0].dropout is 0.1 there, and 0.3 here"; None if they are equal.
    """
    if there == here:
        return None
    parts: Iterator[str | None] = iter(())
    if isinstance(there, dict) and isinstance(here, dict):
        # The type first: where it differs, so do the settings.
        keys = sorted(here | there, key=lambda key: key != "type")
        parts = (difference(f"{name}.{key:.40}", there.get(key), here.get(key)) for key in keys)
    elif isinstance(there, list) and isinstance(here, list):
        if len(there) != len(here):
            return f"{name}: {len(there)} there, and {len(here)} here"
        pairs = enumerate(zip(there, here, strict=True))
        parts = (difference(f"{name}[{i}]", one, other) for i, (one, other) in pairs)
    whole = f"{name} is {brief(there)} there, and {brief(here)} here"
    return next((part for part in parts if part), whole)

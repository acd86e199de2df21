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
        Half a sentence, such as "its layers[0].dropout is 0.1, here it is 0.3"; None if they are
        equal.
    """
    if there == here:
        return None
    parts: Iterator[str | None] = iter(())
    if isinstance(there, dict) and isinstance(here, dict):
        # The type first: where it differs, so do the settings.
        keys = sorted(here, key=lambda key: key != "type")
        parts = (difference(f"{name}.{key}", there.get(key), here[key]) for key in keys)
    elif _holds_objects(there) and _holds_objects(here):
        if len(there) != len(here):
            return f"it has {len(there)} {name}, here there are {len(here)}"
        pairs = enumerate(zip(there, here, strict=True))
        parts = (difference(f"{name}[{i}]", one, other) for i, (one, other) in pairs)
    whole = f"its {name} is {brief(there)}, here it is {brief(here)}"
    return next((part for part in parts if part), whole)


def _holds_objects(tree: Any) -> bool:
    return isinstance(tree, list) and any(isinstance(part, dict) for part in tree)

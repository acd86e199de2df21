"""Loaders that are wrong, each in one way: a fuzzer that does not find it has looked at nothing."""

import time
from pathlib import Path
from typing import Any, final

from loading import Loader

_HELD: list[bytes] = []


@final
class Trap(Loader):
    """Refuses everything; but what begins with "{{" does harm."""

    form, refusals = "text", (ValueError,)

    def __init__(self, harm: str) -> None:
        self.name = f"trap: {harm}"

    def make_seeds(self) -> list[bytes]:
        """Write a file that is one change away from harm."""
        return [b"{]"]

    def read(self, path: Path) -> Any:
        """Read a file."""
        if path.read_bytes().startswith(b"{{"):
            _harm(self.name, path)
        raise ValueError(f"{path}: refused, as everything is")

    def verify(self, result: Any, path: Path) -> None:
        """Never called: nothing is accepted."""


def _harm(name: str, path: Path) -> None:
    match name:
        case "trap: error":
            raise KeyError("no caller expects this")
        case "trap: hang":
            time.sleep(1e6)
        case "trap: memory":
            _HELD.append(b"x" * 80_000_000)
        case "trap: message":
            raise ValueError("this names no file")


TRAPS = {trap.name: trap for trap in map(Trap, ("error", "hang", "memory", "message"))}

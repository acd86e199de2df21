"""What the doctor found in one place, and what to do about it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

State: TypeAlias = Literal["ok", "note", "wrong"]
"""A note costs speed, or will surprise; what is wrong does not work."""

REINSTALL = "install diglot again (in the repository: pip install --force-reinstall --no-deps .)"


@final
@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        name: what was looked at.
        state: "ok", "note" or "wrong".
        found: what was found, in one sentence or less.
        action: what to do, one thing; empty if all is well.
        is_cause: what is wrong besides may come of this: it is to be mended first.
    """

    name: str
    state: State
    found: str
    action: str = ""
    is_cause: bool = False


def ok(name: str, found: str) -> Finding:
    """Report that all is well."""
    return Finding(name, "ok", found)


def note(name: str, found: str, action: str) -> Finding:
    """Report what costs speed, or will surprise."""
    return Finding(name, "note", found, action)


def wrong(name: str, found: str, action: str) -> Finding:
    """Report what does not work."""
    return Finding(name, "wrong", found, action)


def cause(name: str, found: str, action: str) -> Finding:
    """Report what is wrong outside the installation, and makes other things go wrong."""
    return Finding(name, "wrong", found, action, is_cause=True)


def some(names: list[str], most: int = 3) -> str:
    """List the first few names, and say how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")

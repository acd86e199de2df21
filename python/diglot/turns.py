"""One thread at a time: the calls of an object that several threads share take turns."""

import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, final
from weakref import WeakSet


@final
class Turns:
    """A lock that one thread may take several times, and that every copy has one of its own."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        _all.add(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Turns, ()


class TakesTurns(Protocol):
    """What `in_turn` needs of an object."""

    _turns: Turns


_all: WeakSet[Turns] = WeakSet()
_P = ParamSpec("_P")
_R = TypeVar("_R")
_Self = TypeVar("_Self", bound=TakesTurns)


def in_turn(
    method: Callable[Concatenate[_Self, _P], _R],
) -> Callable[Concatenate[_Self, _P], _R]:
    """Let a method wait until no other thread is in one of this object's methods."""

    @wraps(method)
    def waits(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with self._turns.lock:
            return method(self, *args, **kwargs)

    return waits


def _after_fork_in_child() -> None:
    # A lock that another thread held stays locked: that thread does not exist here.
    for turns in list(_all):
        turns.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

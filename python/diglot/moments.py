"""When callbacks are called, and which objects are callbacks at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from diglot.config import brief

Moment: TypeAlias = Literal["on_fit_begin", "on_batch_end", "on_epoch_end", "on_fit_end"]
"""When a callback can be called."""

MOMENTS: tuple[Moment, ...] = ("on_fit_begin", "on_batch_end", "on_epoch_end", "on_fit_end")


def checked_callbacks(given: object) -> Sequence[object]:
    """Take a list of callbacks, or one.

    Raises:
        ValueError: something in it has none of the methods, or one of a similar name.
    """
    many = given if isinstance(given, Iterable) else [given]
    callbacks = list(many)
    for callback in callbacks:
        names = {name for name in dir(callback) if name.startswith("on_")}
        unknown = sorted(names - set(MOMENTS))
        if isinstance(callback, type) or not names or unknown:
            what = f"; it has {', '.join(unknown)}" if unknown else ""
            raise ValueError(
                f"the callback {brief(callback)} must be an object with one or more of the methods "
                f"{', '.join(MOMENTS)}{what}"
            )
    return callbacks


def call(callbacks: Iterable[object], moment: Moment, fit: object) -> None:
    """Tell all who want to know, in order."""
    for callback in callbacks:
        method = getattr(callback, moment, None)
        if method is not None:
            method(fit)

"""What a callback is: an object with one or more of four methods."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol, TypeAlias, runtime_checkable

from diglot.fitting import Fit


@runtime_checkable
class OnFitBegin(Protocol):
    """Who wants to know that a training begins."""

    @abstractmethod
    def on_fit_begin(self, fit: Fit) -> None:
        """Look at the training before its first update, also where it was resumed."""


@runtime_checkable
class OnBatchEnd(Protocol):
    """Who wants to know of each update."""

    @abstractmethod
    def on_batch_end(self, fit: Fit) -> None:
        """Look at the training after an update of the parameters."""


@runtime_checkable
class OnEpochEnd(Protocol):
    """Who wants to know of each epoch."""

    @abstractmethod
    def on_epoch_end(self, fit: Fit) -> None:
        """Look at the training after an epoch and, if it was due, its evaluation."""


@runtime_checkable
class OnFitEnd(Protocol):
    """Who has to put something in order at the end."""

    @abstractmethod
    def on_fit_end(self, fit: Fit) -> None:
        """Look at the training when it is over, also by Ctrl-C or an error (`fit.error`)."""


Callback: TypeAlias = OnFitBegin | OnBatchEnd | OnEpochEnd | OnFitEnd
"""An object with at least one of the four methods."""

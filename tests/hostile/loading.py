"""What is expected of whatever reads bytes from outside."""

import os
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

LONGEST_MESSAGE = 1000


class Loader(ABC):
    """One way into the library, with files that are right, and the judgement of what comes back.

    Attributes:
        name: what it reads.
        form: how its files are changed, see `mutations.mutate`.
        refusals: the errors by which it may say no; no class derived from them is meant.
        file_name: what its files are called.
    """

    name: str
    form: str
    refusals: tuple[type[Exception], ...]
    file_name = "file"

    @abstractmethod
    def make_seeds(self) -> list[bytes]:
        """Write a few files that are right."""

    @abstractmethod
    def read(self, path: Path) -> Any:
        """Read a file by the public way; where it is refused, everything must be as it was."""

    @abstractmethod
    def verify(self, result: Any, path: Path) -> None:
        """Fail unless what came back is sound, and the same after it was written and read again."""

    @cached_property
    def seeds(self) -> list[bytes]:
        """Files that are right."""
        return self.make_seeds()

    def try_out(self, path: Path) -> str:
        """Read a file that may be anything, and tell what came of it: "accepted", or the error.

        Raises:
            AssertionError: it was accepted and should not, or the error's message is of no use.
            Exception: it was refused by an error that no caller expects.
        """
        try:
            result = self.read(path)
        except self.refusals as error:
            refusal = error
        else:
            self.verify(result, path)
            return "accepted"
        if type(refusal) not in self.refusals:
            raise refusal
        self.check_message(refusal, path)
        return type(refusal).__name__

    def check_message(self, error: Exception, path: Path) -> None:
        """Fail unless a message names the file, says something of it, and can be read."""
        message = str(error)
        assert str(path) in message, f"the message does not name the file: {message}"
        assert len(message) <= len(str(path)) + LONGEST_MESSAGE, f"{len(message)} characters"
        assert len(message) > len(str(path)) + 8, message


def put(path: Path, content: bytes) -> Path:
    """Write a file, over the one that is there; faster than to make a new one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, content, 0)
        os.ftruncate(descriptor, len(content))
    finally:
        os.close(descriptor)
    return path

"""What an exercise is."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Exercise", "Kind", "Language"]

Kind: TypeAlias = Literal["kernel", "cell", "operation", "walk", "rung"]
Language: TypeAlias = Literal["Python", "C++"]


@dataclass(frozen=True)
class Exercise:
    """A piece of the library that a learner writes again.

    Attributes:
        name: what is written: a kernel of the reference, a cell of a recurrent one, an operation, a
            function, or an operation of the ladder and its rung.
        chapter: of the book.
        learn: what it teaches, in a few words.
        hints: from the first nudge to nearly all.
        kind: how it is graded. A *kernel* by its own case table; a *cell* by that of the kernel
            which calls it; an *operation* by gradcheck; the *walk* on graphs of numbers; a *rung*
            by the case table of the ladder's kernel.
        home: the module that holds the solution, or the operation of the ladder.
        judge: the kernel whose case table grades it; "" for the kinds that need none.
        rung: of the ladder.
        blanks: the functions or methods whose bodies are to be written.
        beats: a rung of the same operation, and how many times as fast the answer must be.
        links: further C++ sources that the answer calls.
    """

    name: str
    chapter: str
    learn: str
    hints: tuple[str, ...]
    kind: Kind = "kernel"
    home: str = ""
    judge: str = ""
    rung: str = ""
    blanks: tuple[str, ...] = ()
    beats: tuple[str, float] | None = None
    links: tuple[str, ...] = ()

    @property
    def language(self) -> Language:
        """Tell in which language it is written."""
        return "C++" if self.kind == "rung" else "Python"

    @property
    def file_name(self) -> str:
        """Give the name of the learner's file."""
        return self.name + (".cpp" if self.kind == "rung" else ".py")

    @property
    def pair(self) -> str:
        """Name what `diglot pair` shows beside it, or "" if it has no twin."""
        return {"operation": self.name, "walk": ""}.get(self.kind, self.judge)

"""The solutions: the library's own functions and files, found where they are."""

import ast
import importlib
import inspect
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from diglot import sources
from diglot.exercises.exercise import Exercise
from diglot.ladder.rungs import find

__all__ = ["Definition", "Solution", "definition", "solution"]


@dataclass(frozen=True)
class Solution:
    """A piece of the library.

    Attributes:
        path: of its file, in the repository.
        first_line: its line in that file, from 1.
        text: the source.
    """

    path: str
    first_line: int
    text: str


@dataclass(frozen=True)
class Definition:
    """A function or a class of a Python module, as the parser sees it.

    Attributes:
        module: that defines it.
        lines: of the module's file.
        tree: of the whole file.
        node: the definition.
    """

    module: ModuleType
    lines: list[str]
    tree: ast.Module
    node: ast.FunctionDef | ast.ClassDef

    @property
    def first(self) -> int:
        """Give the index of the first line, that of a decorator if there is one."""
        return min([self.node.lineno, *(d.lineno for d in self.node.decorator_list)]) - 1

    @property
    def end(self) -> int:
        """Give the index of the line after the last."""
        return self.node.end_lineno or self.node.lineno


def definition(exercise: Exercise) -> Definition:
    """Parse the module that holds the solution of an exercise in Python."""
    module = importlib.import_module(exercise.home)
    text = inspect.getsource(module)
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == exercise.name:
            return Definition(module, text.splitlines(), tree, node)
    raise LookupError(f"{exercise.home} does not define {exercise.name}")


def solution(exercise: Exercise) -> Solution:
    """Give the library's own answer.

    Raises:
        SourceError: a C++ source is missing, or not the one that was compiled.
        ImportError: an exercise in C++, and nothing is compiled.
    """
    if exercise.kind == "rung":
        path = find(exercise.home, exercise.rung).source
        return Solution(path, 1, sources.read(path))
    found = definition(exercise)
    path = Path(*exercise.home.split(".")).with_suffix(".py").as_posix()
    text = "\n".join(found.lines[found.first : found.end]) + "\n"
    return Solution(f"python/{path}", found.first + 1, text)

"""A learner's C++, made into a library that Python can load, by the compiler of this machine."""

import os
import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from diglot.exercises.exercise import Exercise
from diglot.exercises.messages import Wrong
from diglot.exercises.wrapper import wrapper
from diglot.sources import folder

__all__ = ["CompilerError", "build", "compiler"]

_NEEDED = ("-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast")
_WANTED = ("-march=native", "-fopenmp", "-Wl,-z,defs")  # the last: report what is not defined
_LIMIT = 120.0  # seconds
_MOST_ERRORS = 3


class CompilerError(OSError):
    """There is no C++ compiler, or it does not work."""


def compiler() -> list[str]:
    """Find the C++ compiler: the environment's CXX, else c++, g++ or clang++.

    Raises:
        CompilerError: there is none.
    """
    named = shlex.split(os.environ.get("CXX", ""))
    if named and shutil.which(named[0]) is None:
        raise CompilerError(f"CXX={named[0]} is not found: set it to a C++17 compiler, or unset it")
    for name in ("c++", "g++", "clang++"):
        if not named and shutil.which(name):
            named = [name]
    if not named:
        raise CompilerError(
            "no C++ compiler is found (c++, g++, clang++, or the one that CXX names). Install one, "
            "as with `apt-get install g++` or `xcode-select --install`; the exercises in Python "
            "need none"
        )
    return named


def build(exercise: Exercise, path: Path, library: Path, flags: Sequence[str] = ()) -> None:
    """Compile a learner's file, and what calls it, into a shared library.

    Args:
        exercise: which.
        path: the learner's file.
        library: what is written.
        flags: further ones for the compiler, which win over ours.

    Raises:
        Wrong: the file does not compile; the message holds the first errors, with its line numbers.
        CompilerError: there is no compiler.
    """
    command = compiler()
    root = folder()
    with TemporaryDirectory() as temporary:
        caller = Path(temporary) / "wrapper.cpp"
        caller.write_text(wrapper(exercise), encoding="utf-8")
        files = [path, caller, *(root / link for link in exercise.links)]
        done = _run(
            [
                *command,
                *_NEEDED,
                *_supported(tuple(command)),
                *flags,
                "-Wall",
                "-fdiagnostics-color=never",
                "-shared",
                "-fPIC",
                f"-I{root / 'csrc'}",
                *map(str, files),
                "-o",
                str(library),
            ]
        )
    if done.returncode != 0:
        raise Wrong(_errors(exercise, path, done.stderr))


@cache
def _supported(command: tuple[str, ...]) -> tuple[str, ...]:
    """List those of the flags we would like that this compiler takes, and can link."""
    wanted = list(_WANTED)
    if platform.machine() in ("x86_64", "AMD64"):
        # As the library's own; with MMX, GCC would spoil the x87 unit, on which LAPACK computes.
        wanted += ["-mno-mmx", "-mprefer-vector-width=512"]
    with TemporaryDirectory() as temporary:
        program = Path(temporary) / "empty.cpp"
        program.write_text("int answer() { return 42; }\n", encoding="utf-8")

        def takes(flags: Sequence[str]) -> bool:
            target = str(Path(temporary) / "empty.so")
            done = _run([*command, *flags, "-shared", "-fPIC", str(program), "-o", target])
            return done.returncode == 0

        return tuple(wanted if takes(wanted) else [flag for flag in wanted if takes([flag])])


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Wrong(f"{command[0]} has not come to an end in {_LIMIT:g} s.") from error


def _errors(exercise: Exercise, path: Path, text: str) -> str:
    """Keep of a compiler's words the errors in the learner's file, each with its line of code."""
    lines = text.replace(f"{path}:", f"{path.name}:").splitlines()
    starts = [i for i, line in enumerate(lines) if re.search(r"\b(?:fatal )?error: ", line)]
    own = [i for i in starts if lines[i].startswith(f"{path.name}:")]
    if not own and "undefined " in text:
        return (
            f"It compiles, but {exercise.name} is not found: keep its arguments, and the file's "
            f"last lines.\n{_first(lines, 'undefined ')}"
        )
    shown = []
    for i in (own or starts)[:_MOST_ERRORS]:
        shown.append(lines[i])
        shown += [line for line in lines[i + 1 : i + 3] if re.match(r"\s*\d*\s*\|", line)]
    more = len(own or starts) - _MOST_ERRORS
    tail = [f"... and {more} more"] if more > 0 else []
    return "\n".join(["It does not compile.", *(shown or lines[:12]), *tail])


def _first(lines: Sequence[str], word: str) -> str:
    return next(line for line in lines if word in line)

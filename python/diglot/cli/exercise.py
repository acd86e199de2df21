"""`diglot exercise`: write a piece of the library again, and be graded."""

import argparse
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from diglot.atomic import write_atomically
from diglot.cli.console import (
    UsageError,
    make_console,
    make_table,
    positive_number,
    positive_real,
    sign_of,
    style_of,
)

if TYPE_CHECKING:
    from diglot.exercises import Exercise, Grade

# The exercises are imported where the command runs: the other commands need not wait for them.

_MOST_PRINTED = 8  # lines

_DESCRIPTION = """Write a piece of the library again: a function in NumPy, or a loop in C++. `start`
makes a file with the signature, the equation and a blank body; `check` grades what you have written
by the library's own parity, gradient and speed checks. Exit status 1 if the answer is wrong."""


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command to the parser."""
    text = "write a piece of the library again, and be graded"
    parser = commands.add_parser("exercise", help=text, description=_DESCRIPTION)
    parser.set_defaults(run=_list, folder=Path("exercises"))
    verbs = parser.add_subparsers(title="what to do", metavar="list | start | check | ...")

    def add(verb: str, run: Any, what: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(verb, help=what, description=what[0].upper() + what[1:] + ".")
        if verb != "list":
            sub.add_argument("name", metavar="NAME", help="of the exercise, or its number")
        sub.set_defaults(run=run)
        return sub  # type: ignore[no-any-return]

    listing = add("list", _list, "list the exercises")
    start = add("start", _start, "make the file of an exercise")
    check = add("check", _check, "grade what you have written")
    hint = add("hint", _hint, "give a hint")
    add("solution", _solution, "show the library's own answer")
    for sub in (listing, start, check):
        sub.add_argument(
            "--folder",
            type=Path,
            default=Path("exercises"),
            metavar="DIR",
            help="where the files are (./exercises)",
        )
    start.add_argument("--force", action="store_true", help="replace a file that is there already")
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="another file")
    check.add_argument("--no-speed", action="store_true", help="do not measure")
    check.add_argument(
        "--limit",
        type=positive_real,
        default=10.0,
        metavar="SECONDS",
        help="stop an answer that takes longer for one case (10)",
    )
    hint.add_argument(
        "number", nargs="?", type=positive_number, default=1, metavar="N", help="which hint (1)"
    )


def _list(arguments: argparse.Namespace) -> bool:
    from diglot.exercises import EXERCISES, number, standing

    console = make_console()
    table = make_table("no name", "language", "chapter", "what it teaches", "")
    for exercise in EXERCISES:
        table.add_row(
            f"{number(exercise):2} {exercise.name}",
            exercise.language,
            exercise.chapter,
            exercise.learn,
            standing(exercise, arguments.folder),
        )
    console.print(table)
    console.print("Begin with: diglot exercise start sigmoid_backward")
    return True


def _start(arguments: argparse.Namespace) -> bool:
    from diglot import sources
    from diglot.exercises import blank

    exercise = _find(arguments.name)
    path = arguments.folder / exercise.file_name
    if path.exists() and not arguments.force:
        raise UsageError(
            f"{path} exists already; --force replaces it, and what you have written is lost"
        )
    text = _from_sources(blank, exercise)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
    print(f"written: {path}")
    if exercise.language == "C++":
        print(f"headers: {sources.folder() / 'csrc'} (tell your editor, if it asks)")
        _warn_without_compiler()
    print(f"Write the body, then: diglot exercise check {_named(exercise, arguments.folder)}")
    return True


def _check(arguments: argparse.Namespace) -> bool:
    from diglot.exercises import check, note_passed

    exercise = _find(arguments.name)
    path = arguments.file or arguments.folder / exercise.file_name
    if not path.is_file():
        command = f"diglot exercise start {_named(exercise, arguments.folder)}"
        raise UsageError(f"{path} does not exist; make it with: {command}")
    console = make_console()
    with Console(stderr=True).status(f"checking {exercise.name}"):
        grade = _from_sources(
            lambda which: check(which, path, speed=not arguments.no_speed, limit=arguments.limit),
            exercise,
        )
    _print_grade(console, grade)
    if grade.passed:
        note_passed(exercise, path)
        _print_next(console, exercise)
    else:
        console.print(f"\nA hint: diglot exercise hint {exercise.name}")
    return bool(grade.passed)


def _hint(arguments: argparse.Namespace) -> bool:
    exercise = _find(arguments.name)
    count = len(exercise.hints)
    if arguments.number > count:
        raise UsageError(
            f"{exercise.name} has {count} hints; after them comes: diglot exercise solution "
            f"{exercise.name}"
        )
    print(f"Hint {arguments.number} of {count}:")
    print(textwrap.fill(exercise.hints[arguments.number - 1], 80))
    if arguments.number < count:
        print(f"\nThe next one: diglot exercise hint {exercise.name} {arguments.number + 1}")
    else:
        print(f"\nThat was the last one. The answer: diglot exercise solution {exercise.name}")
    return True


def _solution(arguments: argparse.Namespace) -> bool:
    from rich.syntax import Syntax

    from diglot.exercises import solution

    exercise = _find(arguments.name)
    found = _from_sources(solution, exercise)
    console = make_console()
    console.print(f"{found.path}, from line {found.first_line}:\n", soft_wrap=True)
    if console.is_terminal:
        lexer = "cpp" if exercise.language == "C++" else "python"
        console.print(Syntax(found.text, lexer, background_color="default"))
    else:
        print(found.text, end="")
    return True


def _find(name: str) -> "Exercise":
    from diglot.exercises import find

    try:
        return find(name)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _named(exercise: "Exercise", folder: Path) -> str:
    """Name an exercise as a command does, with its folder if that is not the usual one."""
    if folder == Path("exercises"):
        return exercise.name
    return f"{exercise.name} --folder {shlex.quote(str(folder))}"


def _from_sources(make: Any, exercise: "Exercise") -> Any:
    """Call what reads C++ sources; where nothing is compiled, there are none."""
    try:
        return make(exercise)
    except ImportError as error:
        raise UsageError(f"the exercises in C++ need the compiled package. {error}") from error


def _warn_without_compiler() -> None:
    from diglot.exercises import CompilerError
    from diglot.exercises.compiler import compiler

    try:
        compiler()
    except CompilerError as error:
        print(f"Note: {error}.")


def _print_grade(console: Console, grade: "Grade") -> None:
    table = make_table("check", "", "result")
    for row in grade.rows:
        table.add_row(row.name, Text(sign_of(row.passed), style_of(row.passed)), row.result)
    console.print(table)
    if grade.printed:
        lines = grade.printed.splitlines()
        console.print("Your code printed:")
        for line in lines[:_MOST_PRINTED]:
            console.print(f"    {line}", soft_wrap=True)
        more = len(lines) - _MOST_PRINTED
        console.print(f"    ... and {more} more lines\n" if more > 0 else "")
    told: set[str] = set()
    for row in grade.rows:
        question = row.name.partition(",")[0]
        if row.message and question not in told:  # what is wrong in float64 is so in float32
            told.add(question)
            console.print(Text.assemble((f"{row.name}: ", "bold"), row.message))


def _print_next(console: Console, exercise: "Exercise") -> None:
    from diglot.exercises import successor

    console.print("Passed.", style=style_of(True))
    if exercise.pair:
        console.print(f"The library's own, in both languages: diglot pair {exercise.pair}")
    else:
        console.print(f"The library's own: diglot exercise solution {exercise.name}")
    after = successor(exercise)
    if after is not None:
        console.print(f"Next: diglot exercise start {after.name}  ({after.learn})")
